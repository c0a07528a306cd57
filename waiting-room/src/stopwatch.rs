//! Whether this process stood still. The library is given the time by its callers; but a process that was stopped between
//! two lines must not go on as if nothing had happened, and only a clock of its own tells.

use std::time::{Duration, Instant};

/// Runs from when it is made, by a clock that never goes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn has_run(self, for_so_long: Duration) -> bool {
        self.0.elapsed() >= for_so_long
    }
}
