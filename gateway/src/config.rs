//! The configuration file: said, then meant.
//!
//! [`Document`] is what the file says; [`Config`] is what the gateway does. Between them stands one
//! compilation that reports every bad value with file, line, column and a hint. `fluxgate.example.yaml`
//! is the manual: it is compiled in (`fluxgate example` prints it) and a test keeps it valid.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use policies::diagnostic::{Complaint, Diagnostic, Diagnostics};
use policies::document::{self, Entries, Said};
use policies::name::Name;
use serde::Deserialize;

pub(crate) mod http;
mod instant;
pub(crate) mod listen;
pub(crate) mod secret;
mod share;
pub(crate) mod store;
pub(crate) mod tenant;
pub(crate) mod upstream;

use self::http::{Http, HttpDocument};
use self::listen::{AccessLog, Listen, ListenDocument, Shutdown, ShutdownDocument};
use self::secret::{Key, KeyDocument, Secret, SecretDocument};
use self::share::ShareDocument;
use self::store::{Store, StoreDocument};
use self::tenant::{Tenant, TenantDocument};
use self::upstream::{Upstream, UpstreamDocument};

/// The example configuration, which is the manual.
pub(crate) const EXAMPLE: &str = include_str!("../fluxgate.example.yaml");

/// What the gateway is to do. Every value in it has been checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: Listen,
    /// Opens every admin path; without one only the harmless paths answer, and only on loopback.
    pub(crate) admin_token: Option<Secret>,
    /// Proxies whose `X-Forwarded-*` and `X-Request-Id` are believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// The first signs, all verify. At least one when any tenant has a room.
    pub(crate) keys: Vec<Key>,
    pub(crate) store: Store,
    pub(crate) http: Http,
    pub(crate) shutdown: Shutdown,
    pub(crate) access_log: AccessLog,
    /// Where the lines' logs are kept; `None`: only their last entries, in the store.
    pub(crate) line_logs: Option<PathBuf>,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) tenants: Vec<Tenant>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    listen: ListenDocument,
    #[serde(default)]
    admin: AdminDocument,
    #[serde(default)]
    trusted_proxies: Vec<Said<IpNet>>,
    #[serde(default)]
    keys: Vec<KeyDocument>,
    threads: Option<Said<u16>>,
    work_stealing: Option<Said<bool>>,
    #[serde(default)]
    store: StoreDocument,
    #[serde(default)]
    http: HttpDocument,
    #[serde(default)]
    shutdown: ShutdownDocument,
    access_log: Option<Said<AccessLog>>,
    line_logs: Option<Said<PathBuf>>,
    upstreams: Entries<Name, UpstreamDocument>,
    #[serde(default)]
    shares: Entries<Name, ShareDocument>,
    tenants: Entries<Name, TenantDocument>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdminDocument {
    token: Option<SecretDocument>,
}

/// Why a configuration cannot be used. The operator's fault; nothing to retry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file could not be read at all.
    #[error("cannot read the configuration {file}: {cause}")]
    Unreadable {
        file: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    /// The file was read and is wrong.
    #[error("{}", render(file, told))]
    Wrong {
        file: PathBuf,
        told: Vec<Diagnostic>,
    },
}

fn render(file: &Path, told: &[Diagnostic]) -> String {
    let file = file.display().to_string();
    let lines: Vec<String> = told.iter().map(|one| one.render(&file)).collect();
    lines.join("\n")
}

impl Config {
    /// Reads and compiles the file.
    pub(crate) fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|cause| ConfigError::Unreadable {
            file: file.to_owned(),
            cause,
        })?;
        Self::read(&text).map_err(|told| ConfigError::Wrong {
            file: file.to_owned(),
            told,
        })
    }

    /// Compiles a text. Secrets that name a file or a variable are looked up.
    pub(crate) fn read(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let document: Document = document::read(text).map_err(|one| vec![one])?;
        let mut told = Diagnostics::new();
        let config = document.compile(&mut told);
        match (config, told.is_empty()) {
            (Some(config), true) => Ok(config),
            (_, _) => Err(told.into_sorted()),
        }
    }

    /// Whether any tenant has a waiting room.
    pub(crate) fn has_rooms(&self) -> bool {
        self.tenants.iter().any(|tenant| !tenant.rooms.is_empty())
    }
}

impl Document {
    /// `None` only together with a complaint. Every part is compiled even when an earlier one failed.
    fn compile(self, told: &mut Diagnostics) -> Option<Config> {
        let listen = self.listen.compile(self.threads, self.work_stealing, told);
        let admin_token = self.admin.token.and_then(|token| token.compile(told));
        let trusted_proxies = self.trusted_proxies.into_iter();
        let trusted_proxies = trusted_proxies.filter_map(|net| net.take(told)).collect();
        let keys = secret::compile_keys(self.keys, told);
        let store = self.store.compile(told);
        let http = self.http.compile(told);
        let shutdown = self.shutdown.compile(told);
        let access_log = match self.access_log {
            Some(said) => said.take(told),
            None => Some(AccessLog::Stdout),
        };
        let line_logs = self.line_logs.and_then(|said| said.take(told));
        let upstreams = upstream::compile(self.upstreams, told);
        let names: Vec<Name> = upstreams.iter().map(|one| one.name.clone()).collect();
        let shares = share::compile(self.shares, told);
        let mut tenants = tenant::compile(self.tenants, (&names, &shares), told);
        share::add_up(&shares, &mut tenants, told);
        let config = Config {
            listen: listen?,
            admin_token,
            trusted_proxies,
            keys,
            store: store?,
            http: http?,
            shutdown: shutdown?,
            access_log: access_log?,
            line_logs,
            upstreams,
            tenants,
        };
        if config.has_rooms() && config.keys.is_empty() && told.is_empty() {
            let missing = Complaint::new("waiting rooms need a signing key and `keys` has none");
            let hint = "keys: [{ id: 1, secret: { file: PATH } }], at least 32 random bytes";
            told.push(missing.hint(hint).at(Default::default()));
        }
        Some(config)
    }
}

/// Names that two configurations disagree on although a running process cannot change them.
pub(crate) fn needs_restart(running: &Config, wanted: &Config) -> Vec<&'static str> {
    let differs = [
        ("listen", running.listen != wanted.listen),
        ("store", running.store != wanted.store),
        ("shutdown", running.shutdown != wanted.shutdown),
        (
            "http.header_timeout",
            running.http.header_timeout != wanted.http.header_timeout,
        ),
        ("admin.token", running.admin_token != wanted.admin_token),
        ("access_log", running.access_log != wanted.access_log),
        ("line_logs", running.line_logs != wanted.line_logs),
    ];
    let named = differs.into_iter().filter(|(_, differs)| *differs);
    named.map(|(name, _)| name).collect()
}

/// True for addresses that only this machine can reach.
pub(crate) fn is_local(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

#[cfg(test)]
mod tests;
