//! The version of a line's record: its lower half counts the ticks, the upper how often a store that forgot was given the
//! line back. So no tick that was decided before that can have the version of the line that came back, and which of two
//! records is the newer shows all the same.

use super::Line;

/// Ticks that fit below in [`Line::version`]: thirty years of four a second.
const RESTORED: u64 = 1 << 32;

impl Line {
    /// How many ticks made it: of two records of one line that with more of them is the newer.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.version % RESTORED
    }

    /// How often a store that forgot was given it back.
    #[must_use]
    pub fn restored(&self) -> u64 {
        self.version / RESTORED
    }

    /// The line as it is given back for the `restored`th time.
    #[must_use]
    pub fn given_back(&self, restored: u64) -> Self {
        Self {
            version: restored
                .saturating_mul(RESTORED)
                .saturating_add(self.ticks()),
            ..self.clone()
        }
    }
}
