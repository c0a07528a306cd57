//! What the operator said: values that remember their place, and the reader of YAML documents.
//!
//! Document types derive `Deserialize` with `deny_unknown_fields` and hold their leaves as
//! [`Said<T>`]. Reading a leaf never fails: a value that makes no sense is kept as the complaint about
//! it, and [`Said::take`] hands it over when the document is compiled. So a file with five bad values
//! gets five complaints. Only the *shape* of a document (an unknown key, a list where a map belongs)
//! stops at the first mistake, since what follows it cannot be understood.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Error, Spanned};

use crate::diagnostic::{Complaint, Diagnostic, Diagnostics, Place};

/// A value that is written as one word of a document.
///
/// The text comes without quotes. The complaint must not repeat the text of a secret.
pub trait Scalar: Sized {
    /// Reads the value, or says what is wrong with it.
    ///
    /// # Errors
    /// A [`Complaint`] when the text is no such value.
    fn read(text: &str) -> Result<Self, Complaint>;
}

/// A value as it was said: its meaning or the complaint about it, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    read: Result<T, Complaint>,
    place: Place,
}

impl<T> Said<T> {
    /// A value that no document said (a default, a test).
    pub fn unsaid(value: T) -> Self {
        Self {
            read: Ok(value),
            place: Place::default(),
        }
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The value, or `None` after its complaint went to `told`.
    pub fn take(self, told: &mut Diagnostics) -> Option<T> {
        match self.read {
            Ok(value) => Some(value),
            Err(complaint) => {
                told.push(complaint.at(self.place));
                None
            }
        }
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self {
            read: T::read(&text.value),
            place: place(text.referenced),
        })
    }
}

/// A map that keeps the order of the file and the place of each key.
#[derive(Clone, Debug)]
pub struct Entries<K, V>(pub Vec<(Said<K>, V)>);

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, K: Scalar, V: Deserialize<'de>> Deserialize<'de> for Entries<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<K, V>(PhantomData<(K, V)>);

        impl<'de, K: Scalar, V: Deserialize<'de>> Visitor<'de> for InOrder<K, V> {
            type Value = Entries<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

/// Reads one YAML document.
///
/// # Errors
/// The first mistake in the document's shape, with its place. Mistakes in values are not errors here:
/// they wait in their [`Said`].
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Diagnostic> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| diagnose(&error))
}

fn diagnose(error: &Error) -> Diagnostic {
    let error = error.without_snippet();
    let at = error.location().map(place).unwrap_or_default();
    let complaint = match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => Complaint::unknown("key", field, expected.iter().copied()),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => Complaint::unknown("choice", variant, expected.iter().copied()),
        Error::SerdeMissingField { field, .. } => {
            Complaint::new(format!("the key `{field}` is missing"))
                .hint("every map of this kind needs it")
        }
        other => Complaint::new(bare_message(other, at)),
    };
    complaint.at(at)
}

/// The library's message, without the place it repeats at its end or start.
fn bare_message(error: &Error, at: Place) -> String {
    let text = error.to_string();
    let place = format!("at line {}, column {}", at.line, at.column);
    let text = text.replace(&format!(" {place}"), "").replace(&place, "");
    text.lines()
        .next()
        .unwrap_or("not a YAML document")
        .trim_start_matches("error: ")
        .trim_end_matches(['.', ':', ' '])
        .to_owned()
}

fn place(location: serde_saphyr::Location) -> Place {
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Place {
        line: narrow(location.line()),
        column: narrow(location.column()),
    }
}

impl Scalar for String {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text.is_empty() {
            true => Err(Complaint::new("an empty text")),
            false => Ok(text.to_owned()),
        }
    }
}

impl Scalar for PathBuf {
    fn read(text: &str) -> Result<Self, Complaint> {
        String::read(text).map(PathBuf::from)
    }
}

impl Scalar for bool {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => {
                Err(Complaint::new(format!("`{text}` is not a switch")).hint("write true or false"))
            }
        }
    }
}

impl Scalar for SocketAddr {
    fn read(text: &str) -> Result<Self, Complaint> {
        text.parse().map_err(|_| {
            Complaint::new(format!("`{text}` is not an address with a port"))
                .hint("write it like 127.0.0.1:8080 or [::1]:8080 (no host names)")
        })
    }
}

impl Scalar for ipnet::IpNet {
    fn read(text: &str) -> Result<Self, Complaint> {
        let single = || text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
        text.parse().or_else(|_| single()).map_err(|_| {
            Complaint::new(format!("`{text}` is not a network"))
                .hint("write it like 10.0.0.0/8 or 2001:db8::/32")
        })
    }
}

macro_rules! whole_numbers {
    ($($kind:ty),*) => {$(
        impl Scalar for $kind {
            fn read(text: &str) -> Result<Self, Complaint> {
                let digits = text.replace('_', "");
                digits.parse().map_err(|_| {
                    Complaint::new(format!("`{text}` is not a number here"))
                        .hint(format!("write a whole number from {} to {}", <$kind>::MIN, <$kind>::MAX))
                })
            }
        }
    )*};
}
whole_numbers!(
    u8,
    u16,
    u32,
    u64,
    std::num::NonZeroU32,
    std::num::NonZeroU64
);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        port: Said<u16>,
        #[serde(default)]
        names: Entries<String, Said<u8>>,
    }

    #[test]
    fn bad_values_wait_and_keep_their_places() {
        let sample: Sample =
            read("port: 70000\nnames:\n  a: 1\n  b: x\n").expect("the shape is right");
        let mut told = Diagnostics::new();
        assert_eq!(sample.port.take(&mut told), None);
        for (_, value) in sample.names.0 {
            value.take(&mut told);
        }
        let places: Vec<(u32, u32)> = told
            .into_sorted()
            .iter()
            .map(|one| (one.place.line, one.place.column))
            .collect();
        assert_eq!(places, [(1, 7), (4, 6)]);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_a_guess() {
        let told = read::<Sample>("port: 1\nnamse: {}\n").expect_err("unknown key");
        assert_eq!(
            told.render("f"),
            "f:2:1: unknown key `namse`\n  hint: did you mean `names`?"
        );
    }

    #[test]
    fn a_missing_key_is_named() {
        let told = read::<Sample>("names: {}\n").expect_err("missing key");
        assert_eq!(told.complaint.message, "the key `port` is missing");
    }

    #[test]
    fn shape_errors_have_a_place_and_one_line() {
        for text in ["port: [1", "port: {a: 1}\n", "- port", "port: 1\nport: 2\n"] {
            let told = read::<Sample>(text).expect_err(text);
            assert!(told.place.line > 0, "{text}: {told:?}");
            assert!(!told.complaint.message.contains('\n'), "{told:?}");
            assert!(!told.complaint.message.contains("line"), "{told:?}");
        }
    }
}
