//! A JSON object that says everything once.
//!
//! Of a name that stands twice most readers take one and say nothing; an order must not depend on which.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The members of an object, each name once.
#[derive(Debug)]
pub(super) struct Members(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Members, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = from.next_entry::<String, Value>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("`{name}` stands twice")));
            }
            members.insert(name, value);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_twice_is_refused() {
        let read = |text| serde_json::from_str::<Members>(text);
        let Members(once) = read(r#"{"order":"pause","on":true}"#).expect("an object");
        assert_eq!(once.len(), 2);
        let twice = read(r#"{"on":true,"order":"pause","on":false}"#).expect_err("twice");
        assert!(
            twice.to_string().starts_with("`on` stands twice"),
            "{twice}"
        );
        assert!(read("[1]").is_err() && read("{\"on\":").is_err());
    }
}
