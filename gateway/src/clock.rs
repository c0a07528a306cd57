//! The one place that reads clocks. Everything that decides takes time as an argument.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// When the process first asked for the time; milliseconds are counted from here, so that they fit
/// an atomic.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The monotonic time.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds on the monotonic clock, from a start shared by the whole process.
pub(crate) fn millis(now: Instant) -> u64 {
    let since = now.saturating_duration_since(*START);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Time of day, as the duration since 1970 (UTC).
pub(crate) fn since_epoch() -> Duration {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}
