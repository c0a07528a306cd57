//! Amounts as the provider's API carries them: JSON numbers, whole for KRW, with decimals abroad.
//!
//! Inside they are integer minor units. The text of the number is what is parsed and written, so
//! no amount is ever rounded on its way.

use serde_json::Number;

/// The largest amount of one payment, in minor units: a round bound far above any card's limit
/// that leaves room for sums of many payments in an `i64`.
pub const LARGEST_MINOR: i64 = 1_000_000_000_000;

/// The currencies the simulator settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Currency {
    /// Korean won, no decimals.
    Krw,
    /// Japanese yen, no decimals.
    Jpy,
    /// US dollar, two decimals.
    Usd,
}

impl Currency {
    /// From an ISO 4217 code.
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "KRW" => Some(Self::Krw),
            "JPY" => Some(Self::Jpy),
            "USD" => Some(Self::Usd),
            _ => None,
        }
    }

    /// The ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Krw => "KRW",
            Self::Jpy => "JPY",
            Self::Usd => "USD",
        }
    }

    /// Digits after the decimal point.
    fn exponent(self) -> usize {
        match self {
            Self::Krw | Self::Jpy => 0,
            Self::Usd => 2,
        }
    }

    /// The least a card may be charged: 100 KRW by the provider's rule; abroad any amount.
    pub fn card_minimum(self) -> i64 {
        match self {
            Self::Krw => 100,
            Self::Jpy | Self::Usd => 1,
        }
    }
}

/// Integer minor units of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Minor units (won, yen, cents).
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

impl Money {
    /// Reads a decimal text such as `42000`, `42000.0` or `12.34`. `None` when it is negative,
    /// has more decimals than the currency, is written with an exponent, or passes
    /// [`LARGEST_MINOR`].
    pub fn parse(text: &str, currency: Currency) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return None;
        }
        if fraction.len() > currency.exponent() {
            return None;
        }
        let padded = format!("{whole}{fraction:0<width$}", width = currency.exponent());
        let minor = padded
            .parse()
            .ok()
            .filter(|minor| *minor <= LARGEST_MINOR)?;
        Some(Self { minor, currency })
    }

    /// The same for a JSON number.
    pub fn from_json(number: &Number, currency: Currency) -> Option<Self> {
        match number.as_i64() {
            Some(whole) => Self::parse(&whole.to_string(), currency),
            None => Self::parse(&number.to_string(), currency),
        }
    }

    /// As it is written on the wire: `42000`, `12.34`.
    pub fn to_json(self) -> Number {
        match self.currency.exponent() {
            0 => Number::from(self.minor),
            _ => self
                .decimal()
                .parse()
                .expect("a decimal text is a JSON number"),
        }
    }

    /// `42000` or `12.34`, for query strings.
    pub fn decimal(self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return self.minor.to_string();
        }
        let scale = 10_i64.pow(exponent as u32);
        let sign = if self.minor < 0 { "-" } else { "" };
        let (whole, rest) = (self.minor.abs() / scale, self.minor.abs() % scale);
        format!("{sign}{whole}.{rest:0exponent$}")
    }

    /// `42,000` or `1,234.50`, for people.
    pub fn grouped(self) -> String {
        let decimal = self.decimal();
        let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, ""));
        let mut grouped = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if !fraction.is_empty() {
            grouped.push('.');
            grouped.push_str(fraction);
        }
        grouped
    }

    /// The same currency, another amount.
    pub fn with_minor(self, minor: i64) -> Self {
        Self { minor, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_texts_become_minor_units_or_are_refused() {
        let cases = [
            ("42000", Currency::Krw, Some(42_000)),
            ("42000.0", Currency::Krw, Some(42_000)),
            ("42000.5", Currency::Krw, None),
            ("12.34", Currency::Usd, Some(1_234)),
            ("12.3", Currency::Usd, Some(1_230)),
            ("12.345", Currency::Usd, None),
            ("-1", Currency::Krw, None),
            ("1e3", Currency::Krw, None),
            ("", Currency::Krw, None),
            (".5", Currency::Usd, None),
            ("1000000000001", Currency::Krw, None),
            ("99999999999999999999", Currency::Krw, None),
        ];
        for (text, currency, minor) in cases {
            assert_eq!(
                Money::parse(text, currency).map(|m| m.minor),
                minor,
                "{text}"
            );
        }
    }

    #[test]
    fn json_numbers_go_out_as_they_came_in() {
        for (json, currency) in [("42000", Currency::Krw), ("12.34", Currency::Usd)] {
            let number: Number = json.parse().unwrap();
            let money = Money::from_json(&number, currency).unwrap();
            assert_eq!(money.to_json().to_string(), json);
        }
    }

    #[test]
    fn people_read_grouped_digits() {
        let won = |minor| {
            Money {
                minor,
                currency: Currency::Krw,
            }
            .grouped()
        };
        assert_eq!(won(100), "100");
        assert_eq!(won(42_000), "42,000");
        assert_eq!(won(1_234_567), "1,234,567");
        assert_eq!(
            Money {
                minor: 123_450,
                currency: Currency::Usd
            }
            .grouped(),
            "1,234.50"
        );
    }
}
