//! Moments and short texts as people write them.

use policies::diagnostic::Complaint;
use policies::document::Scalar;

/// A moment, in milliseconds since the Unix epoch; written in RFC 3339 with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instant(pub(super) u64);

impl Scalar for Instant {
    fn read(text: &str) -> Result<Self, Complaint> {
        let read = text.parse::<jiff::Timestamp>().ok();
        let ms = read.and_then(|at| u64::try_from(at.as_millisecond()).ok());
        ms.map(Self).ok_or_else(|| {
            Complaint::new(format!("`{text}` is not a moment"))
                .hint("write it with its offset, like 2026-12-01T12:00:00+09:00")
        })
    }
}

/// A line of text: 1 to 280 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl Scalar for Text {
    fn read(text: &str) -> Result<Self, Complaint> {
        let is_short = (1..=280).contains(&text.chars().count());
        if is_short && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(
            Complaint::new("this text is empty, too long or holds a control character".to_owned())
                .hint("up to 280 characters on one line"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_offset() {
        let noon = Instant::read("2026-12-01T12:00:00+09:00").ok();
        assert_eq!(noon, Some(Instant(1_796_094_000_000)));
        assert_eq!(Instant::read("2026-12-01T03:00:00Z").ok(), noon);
        for wrong in [
            "2026-12-01",
            "2026-12-01T12:00:00",
            "noon",
            "1960-01-01T00:00:00Z",
        ] {
            assert!(Instant::read(wrong).is_err(), "{wrong}");
        }
    }
}
