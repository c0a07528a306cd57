//! Secrets: looked up in a file or an environment variable, never written in the file itself, and never
//! shown by a log, an error or a `Debug` print.

use std::fmt;
use std::path::PathBuf;

use policies::diagnostic::{Complaint, Diagnostics};
use policies::document::Said;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::files;

/// No secret is longer; a device without end is none.
const MOST_BYTES: usize = 64 << 10;

/// The shortest key that signs anything: 256 bits, as long as the hash.
pub(crate) const KEY_BYTES_MIN: usize = 32;

/// Bytes nobody may see. Compared in constant time.
#[derive(Clone)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// A secret that a test knows.
    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// What a file says in clear, to be compared like a secret.
    pub(crate) fn from_text(text: String) -> Self {
        Self(text.into_bytes())
    }

    /// The bytes, for the one function that needs them.
    pub(crate) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl Secret {
    /// Whether `said` is this, in constant time for its length.
    pub(crate) fn is(&self, said: &[u8]) -> bool {
        bool::from(self.0.ct_eq(said))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.0.ct_eq(&other.0))
    }
}
impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret is found: `{ file: PATH }` or `{ env: NAME }`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretDocument {
    file: Option<Said<PathBuf>>,
    env: Option<Said<String>>,
}

impl SecretDocument {
    /// Looks the secret up. White space at its end (the newline of a text file) is not part of it.
    pub(in crate::config) fn compile(self, told: &mut Diagnostics) -> Option<Secret> {
        let places = (
            self.file.as_ref().map(Said::place),
            self.env.as_ref().map(Said::place),
        );
        let place = places.0.or(places.1).unwrap_or_default();
        let found = match (self.file, self.env) {
            (Some(file), None) => {
                let file = file.take(told)?;
                files::read(&file, MOST_BYTES).map_err(|cause| {
                    Complaint::new(format!(
                        "cannot read the secret in {}: {cause}",
                        file.display()
                    ))
                    .hint("paths are relative to the directory the gateway is started in")
                })
            }
            (None, Some(name)) => {
                let name = name.take(told)?;
                let value = std::env::var(&name).map(String::into_bytes);
                value.map_err(|_| Complaint::new(format!("the variable {name} is not set")))
            }
            _ => Err(Complaint::new("a secret has one source")
                .hint("write { file: PATH } or { env: NAME }")),
        };
        let checked = found.and_then(|mut bytes| {
            bytes.truncate(bytes.trim_ascii_end().len());
            match bytes.is_empty() {
                true => Err(Complaint::new("the secret is empty")),
                false => Ok(Secret(bytes)),
            }
        });
        checked
            .map_err(|complaint| told.push(complaint.at(place)))
            .ok()
    }
}

/// A signing key with the number that tokens name it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) id: u8,
    pub(crate) secret: Secret,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyDocument {
    id: Said<u8>,
    secret: SecretDocument,
}

/// Compiles the key ring: no number twice, no key too short.
pub(super) fn compile_keys(said: Vec<KeyDocument>, told: &mut Diagnostics) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::with_capacity(said.len());
    for document in said {
        let place = document.id.place();
        let (id, secret) = (document.id.take(told), document.secret.compile(told));
        let (Some(id), Some(secret)) = (id, secret) else {
            continue;
        };
        if secret.reveal().len() < KEY_BYTES_MIN {
            let short = Complaint::new(format!("key {id} is shorter than {KEY_BYTES_MIN} bytes"));
            told.push(short.hint("make one with: openssl rand -hex 32").at(place));
        }
        if keys.iter().any(|key| key.id == id) {
            told.push(Complaint::new(format!("a second key with id {id}")).at(place));
        }
        keys.push(Key { id, secret });
    }
    keys
}
