//! Amounts as people write them: `16KiB`, `90s`, `10m`.
//!
//! A bare number is refused on purpose: "timeout: 10" has cost many an evening.

use std::fmt;
use std::time::Duration;

use crate::diagnostic::Complaint;
use crate::document::Scalar;

const TIMES: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

const SIZES: [(&str, u64); 4] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// A length of time, from a millisecond to years, never zero. `ms`, `s`, `m` or `min`, `h`, `d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

impl Period {
    /// As the standard library's type.
    pub fn get(self) -> Duration {
        self.0
    }
}

impl Scalar for Period {
    fn read(text: &str) -> Result<Self, Complaint> {
        match amount(text, &TIMES) {
            Some(0) | None => Err(Complaint::new(format!("`{text}` is not a length of time"))
                .hint("write it like 500ms, 30s, 10m, 2h or 1d")),
            Some(millis) => Ok(Self(Duration::from_millis(millis))),
        }
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A length of time that may be zero: `0s` says "not at all".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pause(Duration);

impl Pause {
    /// As the standard library's type.
    pub fn get(self) -> Duration {
        self.0
    }
}

impl Scalar for Pause {
    fn read(text: &str) -> Result<Self, Complaint> {
        match amount(text, &TIMES) {
            None => Err(Complaint::new(format!("`{text}` is not a length of time"))
                .hint("write it like 0s, 500ms or 5s")),
            Some(millis) => Ok(Self(Duration::from_millis(millis))),
        }
    }
}

/// A number of bytes, never zero. `B`, `KiB`, `MiB`, `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl Scalar for ByteSize {
    fn read(text: &str) -> Result<Self, Complaint> {
        match amount(text, &SIZES) {
            Some(0) | None => Err(Complaint::new(format!("`{text}` is not a size"))
                .hint("write it like 512B, 16KiB or 1MiB")),
            Some(bytes) => Ok(Self(bytes)),
        }
    }
}

/// `<digits><unit>` in the smallest unit; `None` when it is not that or does not fit.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let scale = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_times_and_sizes() {
        let period = |text| Period::read(text).map(|p| p.get().as_millis()).ok();
        assert_eq!(period("250ms"), Some(250));
        assert_eq!(period("90s"), Some(90_000));
        assert_eq!(period("10m"), period("10min"));
        assert_eq!(period("1d"), Some(86_400_000));
        let size = |text| ByteSize::read(text).map(ByteSize::bytes).ok();
        assert_eq!(size("16KiB"), Some(16_384));
        assert_eq!(size("1MiB"), Some(1_048_576));
    }

    #[test]
    fn refuses_bare_numbers_zero_and_nonsense() {
        for bad in [
            "10",
            "",
            "s",
            "0s",
            "-1s",
            "1.5s",
            "10 s",
            "10S",
            "99999999999999999d",
        ] {
            assert!(Period::read(bad).is_err(), "{bad}");
        }
        for bad in ["1024", "0B", "1kb", "1KB", "x"] {
            assert!(ByteSize::read(bad).is_err(), "{bad}");
        }
        assert!(Pause::read("0s").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,12}") {
            let _ = (Period::read(&text), ByteSize::read(&text));
        }

        #[test]
        fn whole_seconds_come_back(seconds in 1u64..1_000_000) {
            let read = Period::read(&format!("{seconds}s")).expect("valid");
            prop_assert_eq!(read.get().as_secs(), seconds);
        }
    }
}
