use super::state::{Event, IllegalMove, State};
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Start),
        Just(Event::Doubt),
        Just(Event::Approve),
        Just(Event::Fail)
    ]
}

proptest! {
    #[test]
    fn whatever_happens_a_payment_is_settled_once(events in prop::collection::vec(event(), 0..40)) {
        let (mut state, mut settled) = (State::Ready, None);
        for event in events {
            if let Ok(next) = state.next(event) {
                prop_assert_eq!(settled, None, "moved from {:?} by {:?}", state, event);
                state = next;
                settled = matches!(state, State::Approved | State::Failed).then_some(state);
            }
        }
    }

    #[test]
    fn nothing_is_approved_that_was_not_started(events in prop::collection::vec(event(), 0..10)) {
        let mut state = State::Ready;
        for event in events.into_iter().filter(|event| *event != Event::Start) {
            prop_assert_eq!(state.next(event), Err(IllegalMove::NotStarted));
            state = state.next(event).unwrap_or(state);
        }
    }
}

#[test]
fn the_diagram_is_the_table() {
    use Event::{Approve, Doubt, Fail, Start};
    for (from, event, to) in [
        (State::Ready, Start, Ok(State::InProgress)),
        (State::Ready, Approve, Err(IllegalMove::NotStarted)),
        (State::InProgress, Start, Err(IllegalMove::AlreadyStarted)),
        (State::InProgress, Doubt, Ok(State::Unknown)),
        (State::InProgress, Approve, Ok(State::Approved)),
        (State::InProgress, Fail, Ok(State::Failed)),
        (State::Unknown, Doubt, Ok(State::Unknown)),
        (State::Unknown, Approve, Ok(State::Approved)),
        (State::Unknown, Fail, Ok(State::Failed)),
        (State::Approved, Fail, Err(IllegalMove::AlreadySettled)),
        (State::Failed, Approve, Err(IllegalMove::AlreadySettled)),
        (State::Refunded, Approve, Err(IllegalMove::AlreadySettled)),
        (State::Cancelled, Start, Err(IllegalMove::AlreadySettled)),
    ] {
        assert_eq!(from.next(event), to, "{from:?} {event:?}");
    }
}

#[test]
fn every_state_reads_back() {
    for state in State::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
}
