//! What happened to a payment whose answer was lost: from what the PSP says now, and how long ago we
//! asked it to collect, to what is to be done. Pure.
//!
//! Two rules carry it. Nothing is concluded from silence: only the PSP's own word settles. And a
//! "not found" right after a lost call proves nothing, because the call may still be on its way; it
//! counts only after the time the call itself was given.

use crate::psp::{Charge, Found, Mismatch, Receipt, Refusal};
use std::time::Duration;

/// How long a confirm may be repeated under its key. TossPayments keeps an authenticated session for
/// ten minutes; after that a repetition could only fail.
pub const RESEND_FOR: Duration = Duration::from_secs(10 * 60);
/// Between look-ups once the usual ones are spent and ten minutes are over.
const PAUSE_OLD: Duration = Duration::from_secs(60);

/// What to do about an open payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was collected, exactly as asked.
    Approve(Receipt),
    /// No money moved, and none will.
    Fail(Refusal),
    /// It was never collected, and a call of ours may still be on its way: ask again under the same
    /// key.
    Resend,
    /// It was never collected, and every call of ours has ended: ask in a new round.
    ResendAnew,
    /// Another amount was taken under our key: give it back, then it failed.
    GiveBack(Receipt),
    /// The PSP contradicts itself or us; a person has to look. It is asked again, rarely.
    Park(&'static str),
    /// Ask again later.
    Wait(String),
}

/// Decides. `age` is the time since the PSP was first asked to collect; `answer_time` is what that
/// call was given.
pub fn decide(charge: &Charge, found: Found, age: Duration, answer_time: Duration) -> Step {
    match found {
        Found::Done(receipt) => match receipt.check(charge) {
            Ok(()) => Step::Approve(receipt),
            Err(Mismatch::OtherAmount) => Step::GiveBack(receipt),
            Err(Mismatch::OtherPayment) => Step::Park("the PSP answers for another payment"),
        },
        Found::Ended(refusal) => Step::Fail(refusal),
        Found::Open if age < answer_time => Step::Resend,
        Found::Open if age < RESEND_FOR => Step::ResendAnew,
        Found::Open => Step::Wait("the PSP has not ended the session yet".into()),
        Found::Nothing if age < answer_time => Step::Wait("the PSP does not know it yet".into()),
        Found::Nothing if age < RESEND_FOR => Step::Resend,
        Found::Nothing => Step::Fail(Refusal::SessionExpired),
        Found::PartlyCancelled => Step::Park("part of it was cancelled at the PSP"),
        Found::Doubt(why) => Step::Wait(why),
    }
}

/// How long to wait before the next look-up: `schedule` by the number of look-ups made, then its last
/// entry, and a minute once ten minutes are over.
pub fn pause(schedule: &[Duration], made: u32, age: Duration) -> Duration {
    let made = usize::try_from(made).unwrap_or(usize::MAX);
    let Some(last) = schedule.last() else {
        return PAUSE_OLD;
    };
    match schedule.get(made) {
        Some(pause) => *pause,
        None if age < RESEND_FOR => *last,
        None => PAUSE_OLD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::id::AttemptId;
    use crate::money::{Currency, Money};
    use uuid::Uuid;

    const SECOND: Duration = Duration::from_secs(1);

    fn charge() -> Charge {
        Charge {
            attempt: AttemptId(Uuid::nil()),
            order_reference: "order_123456".into(),
            money: Money::new(10_000, Currency::KRW).unwrap(),
            payment_key: Some("key-1".into()),
            round: 0,
        }
    }

    fn receipt(minor: i64, key: &str) -> Receipt {
        Receipt {
            payment_key: key.into(),
            order_reference: "order_123456".into(),
            money: Money::new(minor, Currency::KRW).ok(),
            approved_at: Timestamp::from_micros(0).unwrap(),
        }
    }

    fn after(age: Duration, found: Found) -> Step {
        decide(&charge(), found, age, 10 * SECOND)
    }

    #[test]
    fn only_the_exact_amount_under_our_key_is_an_approval() {
        assert_eq!(
            after(SECOND, Found::Done(receipt(10_000, "key-1"))),
            Step::Approve(receipt(10_000, "key-1"))
        );
        assert_eq!(
            after(SECOND, Found::Done(receipt(9_999, "key-1"))),
            Step::GiveBack(receipt(9_999, "key-1"))
        );
        assert!(matches!(
            after(SECOND, Found::Done(receipt(10_000, "key-2"))),
            Step::Park(_)
        ));
    }

    #[test]
    fn a_payment_not_found_is_no_proof_until_the_call_has_had_its_time() {
        assert!(matches!(after(9 * SECOND, Found::Nothing), Step::Wait(_)));
        assert_eq!(after(10 * SECOND, Found::Nothing), Step::Resend);
        assert_eq!(
            after(600 * SECOND, Found::Nothing),
            Step::Fail(Refusal::SessionExpired)
        );
    }

    #[test]
    fn an_open_session_is_confirmed_again_while_it_lives() {
        assert_eq!(after(9 * SECOND, Found::Open), Step::Resend);
        assert_eq!(after(10 * SECOND, Found::Open), Step::ResendAnew);
        assert!(matches!(after(600 * SECOND, Found::Open), Step::Wait(_)));
    }

    #[test]
    fn silence_settles_nothing() {
        for age in [SECOND, 3_600 * SECOND, 86_400 * SECOND] {
            assert!(matches!(
                after(age, Found::Doubt("no answer".into())),
                Step::Wait(_)
            ));
        }
    }

    #[test]
    fn an_ended_payment_failed_and_a_partly_cancelled_one_waits_for_a_person() {
        assert_eq!(
            after(SECOND, Found::Ended(Refusal::CardDeclined)),
            Step::Fail(Refusal::CardDeclined)
        );
        assert!(matches!(
            after(SECOND, Found::PartlyCancelled),
            Step::Park(_)
        ));
    }

    #[test]
    fn the_psp_is_asked_at_1_2_4_8_15_seconds_and_on() {
        let schedule = [1, 2, 4, 8, 15].map(Duration::from_secs);
        let pauses: Vec<_> = (0..7)
            .map(|made| pause(&schedule, made, SECOND).as_secs())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(pause(&schedule, 50, 700 * SECOND), 60 * SECOND);
    }
}
