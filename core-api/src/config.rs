//! The service's file: what was said (YAML), then what is meant (typed, secrets read).
//!
//! `core-api/fluxpay.example.yaml` is the manual; a test parses it. Unknown keys are errors.

use crate::psp::seal::{BadMasterKey, MasterKey};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a file cannot be used. One sentence each, since a person reads it on a terminal.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not readable.
    #[error("cannot read {path}")]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    /// Not what is expected; the message names line and column.
    #[error("{path}: {message}")]
    Malformed { path: PathBuf, message: String },
    /// A secret is nowhere.
    #[error("{what} is not set: give it in the file or in the environment variable {variable}")]
    Missing {
        what: &'static str,
        variable: String,
    },
    /// The master key is not one.
    #[error(transparent)]
    MasterKey(#[from] BadMasterKey),
    /// A value out of its range.
    #[error("{0}")]
    OutOfRange(&'static str),
}

/// A secret: in the environment, in a file, or (for development) in place. Never printed.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretSource {
    /// The name of an environment variable.
    Env(String),
    /// A file that holds nothing else.
    File(PathBuf),
    /// The secret itself.
    Value(String),
}

impl SecretSource {
    /// Fetches the secret; `what` names it in errors.
    pub fn read(&self, what: &'static str) -> Result<String, ConfigError> {
        match self {
            Self::Env(name) => std::env::var(name).map_err(|_| ConfigError::Missing {
                what,
                variable: name.clone(),
            }),
            Self::File(path) => read(path).map(|text| text.trim().to_owned()),
            Self::Value(value) => Ok(value.clone()),
        }
    }
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Value(_) => f.write_str("value"),
        }
    }
}

/// The document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// The database.
    #[serde(default)]
    pub database: Database,
    /// Seals PSP credentials; `FLUXPAY_MASTER_KEY` if absent.
    master_key: Option<SecretSource>,
    /// Where finished answers are cached.
    #[serde(default)]
    pub cache: Cache,
    /// Limits of payments.
    #[serde(default)]
    pub payment: PaymentLimits,
}

/// Addresses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The API.
    pub http: SocketAddr,
    /// `/healthz` and `/metrics`; not for the public.
    pub admin: SocketAddr,
}

/// The database.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    url: Option<SecretSource>,
    migrate_url: Option<SecretSource>,
    connections: Option<u32>,
}

/// Connections to the database when the file does not say: PostgreSQL serves few at a time well, and
/// waiters queue here rather than there.
const CONNECTIONS: u32 = 16;

impl Database {
    /// The service's own role (`fluxpay_app`).
    pub fn url(&self) -> Result<String, ConfigError> {
        secret(self.url.as_ref(), "database.url", "FLUXPAY_DATABASE_URL")
    }

    /// The owner's role (`fluxpay_owner`), for migrations only.
    pub fn migrate_url(&self) -> Result<String, ConfigError> {
        secret(
            self.migrate_url.as_ref(),
            "database.migrate_url",
            "FLUXPAY_MIGRATE_URL",
        )
    }

    /// Connections at most, 1 to 500.
    pub fn connections(&self) -> Result<u32, ConfigError> {
        let connections = self.connections.unwrap_or(CONNECTIONS);
        let usable = (1..=500).contains(&connections);
        usable.then_some(connections).ok_or(ConfigError::OutOfRange(
            "database.connections must be 1 to 500",
        ))
    }
}

/// Where finished answers are cached. PostgreSQL has them all; this is for speed.
#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Cache {
    /// In each process.
    #[default]
    Memory,
    /// In Redis, shared by several processes.
    Redis(String),
}

/// The address may hold a password.
impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "Memory",
            Self::Redis(_) => "Redis(..)",
        })
    }
}

/// Limits of payments.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentLimits {
    answer_within: jiff::SignedDuration,
    psp_connect: jiff::SignedDuration,
    psp_answer: jiff::SignedDuration,
    in_flight: usize,
    look_ups: Vec<jiff::SignedDuration>,
}

impl Default for PaymentLimits {
    fn default() -> Self {
        let seconds = jiff::SignedDuration::from_secs;
        Self {
            answer_within: seconds(3),
            psp_connect: seconds(1),
            psp_answer: seconds(10),
            // A thousand payments a second at two seconds each; some 20 kB a payment, 40 MB.
            in_flight: 2_000,
            look_ups: [1, 2, 4, 8, 15].map(seconds).to_vec(),
        }
    }
}

impl PaymentLimits {
    /// How long a request waits before it is answered 202.
    pub fn answer_within(&self) -> Result<Duration, ConfigError> {
        within(
            self.answer_within,
            30,
            "payment.answer_within must be above 0 and at most 30s",
        )
    }

    /// How long a PSP may take to accept a connection.
    pub fn psp_connect(&self) -> Result<Duration, ConfigError> {
        within(
            self.psp_connect,
            10,
            "payment.psp_connect must be above 0 and at most 10s",
        )
    }

    /// How long a PSP may take to answer. Bounded below the lease of a saga step (75 s).
    pub fn psp_answer(&self) -> Result<Duration, ConfigError> {
        within(
            self.psp_answer,
            60,
            "payment.psp_answer must be above 0 and at most 60s",
        )
    }

    /// Commands running at once.
    pub fn in_flight(&self) -> Result<usize, ConfigError> {
        let usable = (1..=100_000).contains(&self.in_flight);
        usable
            .then_some(self.in_flight)
            .ok_or(ConfigError::OutOfRange(
                "payment.in_flight must be 1 to 100000",
            ))
    }

    /// Pauses between look-ups.
    pub fn look_ups(&self) -> Result<Vec<Duration>, ConfigError> {
        let bad = "payment.look_ups must be one or more pauses, each above 0 and at most 60s";
        let pauses: Result<Vec<_>, _> = self
            .look_ups
            .iter()
            .map(|pause| within(*pause, 60, bad))
            .collect();
        pauses.and_then(|pauses| {
            if pauses.is_empty() {
                Err(ConfigError::OutOfRange(bad))
            } else {
                Ok(pauses)
            }
        })
    }
}

fn within(
    said: jiff::SignedDuration,
    max_s: u64,
    otherwise: &'static str,
) -> Result<Duration, ConfigError> {
    let meant = Duration::try_from(said).map_err(|_| ConfigError::OutOfRange(otherwise))?;
    let usable = !meant.is_zero() && meant <= Duration::from_secs(max_s);
    usable
        .then_some(meant)
        .ok_or(ConfigError::OutOfRange(otherwise))
}

fn secret(
    said: Option<&SecretSource>,
    what: &'static str,
    variable: &str,
) -> Result<String, ConfigError> {
    match said {
        Some(source) => source.read(what),
        None => SecretSource::Env(variable.to_owned()).read(what),
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable {
        path: path.to_owned(),
        cause,
    })
}

/// Reads a YAML document.
pub fn document<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = read(path)?;
    serde_saphyr::from_str(&text).map_err(|error| ConfigError::Malformed {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

impl Config {
    /// Reads the service's file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        document(path)
    }

    /// The key that seals PSP credentials.
    pub fn master_key(&self) -> Result<MasterKey, ConfigError> {
        let text = secret(self.master_key.as_ref(), "master_key", "FLUXPAY_MASTER_KEY")?;
        Ok(MasterKey::parse(&text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_is_valid_and_complete() {
        let config = Config::load(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fluxpay.example.yaml"
        )))
        .unwrap();
        assert_eq!(config.listen.http.port(), 8081);
        assert_eq!(config.database.connections().unwrap(), CONNECTIONS);
        let defaults = PaymentLimits::default();
        assert_eq!(
            config.payment.look_ups().unwrap(),
            defaults.look_ups().unwrap()
        );
        assert_eq!(
            config.payment.psp_answer().unwrap(),
            defaults.psp_answer().unwrap()
        );
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_place() {
        let error =
            parse("listen: { http: 127.0.0.1:1, admin: 127.0.0.1:2 }\npayments: {}\n").unwrap_err();
        assert!(
            error.contains("payments") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn a_limit_out_of_range_is_refused() {
        let config = parse("listen: { http: 127.0.0.1:1, admin: 127.0.0.1:2 }\npayment: { psp_answer: 90s, look_ups: [] }").unwrap();
        assert!(config.payment.psp_answer().is_err());
        assert!(config.payment.look_ups().is_err());
    }

    #[test]
    fn a_secret_in_place_is_not_printed() {
        let config = parse("listen: { http: 127.0.0.1:1, admin: 127.0.0.1:2 }\ndatabase: { url: { value: hunter2 } }").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.database.url().unwrap(), "hunter2");
    }
}
