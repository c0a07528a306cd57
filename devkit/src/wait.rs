//! Waiting for a condition by asking again, with a deadline: the one place that sleeps, so that no
//! test has to.

use std::thread::sleep;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Asks `condition` until it gives a value or `within` has passed; the answer is `None` then.
/// Pauses grow from 2 to 50 ms, so that quick things are seen at once and slow ones cost nothing.
pub fn until<T>(within: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + within;
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_up_at_the_deadline_and_not_before() {
        let start = Instant::now();
        assert_eq!(until(Duration::from_millis(30), || None::<()>), None);
        assert!(start.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn asks_at_least_once() {
        assert_eq!(until(Duration::ZERO, || Some(7)), Some(7));
    }
}
