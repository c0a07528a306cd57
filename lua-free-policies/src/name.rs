//! Names of tenants, rooms, limits and upstreams.

use std::fmt;
use std::sync::Arc;

use crate::diagnostic::Complaint;
use crate::document::Scalar;

/// The longest name: 40 letters, so that a cookie or a metric label made of it stays short.
pub const NAME_LETTERS_MAX: usize = 40;

/// A name that is safe wherever names go: in a cookie, a path, a header, a metric label, a Redis key.
///
/// 1 to [`NAME_LETTERS_MAX`] of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit.
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for Name {
    fn read(text: &str) -> Result<Self, Complaint> {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = text.as_bytes();
        let ends = bytes.first().zip(bytes.last());
        let fits = bytes.len() <= NAME_LETTERS_MAX
            && ends.is_some_and(|(first, last)| letter(*first) && letter(*last))
            && bytes.iter().all(|b| letter(*b) || *b == b'-');
        match fits {
            true => Ok(Self(Arc::from(text))),
            false => Err(Complaint::new(format!("`{text}` is not a name")).hint(format!(
                "a name is 1 to {NAME_LETTERS_MAX} of a-z, 0-9 and -, with a letter or digit at both ends"
            ))),
        }
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_safe_names_only() {
        for good in ["a", "acme", "flash-sale", "7", "a0-b1"] {
            assert!(Name::read(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "Acme",
            "a b",
            "a_b",
            "a.b",
            "é",
            "a\n",
            &"a".repeat(41),
        ] {
            assert!(Name::read(bad).is_err(), "{bad:?}");
        }
    }
}
