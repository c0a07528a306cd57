//! The shop's configuration: one YAML file, with secrets in files or the environment.
//!
//! [`HELP`] is the manual: it is what `demo-shop --help` prints, and a test reads its example.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// What `demo-shop --help` prints.
pub const HELP: &str = include_str!("config/help.txt");

/// Longest time a unit may be held for one buyer: a day.
const HOLD_MAX_SECONDS: u64 = 86_400;

/// Bytes nobody may see.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Hides bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one who signs or sends them.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret or an address with a password is found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Place {
    /// In a file; white space at its end is not part of it.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
    /// Here. For demos only.
    Value(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    listen: SocketAddr,
    database_url: Place,
    gateway: GatewayDocument,
    core: CoreDocument,
    psp: Psp,
    product: ProductDocument,
    public_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayDocument {
    tenant: String,
    room: String,
    origin_secret: Place,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoreDocument {
    url: String,
    secret_key: Place,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductDocument {
    stock: u32,
    price: i64,
    #[serde(default = "ten_minutes")]
    hold_seconds: u64,
}

fn ten_minutes() -> u64 {
    600
}

/// The payment window a buyer is sent to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Psp {
    /// Its address.
    pub window_url: String,
    /// The shop's public key there.
    pub client_key: String,
}

/// What is sold.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// How many pieces there are.
    pub stock: u32,
    /// Won for one.
    pub price: i64,
    /// How long a piece is held for a buyer who is paying.
    pub hold: Duration,
}

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The shop's own database, password included.
    pub database_url: String,
    /// Who the gateway's passes must be for, and signed with what.
    pub pass: crate::pass::PassCheck,
    /// The payment core, up to and with `/api/v1`.
    pub core_url: String,
    /// The shop's key there.
    pub core_key: String,
    /// The payment window.
    pub psp: Psp,
    /// What is sold.
    pub product: Product,
    /// Where visitors reach the shop, if not where the gateway says they did.
    pub public_url: Option<String>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// The file cannot be read.
    #[error("{file}: {cause}")]
    Unreadable {
        /// Which file.
        file: String,
        /// Why.
        cause: std::io::Error,
    },
    /// It is not the document that is expected.
    #[error("{file}: {what}")]
    Malformed {
        /// Which file.
        file: String,
        /// What is wrong, with line and column.
        what: String,
    },
    /// A value is missing or out of range.
    #[error("`{field}`: {what}")]
    Value {
        /// Which member.
        field: &'static str,
        /// What is wrong and what is right.
        what: String,
    },
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, BadConfig> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(cause) => Err(BadConfig::Unreadable { file, cause }),
        }
    }

    /// Checks a document; `file` is its name in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, BadConfig> {
        let document: Document =
            serde_saphyr::from_str(text).map_err(|error| BadConfig::Malformed {
                file: file.to_owned(),
                what: error.to_string(),
            })?;
        let pass = crate::pass::PassCheck {
            secret: Secret::new(
                document
                    .gateway
                    .origin_secret
                    .look_up("gateway.origin_secret")?
                    .into_bytes(),
            ),
            tenant: document.gateway.tenant,
            room: document.gateway.room,
        };
        Ok(Self {
            listen: document.listen,
            database_url: document.database_url.look_up("database_url")?,
            pass,
            core_url: web_address("core.url", document.core.url)?,
            core_key: document.core.secret_key.look_up("core.secret_key")?,
            psp: Psp {
                window_url: web_address("psp.window_url", document.psp.window_url)?,
                ..document.psp
            },
            product: document.product.checked()?,
            public_url: document
                .public_url
                .map(|url| web_address("public_url", url))
                .transpose()?,
        })
    }
}

impl ProductDocument {
    fn checked(self) -> Result<Product, BadConfig> {
        let wrong = |field, what: &str| BadConfig::Value {
            field,
            what: what.to_owned(),
        };
        if self.price < 100 {
            return Err(wrong("product.price", "cards take 100 won or more"));
        }
        if !(1..=HOLD_MAX_SECONDS).contains(&self.hold_seconds) {
            return Err(wrong("product.hold_seconds", "between 1 and 86400"));
        }
        let hold = Duration::from_secs(self.hold_seconds);
        Ok(Product {
            stock: self.stock,
            price: self.price,
            hold,
        })
    }
}

impl Place {
    fn look_up(self, field: &'static str) -> Result<String, BadConfig> {
        let wrong = |what: String| BadConfig::Value { field, what };
        let found = match self {
            Self::Value(value) => value,
            Self::Env(name) => std::env::var(&name)
                .map_err(|_| wrong(format!("the environment variable {name} is not set")))?,
            Self::File(path) => std::fs::read_to_string(&path)
                .map_err(|cause| wrong(format!("cannot read {}: {cause}", path.display())))?,
        };
        let found = found.trim_ascii_end();
        if found.is_empty() {
            Err(wrong("it is empty".to_owned()))
        } else {
            Ok(found.to_owned())
        }
    }
}

/// An `http` or `https` address without a slash at its end.
fn web_address(field: &'static str, text: String) -> Result<String, BadConfig> {
    let parsed = text.parse::<reqwest::Url>();
    match parsed {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(BadConfig::Value {
            field,
            what: format!("`{text}` is no http address"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manual's example with every secret written in place, so that it needs no files.
    fn example() -> String {
        let (_, rest) = HELP
            .split_once("Example:\n")
            .expect("the manual has an example");
        let lines = rest.lines().take_while(|line| line.starts_with("  "));
        let text: Vec<_> = lines
            .map(|line| line.strip_prefix("  ").unwrap_or_default())
            .collect();
        text.join("\n")
            .replace(
                "file: .data/keys/origin-acme",
                "value: secret-of-the-origin",
            )
            .replace("file: .data/keys/acme-secret", "value: sk_x")
            .replace("env: SHOP_DATABASE_URL", "value: postgres://x")
    }

    #[test]
    fn the_manuals_example_is_a_good_configuration() {
        let config = Config::parse("shop.yaml", &example()).unwrap();
        assert_eq!(config.listen.port(), 8100);
        assert_eq!(config.product.hold, Duration::from_secs(600));
        assert_eq!(config.core_url, "http://127.0.0.1:8080/api/v1");
        assert_eq!(config.pass.secret.reveal(), b"secret-of-the-origin");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let cases = [
            ("stock: 200", "stok: 200", "stok"),
            ("price: 189000", "price: 99", "`product.price`"),
            ("listen: 127.0.0.1:8100", "listen: nowhere", "listen"),
            ("value: sk_x", "file: /does/not/exist", "`core.secret_key`"),
            (
                "value: postgres://x",
                "env: NOT_SET_ANYWHERE",
                "NOT_SET_ANYWHERE",
            ),
            ("http://127.0.0.1:8080/api/v1", "ftp://x", "`core.url`"),
        ];
        for (from, to, named) in cases {
            let text = example();
            assert!(text.contains(from), "{from}");
            let error = Config::parse("shop.yaml", &text.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
