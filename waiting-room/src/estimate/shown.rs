//! A time that moves back is never shown without a reason. What a visitor was shown is in the ticket, so that every gateway
//! measures by the same.

use std::time::Duration;

use crate::value::Timestamp;

/// A time is moved back when it is later by more than this part of the wait, and by more than these seconds.
const BACK_BY: u32 = 12;
const BACK_AT_LEAST: Duration = Duration::from_secs(6);
/// With each answer this part of what was moved back is forgotten: a line that stands is noticed though every answer is only a
/// little later than the one before, and one that goes on at another speed is not called slow for ever. Chosen by the
/// plays of `tests/it/estimates.rs`: with a longer memory chance alone is called slow in one answer of ten.
const FORGOTTEN: u32 = 3;

/// Whether a call that was shown to come at `shown` now clearly comes later: at `comes_at`, after `wait`.
pub(crate) fn is_moved_back(shown: Timestamp, comes_at: Timestamp, wait: Duration) -> bool {
    comes_at.since(shown) > (wait / BACK_BY).max(BACK_AT_LEAST)
}

/// What the next answer is measured by.
pub(crate) fn kept(shown: Timestamp, comes_at: Timestamp) -> Timestamp {
    match comes_at > shown {
        true => shown.plus(comes_at.since(shown) / FORGOTTEN),
        false => comes_at,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLL: Duration = Duration::from_secs(12);

    /// Of so many answers, `POLL` apart and each saying so many seconds to wait: which say that it was moved back.
    fn said(waits: impl IntoIterator<Item = u64>) -> Vec<bool> {
        let mut shown = None;
        let answers = waits.into_iter().zip(0..).map(|(wait, poll)| {
            let wait = Duration::from_secs(wait);
            let comes_at = Timestamp(1_790_000_000_000).plus(POLL * poll + wait);
            let before = shown.unwrap_or(comes_at);
            shown = Some(kept(before, comes_at));
            is_moved_back(before, comes_at, wait)
        });
        answers.collect()
    }

    #[test]
    fn a_line_that_stands_is_noticed_within_a_minute_and_stays_so() {
        let said = said([360; 40]);
        let first = said.iter().position(|slow| *slow).expect("said");
        assert!(
            first <= 5 && said[first..].iter().all(|slow| *slow),
            "{said:?}"
        );
    }

    #[test]
    fn a_line_that_goes_on_after_a_halt_is_not_slow_for_ever() {
        let halted = [360; 10].into_iter();
        let said = said(halted.chain((0..30).map(|poll| 360 - 12 * poll)));
        assert!(said.iter().any(|slow| *slow));
        assert!(said[20..].iter().all(|slow| !slow), "{said:?}");
    }

    #[test]
    fn a_line_that_keeps_its_word_and_small_doubts_are_not_slow() {
        assert!(
            said((0..50).map(|poll| 600 - 12 * poll))
                .iter()
                .all(|slow| !slow)
        );
        let doubts = (0..40).map(|poll| 600 - 12 * poll + [0, 4][poll as usize % 2]);
        assert!(said(doubts).iter().all(|slow| !slow));
    }

    proptest! {
        /// From one answer to the next, nothing moves back by a tenth of the wait and eight seconds without a word.
        #[test]
        fn nothing_moves_back_without_a_word(waits in prop::collection::vec(0_u64..3_000, 2..60)) {
            let said = said(waits.iter().copied());
            for (poll, pair) in waits.windows(2).enumerate() {
                let later = (POLL.as_secs() + pair[1]).saturating_sub(pair[0]);
                prop_assert!(said[poll + 1] || later <= (pair[1] / 10).max(8), "{pair:?}");
            }
        }
    }
}
