//! Parts of a whole.

use crate::{diagnostic::Complaint, document::Scalar};

/// A part of a whole, in millionths. Written `1%`, `0.5%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio {
    pub(super) millionths: u32,
}

impl Ratio {
    /// `millionths` of the whole; `None` beyond all of it.
    #[must_use]
    pub fn from_millionths(millionths: u32) -> Option<Self> {
        (millionths <= 1_000_000).then_some(Self { millionths })
    }

    /// In millionths, 0 to 1,000,000.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.millionths
    }

    /// As a number from 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.millionths) / 1e6
    }
}

impl Scalar for Ratio {
    fn read(text: &str) -> Result<Self, Complaint> {
        percent(text)
            .and_then(Self::from_millionths)
            .ok_or_else(|| {
                Complaint::new(format!("`{text}` is not a part of a whole"))
                    .hint("write it like 1% or 0.5%, with at most four decimals")
            })
    }
}

/// Millionths of `12.5%`; no more than four decimals, so that what is said is what is meant.
fn percent(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 4 {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<4}").parse().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(10_000)?
        .checked_add(decimals)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentages_are_read_as_they_are_written() {
        let read = |text| Ratio::read(text).map(Ratio::millionths).ok();
        assert_eq!(read("1%"), Some(10_000));
        assert_eq!(read("0.5%"), Some(5_000));
        assert_eq!(read("12.3456%"), Some(123_456));
        assert_eq!(read("100%"), Some(1_000_000));
        for bad in [
            "1", "%", ".5%", "1.%", "-1%", "1.23456%", "100.1%", "1 %", "0,5%", "9999999%",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_ratio_or_refused_without_panic(text in "\\PC{0,12}|[0-9.]{0,14}%") {
            let _ = Ratio::read(&text);
        }
    }
}
