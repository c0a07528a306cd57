//! Hosts: `shop.acme.test`, `*.acme.test`.
//!
//! Looking one up costs some comparisons of the whole host, and as many for each label when wildcards are in
//! use: with few hosts less than a hash that withstands chosen keys. The lookup expects what [`normal`] returns.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::diagnostic::Complaint;
use crate::document::Scalar;

/// A host a tenant answers to: lower case, without a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// This host and no other.
    Exact(String),
    /// Every host below this one, at any depth, but not itself: `*.acme.test` is kept as `acme.test`.
    Below(String),
}

impl Scalar for HostPattern {
    fn read(text: &str) -> Result<Self, Complaint> {
        let refuse = |why: &str| {
            Err(Complaint::new(format!("`{text}` is not a host"))
                .hint(format!("{why}; write shop.acme.test or *.acme.test")))
        };
        let lower = text.to_ascii_lowercase();
        let (host, below) = match lower.strip_prefix("*.") {
            Some(parent) => (parent, true),
            None => (lower.as_str(), false),
        };
        if host.starts_with('[') {
            return match (below, host.ends_with(']')) {
                (false, true) => Ok(Self::Exact(host.to_owned())),
                _ => refuse("an IPv6 address stands in brackets, without a port"),
            };
        }
        if host.contains(':') {
            return refuse("a host has no port here");
        }
        if host.contains('*') {
            return refuse("the star stands for whole labels at the front");
        }
        if !are_labels(host) {
            return refuse("labels are 1 to 63 of a-z, 0-9, - and _");
        }
        Ok(match below {
            true => Self::Below(host.to_owned()),
            false => Self::Exact(host.to_owned()),
        })
    }
}

/// By bytes: a search in text costs several times as much where it finds something every few letters.
fn are_labels(name: &str) -> bool {
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_label = |label: &[u8]| (1..=63).contains(&label.len()) && label.iter().all(inner);
    name.as_bytes().split(|b| *b == b'.').all(is_label)
}

/// The form in which hosts are compared: no port, no final dot, lower case. Borrows when it already is. `None` for what is
/// no host with an optional port (RFC 9110, 7.2): it goes on to origins, which build links from it.
///
/// The text is a `Host` header or an `:authority`.
pub fn normal(authority: &str) -> Option<Cow<'_, str>> {
    let is_address = |b: u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            let (address, port) = (&rest[..end], &rest[end + 1..]);
            if address.is_empty() || !address.bytes().all(is_address) {
                return None;
            }
            (&authority[..end + 2], port)
        }
        None => {
            let end = authority.bytes().position(|b| b == b':');
            let (name, port) = authority.split_at(end.unwrap_or(authority.len()));
            let name = name.strip_suffix('.').unwrap_or(name);
            if !are_labels(name) {
                return None;
            }
            (name, port)
        }
    };
    let is_port = |digits: &str| digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return None;
    }
    Some(match host.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    })
}

/// Host patterns and what they stand for. The most exact pattern wins.
#[derive(Clone, Debug)]
pub struct HostTable<T> {
    exact: BTreeMap<String, T>,
    below: BTreeMap<String, T>,
}

impl<T> Default for HostTable<T> {
    fn default() -> Self {
        Self {
            exact: BTreeMap::new(),
            below: BTreeMap::new(),
        }
    }
}

impl<T> HostTable<T> {
    /// Adds a pattern; gives back what already stood there, and leaves that in place.
    pub fn insert(&mut self, pattern: HostPattern, value: T) -> Option<&T> {
        use std::collections::btree_map::Entry;
        let entry = match pattern {
            HostPattern::Exact(host) => self.exact.entry(host),
            HostPattern::Below(parent) => self.below.entry(parent),
        };
        match entry {
            Entry::Occupied(taken) => Some(taken.into_mut()),
            Entry::Vacant(free) => {
                free.insert(value);
                None
            }
        }
    }

    /// What the host, in [`normal`] form, stands for.
    pub fn get(&self, host: &str) -> Option<&T> {
        if let Some(found) = self.exact.get(host) {
            return Some(found);
        }
        if self.below.is_empty() {
            return None;
        }
        let parents = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
        parents
            .into_iter()
            .find_map(|parent| self.below.get(parent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(patterns: &[&str]) -> HostTable<String> {
        let mut table = HostTable::default();
        for text in patterns {
            let pattern = HostPattern::read(text).expect("valid pattern");
            assert!(table.insert(pattern, (*text).to_owned()).is_none());
        }
        table
    }

    #[test]
    fn the_most_exact_pattern_wins() {
        let table = table(&[
            "shop.acme.test",
            "*.acme.test",
            "*.eu.acme.test",
            "127.0.0.1",
        ]);
        let found = |host: &str| table.get(&normal(host)?).map(String::as_str);
        assert_eq!(found("SHOP.acme.test:8080"), Some("shop.acme.test"));
        assert_eq!(found("other.acme.test."), Some("*.acme.test"));
        assert_eq!(found("a.b.eu.acme.test"), Some("*.eu.acme.test"));
        assert_eq!(found("127.0.0.1:80"), Some("127.0.0.1"));
        assert_eq!(found("acme.test"), None);
        assert_eq!(found("xacme.test"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn ipv6_keeps_its_brackets_and_loses_its_port() {
        assert_eq!(normal("[::1]:8080").as_deref(), Some("[::1]"));
        assert_eq!(normal("[::1"), None);
        assert!(table(&["[::1]"]).get("[::1]").is_some());
    }

    #[test]
    fn what_is_no_host_belongs_to_nobody() {
        for bad in [
            "evil.com/.acme.test",
            "evil.com#.acme.test",
            "evil.com?.acme.test",
            "evil.com\\.acme.test",
            "<x>.acme.test",
            "a b.acme.test",
            ".acme.test",
            "a..acme.test",
            "\u{e9}.acme.test",
            "a.test:\"><script>",
            "a.test:80, evil",
            "a.test:x@evil.test",
            "user@a.test",
            "a.test:123456",
            "[]",
            "[::1]x",
            "[evil.com]",
            "",
        ] {
            assert_eq!(normal(bad), None, "{bad}");
        }
        for good in [
            "a.test",
            "a.test:",
            "a.test.:80",
            "_x-1.test:65535",
            "[::1]:1",
        ] {
            assert!(normal(good).is_some(), "{good}");
        }
    }

    #[test]
    fn a_second_claim_is_given_back() {
        let mut table = table(&["a.test"]);
        let again = HostPattern::read("A.test").expect("valid");
        assert_eq!(
            table.insert(again, "new".into()).map(String::as_str),
            Some("a.test")
        );
        assert_eq!(table.get("a.test").map(String::as_str), Some("a.test"));
    }

    #[test]
    fn refuses_what_is_no_host() {
        for bad in [
            "", "a:80", "a..b", "*", "a.*.b", "*a.test", "a b", "[::1]:80", "http://a",
        ] {
            assert!(HostPattern::read(bad).is_err(), "{bad}");
        }
    }
}
