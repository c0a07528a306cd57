//! API keys: `sk_` or `pk_`, a public prefix that finds the row, and 160 random bits.
//!
//! Only the SHA-256 is stored. That is enough, and a slow password hash would be wrong here: nobody
//! can try 2^160 keys, and each request would pay for it.

use rand::Rng;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The kind's three characters and thirteen random ones: 65 bits, unique without asking.
const PREFIX: usize = 16;
/// 32 characters of 5 bits.
const SECRET: usize = 32;

/// Where a key may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// On the tenant's servers.
    Secret,
    /// In browsers: it reads one payment by its unguessable id, and nothing else.
    Publishable,
}

/// Whom a secret key serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The tenant's application: takes payments.
    App,
    /// Its operators: read, and later repair.
    Ops,
    /// Its accountants: read.
    Finance,
}

impl KeyKind {
    /// The `kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Publishable => "publishable",
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::Secret => "sk_",
            Self::Publishable => "pk_",
        }
    }

    /// Reads the `kind` column.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Secret, Self::Publishable]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

impl Scope {
    /// The `scope` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Ops => "ops",
            Self::Finance => "finance",
        }
    }

    /// Reads the `scope` column.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::App, Self::Ops, Self::Finance]
            .into_iter()
            .find(|scope| scope.as_str() == text)
    }
}

/// A whole key. Its secret part is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// A new key.
    pub fn generate(kind: KeyKind, random: &mut impl Rng) -> Self {
        let mut text = String::from(kind.tag());
        while text.len() < PREFIX + SECRET {
            text.push(char::from(
                ALPHABET[usize::try_from(random.next_u32() & 31).expect("five bits fit")],
            ));
        }
        Self(text)
    }

    /// Reads a key as it is sent; `None` if it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let body = text
            .strip_prefix("sk_")
            .or_else(|| text.strip_prefix("pk_"))?;
        let whole = text.len() == PREFIX + SECRET && body.bytes().all(|b| ALPHABET.contains(&b));
        whole.then(|| Self(text.to_owned()))
    }

    /// Where the key may be used, by its own first letters.
    pub fn kind(&self) -> KeyKind {
        if self.0.starts_with("sk_") {
            KeyKind::Secret
        } else {
            KeyKind::Publishable
        }
    }

    /// The part that finds the row; not secret.
    pub fn prefix(&self) -> &str {
        &self.0[..PREFIX]
    }

    /// What is stored.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// The whole key, for the one file it is written to.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_reads_back_and_hides_its_secret() {
        let key = ApiKey::generate(KeyKind::Secret, &mut rand::rng());
        assert_eq!(ApiKey::parse(key.reveal()).as_ref(), Some(&key));
        assert_eq!(key.kind(), KeyKind::Secret);
        assert!(!format!("{key:?}").contains(&key.reveal()[PREFIX..]));
    }

    #[test]
    fn what_is_no_key_is_not_looked_up() {
        let short = "sk_0123";
        let capital = format!("sk_{}", "A".repeat(45));
        let foreign = format!("xx_{}", "a".repeat(45));
        let accent = format!("sk_{}é", "a".repeat(43));
        for text in ["", short, &capital, &foreign, &accent] {
            assert_eq!(ApiKey::parse(text), None, "{text}");
        }
    }
}
