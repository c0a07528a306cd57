//! Reads the fields of a body into domain values and gathers every flaw, so that a caller corrects
//! its request once.

use super::Problem;
use super::problem::FieldError;
use crate::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use std::fmt::Display;
use std::str::FromStr;
use utoipa::ToSchema;

/// Members of `metadata`.
const METADATA_MAX: usize = 50;
/// Characters of a member's name.
const METADATA_NAME_MAX: usize = 40;
/// Characters of a member's text.
const METADATA_TEXT_MAX: usize = 500;

/// An amount as it is answered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AmountBody {
    /// Minor units (won, cents).
    #[schema(example = 10000, minimum = 1)]
    value: i64,
    /// ISO 4217.
    #[schema(example = "KRW")]
    currency: String,
}

impl From<Money> for AmountBody {
    fn from(money: Money) -> Self {
        Self {
            value: money.minor(),
            currency: money.currency().code().to_owned(),
        }
    }
}

/// The flaws found so far.
#[derive(Debug, Default)]
pub struct Fields {
    flaws: Vec<FieldError>,
}

impl Fields {
    /// Notes a flaw at `pointer`.
    pub fn flaw(&mut self, pointer: &str, reason: impl Display) {
        self.flaws.push(FieldError {
            pointer: pointer.to_owned(),
            reason: reason.to_string(),
        });
    }

    /// Parses a text.
    pub fn parse<T>(&mut self, pointer: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.parse()
            .inspect_err(|reason| self.flaw(pointer, reason))
            .ok()
    }

    /// Reads `/amount` and `/currency`, which are judged together: won have no decimals.
    pub fn money(&mut self, amount: &Number, currency: &str) -> Option<Money> {
        let currency: Option<Currency> = self.parse("/currency", currency);
        let Some(minor) = amount.as_i64() else {
            self.flaw(
                "/amount",
                if amount.is_u64() {
                    "is too large"
                } else {
                    "must be a whole number of minor units"
                },
            );
            return None;
        };
        // A wrong currency must not hide a wrong amount.
        let judged = Money::new(minor, currency.unwrap_or(Currency::KRW));
        let money = judged
            .inspect_err(|reason| self.flaw("/amount", reason))
            .ok()?;
        currency.map(|_| money)
    }

    /// Reads `/metadata`: a flat object of texts, numbers and booleans.
    pub fn metadata(&mut self, metadata: Option<Map<String, Value>>) -> Value {
        let metadata = metadata.unwrap_or_default();
        if metadata.len() > METADATA_MAX {
            self.flaw(
                "/metadata",
                format!("must have at most {METADATA_MAX} members"),
            );
        }
        for (name, member) in &metadata {
            let pointer = format!("/metadata/{}", name.replace('~', "~0").replace('/', "~1"));
            // PostgreSQL keeps no NUL in a text.
            if name.is_empty() || name.chars().count() > METADATA_NAME_MAX || name.contains('\0') {
                self.flaw(
                    &pointer,
                    format!("names must have 1 to {METADATA_NAME_MAX} characters and no NUL"),
                );
            }
            match member {
                Value::String(text)
                    if text.chars().count() > METADATA_TEXT_MAX || text.contains('\0') =>
                {
                    self.flaw(
                        &pointer,
                        format!("must have at most {METADATA_TEXT_MAX} characters and no NUL"),
                    );
                }
                Value::String(_) | Value::Number(_) | Value::Bool(_) => {}
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    self.flaw(&pointer, "must be a text, a number or a boolean")
                }
            }
        }
        Value::Object(metadata)
    }

    /// The values, if there was no flaw. `values` is `None` only after a flaw was noted.
    pub fn finish<T>(self, values: Option<T>) -> Result<T, Problem> {
        match values {
            Some(values) if self.flaws.is_empty() => Ok(values),
            _ => Err(Problem::fields(self.flaws)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flaws_of(amount: &str, currency: &str) -> Vec<(String, String)> {
        let mut fields = Fields::default();
        let amount: Number = serde_json::from_str(amount).unwrap();
        fields.money(&amount, currency);
        fields
            .flaws
            .into_iter()
            .map(|flaw| (flaw.pointer, flaw.reason))
            .collect()
    }

    #[test]
    fn each_bad_amount_says_why() {
        let at = |reason: &str| vec![("/amount".to_owned(), reason.to_owned())];
        assert_eq!(flaws_of("10000", "KRW"), []);
        assert_eq!(flaws_of("0", "KRW"), at("must be greater than zero"));
        assert_eq!(flaws_of("-1", "KRW"), at("must be greater than zero"));
        assert_eq!(
            flaws_of("100.5", "KRW"),
            at("must be a whole number of minor units")
        );
        assert_eq!(
            flaws_of("1000000000001", "KRW"),
            at("must be at most 1000000000000 minor units")
        );
        assert_eq!(flaws_of("18446744073709551615", "KRW"), at("is too large"));
    }

    #[test]
    fn every_flaw_is_told_at_once() {
        assert_eq!(flaws_of("0", "WON").len(), 2);
    }

    #[test]
    fn metadata_is_flat_and_small() {
        let mut fields = Fields::default();
        let Value::Object(metadata) =
            json!({"ok": "x", "n": 1, "deep": {}, "long": "x".repeat(501), "z": "\0", "n\0": 1})
        else {
            unreachable!()
        };
        fields.metadata(Some(metadata));
        let pointers: Vec<_> = fields
            .flaws
            .iter()
            .map(|flaw| flaw.pointer.as_str())
            .collect();
        assert_eq!(
            pointers,
            [
                "/metadata/deep",
                "/metadata/long",
                "/metadata/n\0",
                "/metadata/z"
            ]
        );
    }
}
