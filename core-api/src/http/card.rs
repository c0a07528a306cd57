//! Card numbers are refused anywhere in any field: what was never accepted is never stored, logged
//! or stolen (PCI DSS).
//!
//! A candidate is 13 to 19 digits, in one group or in several with blanks or punctuation between them, that no letter or digit touches, that begins as cards do and whose Luhn sum is right; other groups
//! may follow or precede it (an expiry, a code). The issuer ranges
//! are there because one in ten numbers of any origin passes Luhn: without them a shop whose order
//! numbers are time stamps would be refused at random.

use serde_json::Value;

/// The JSON pointer of the first card number in `value`, if there is one.
pub fn find(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => holds_card(text).then(String::new),
        Value::Number(number) => holds_card(&number.to_string()).then(String::new),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| Some(format!("/{at}{}", find(item)?))),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            if holds_card(name) {
                Some(format!("/{escaped}"))
            } else {
                Some(format!("/{escaped}{}", find(member)?))
            }
        }),
        Value::Null | Value::Bool(_) => None,
    }
}

fn holds_card(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let mut run = Run::from(bytes, at);
        let end = run.end;
        if at > 0 && bytes[at - 1].is_ascii_alphabetic() {
            run.borders.remove(0);
        }
        if bytes.get(end).is_some_and(u8::is_ascii_alphabetic) {
            run.borders.pop();
        }
        if run.holds_card() {
            return true;
        }
        at = end;
    }
    false
}

/// Groups of digits, with single separators between them.
struct Run {
    digits: Vec<u8>,
    /// Where groups begin and end, as places in `digits`. A number is written in whole groups, and may have
    /// others beside it: an expiry, a code.
    borders: Vec<usize>,
    /// Where the run ends in the text.
    end: usize,
}

impl Run {
    fn from(bytes: &[u8], start: usize) -> Self {
        let (mut digits, mut borders, mut end) = (Vec::new(), vec![0], start);
        while let Some(&byte) = bytes.get(end) {
            if byte.is_ascii_digit() {
                digits.push(byte - b'0');
                end += 1;
                continue;
            }
            let gap = bytes[end..].iter().take_while(|byte| separates(**byte));
            let gap = gap.take(LONGEST_GAP + 1).count();
            let goes_on = bytes.get(end + gap).is_some_and(u8::is_ascii_digit);
            if !(1..=LONGEST_GAP).contains(&gap) || !goes_on {
                break;
            }
            borders.push(digits.len());
            end += gap;
        }
        borders.push(digits.len());
        Self {
            digits,
            borders,
            end,
        }
    }

    fn holds_card(&self) -> bool {
        self.borders.iter().enumerate().any(|(index, &from)| {
            let ends = self.borders[index..].iter();
            let ends = ends.take_while(|to| **to - from <= LONGEST);
            ends.into_iter().any(|&to| is_card(&self.digits[from..to]))
        })
    }
}

/// Bytes between two groups at most: a comma and a space; one character that is not ASCII.
const LONGEST_GAP: usize = 3;

/// Whether people write it between groups of digits: blanks and punctuation, and all that is not ASCII.
fn separates(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_punctuation() || !byte.is_ascii()
}

/// Digits of the longest card number (ISO/IEC 7812).
const LONGEST: usize = 19;

fn is_card(digits: &[u8]) -> bool {
    (13..=LONGEST).contains(&digits.len()) && begins_as_cards_do(digits) && luhn(digits)
}

/// Issuer ranges: Visa, Mastercard, American Express, Diners, JCB, UnionPay, Discover, and 9 for
/// cards that are valid in Korea only.
fn begins_as_cards_do(digits: &[u8]) -> bool {
    let head = |n: usize| {
        digits[..n]
            .iter()
            .fold(0_u32, |value, digit| value * 10 + u32::from(*digit))
    };
    match digits.len() {
        13 | 19 => head(1) == 4 || head(2) == 62,
        14 => matches!(head(3), 300..=305) || matches!(head(2), 36 | 38 | 39),
        15 => matches!(head(2), 34 | 37),
        16 => {
            matches!(head(1), 4 | 6 | 9)
                || matches!(head(2), 51..=55 | 35)
                || matches!(head(4), 2221..=2720)
        }
        _ => head(2) == 62,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let weighted = u32::from(digit) * if place % 2 == 1 { 2 } else { 1 };
            weighted / 10 + weighted % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_card_number_is_found_wherever_it_hides() {
        for (value, pointer) in [
            (json!({"memo": "4242 4242 4242 4242"}), "/memo"),
            (
                json!({"a": [{"b/c": "card: 5555-5555-5555-4444."}]}),
                "/a/0/b~1c",
            ),
            (json!({"n": 378_282_246_310_005_u64}), "/n"),
            (json!({"4111111111111111": true}), "/4111111111111111"),
            (json!("6011111111111117"), ""),
            (json!({"memo": "4242 4242 4242 4242 12/28 123"}), "/memo"),
            (json!({"memo": "12-4242424242424242"}), "/memo"),
            (json!({"memo": "4242.4242, 4242\u{2013}4242"}), "/memo"),
            (json!({"jcb": "3530111333300000", "x": 1}), "/jcb"),
        ] {
            assert_eq!(find(&value).as_deref(), Some(pointer), "{value}");
        }
    }

    #[test]
    fn other_long_numbers_pass() {
        for text in [
            "order_123456",
            "4242424242424241",
            "20261121013555123",
            "1795224955123",
            "550e8400-e29b-41d4-a716-446655440000",
            "5zJ4xY7m0kODnyRpQWGrN2xqGlNvLrKwv1M9ENjbeoPaZdL6",
            "01012345678",
            "a4242424242424242",
        ] {
            assert_eq!(find(&json!(text)), None, "{text}");
        }
    }
}
