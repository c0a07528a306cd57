//! `fluxpay tenant ensure`: makes a tenant from its file, again and again with the same result.
//!
//! Keys are generated once and written to the files the document names, readable by their owner only;
//! a file that is there is believed, so that a new database gets the keys clients already hold.

use crate::clock::Clock;
use crate::config::{ConfigError, SecretSource};
use crate::db::{Db, DbError};
use crate::id::TenantId;
use crate::psp::account::{self, EnsureAccount, PspKind};
use crate::psp::seal::MasterKey;
use crate::tenant::commands::{self, Ensure, KnownKey};
use crate::tenant::key::{ApiKey, KeyKind, Scope};
use serde::Deserialize;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A tenant's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    id: String,
    name: String,
    psp: PspSpec,
    keys: Vec<KeySpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PspSpec {
    kind: PspKind,
    base_url: String,
    secret_key: SecretSource,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySpec {
    kind: KeyKind,
    scope: Scope,
    file: PathBuf,
}

/// Why a tenant could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The document.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its id.
    #[error("id: {0:?} must be 1 to 63 of a-z, 0-9 and -")]
    BadId(String),
    /// Its PSP's address.
    #[error("psp.base_url: must begin with http:// or https://")]
    BadBaseUrl,
    /// A key file that holds something else.
    #[error("{0}: holds no API key of the kind the tenant's file says")]
    NotAKey(PathBuf),
    /// A key file.
    #[error("{path}: cannot keep an API key there")]
    KeyFile {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Makes the tenant of `spec`. Gives its id.
pub async fn ensure(
    db: &Db,
    clock: &Clock,
    master_key: &MasterKey,
    spec: Spec,
) -> Result<TenantId, ProvisionError> {
    let tenant: TenantId = spec
        .id
        .parse()
        .map_err(|_| ProvisionError::BadId(spec.id.clone()))?;
    let base_url = spec.psp.base_url;
    if !(base_url.starts_with("http://") || base_url.starts_with("https://")) {
        return Err(ProvisionError::BadBaseUrl);
    }
    let secret_key = spec.psp.secret_key.read("psp.secret_key")?;
    let mut keys = Vec::new();
    for wanted in &spec.keys {
        keys.push(KnownKey {
            key: key_in(wanted)?,
            scope: wanted.scope,
        });
    }
    let now = clock.now();
    commands::ensure(
        db,
        &Ensure {
            tenant: tenant.clone(),
            name: spec.name,
            keys,
        },
        now,
    )
    .await?;
    let account = EnsureAccount {
        tenant: tenant.clone(),
        kind: spec.psp.kind,
        base_url,
        secret_key,
    };
    account::ensure(db, master_key, &account, now).await?;
    Ok(tenant)
}

/// The key in the file, or a new one written there first: a key the database knows and nobody holds
/// would be worse than one nobody knows.
fn key_in(wanted: &KeySpec) -> Result<ApiKey, ProvisionError> {
    let failed = |cause| ProvisionError::KeyFile {
        path: wanted.file.clone(),
        cause,
    };
    match fs::read_to_string(&wanted.file) {
        Ok(text) => ApiKey::parse(text.trim())
            .filter(|key| key.kind() == wanted.kind)
            .ok_or_else(|| ProvisionError::NotAKey(wanted.file.clone())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = ApiKey::generate(wanted.kind, &mut rand::rng());
            write_private(&wanted.file, key.reveal()).map_err(failed)?;
            Ok(key)
        }
        Err(error) => Err(failed(error)),
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
