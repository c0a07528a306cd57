//! How many passed and failed.

use std::fmt;
use std::ops::Add;

/// A number of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    pub(super) passed: u32,
    pub(super) failed: u32,
}

impl Count {
    pub(super) const PASSED: Self = Self {
        passed: 1,
        failed: 0,
    };
    pub(super) const FAILED: Self = Self {
        passed: 0,
        failed: 1,
    };

    /// What the last line of one test program says, if this is it:
    /// `test result: ok. 19 passed; 0 failed; 0 ignored; …`.
    pub(super) fn read(line: &str) -> Option<Self> {
        let figures = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        let of = |word: &str| {
            let figure = figures
                .split("; ")
                .find_map(|figure| figure.strip_suffix(word))?;
            figure.trim().parse().ok()
        };
        Some(Self {
            passed: of("passed")?,
            failed: of("failed")?,
        })
    }

    pub(super) fn verdict(self) -> &'static str {
        match self {
            Self { failed: 1.., .. } => "FAILED",
            Self { passed: 0, .. } => "skipped",
            _ => "ok",
        }
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_test_program_is_read() {
        let ok = "test result: ok. 19 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 6.54s";
        assert_eq!(
            Count::read(ok),
            Some(Count {
                passed: 19,
                failed: 0
            })
        );
        let failed = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(
            Count::read(failed),
            Some(Count {
                passed: 1,
                failed: 2
            })
        );
        assert_eq!(Count::read("test a ... ok"), None);
    }

    #[test]
    fn counts_add_up_to_the_last_line() {
        let total = Count::PASSED
            + Count {
                passed: 18,
                failed: 0,
            }
            + Count::FAILED;
        assert_eq!(total.to_string(), "19 passed, 1 failed");
        assert_eq!(total.verdict(), "FAILED");
        assert_eq!(Count::default().verdict(), "skipped");
    }
}
