use super::*;
use crate::admission::Spec;

fn sale() -> EventSpec {
    EventSpec {
        prequeue_at: Some(100),
        opens_at: 200,
        closes_at: Some(300),
        active: Some(7),
        ..EventSpec::default()
    }
}

fn doors(schedule: &Schedule) -> Vec<Door> {
    let times = [99, 100, 199, 200, 299, 300];
    times.map(|now| schedule.at(now).door).to_vec()
}

#[test]
fn an_event_has_a_prequeue_an_opening_and_an_end() {
    let schedule = Schedule::new(Method::Closed, vec![sale()]).expect("valid");
    let closed = |opens_at| Door::Closed { opens_at };
    let prequeue = Door::Prequeue { opens_at: 200 };
    assert_eq!(
        doors(&schedule),
        [
            closed(Some(200)),
            prequeue,
            prequeue,
            Door::Open,
            Door::Open,
            closed(None)
        ]
    );
    let everyday = Admission::new(Spec {
        active: Some(20),
        per_minute: Some(50),
        ..Spec::default()
    });
    let everyday = everyday.expect("valid");
    let limits = |now| {
        let capacity = schedule.at(now).admission(&everyday).capacity();
        (
            capacity.active().map(NonZeroU32::get),
            capacity.per_minute().map(NonZeroU32::get),
        )
    };
    assert_eq!(limits(99), (Some(20), Some(50)));
    assert_eq!(
        limits(250),
        (Some(7), Some(50)),
        "only what the event changes"
    );
}

#[test]
fn every_mistake_is_named() {
    let wrong = vec![
        EventSpec {
            prequeue_at: Some(250),
            ..sale()
        },
        EventSpec {
            prequeue_at: None,
            opens_at: 400,
            closes_at: None,
            method: Method::Lottery,
            active: Some(0),
            ..EventSpec::default()
        },
        EventSpec {
            opens_at: 900,
            beacon: Some("drand".into()),
            ..EventSpec::default()
        },
        sale(),
        sale(),
    ];
    let errors = Schedule::new(Method::Lottery, wrong).expect_err("all wrong");
    let zero = ScheduleError::Zero { key: "active" };
    assert_eq!(
        errors,
        [
            ScheduleError::LotteryWithoutEvent,
            ScheduleError::Order,
            ScheduleError::LotteryWithoutPrequeue,
            zero,
            ScheduleError::BeaconWithoutLottery,
            ScheduleError::Overlap,
        ]
    );
}

#[test]
fn an_event_may_close_a_room_that_is_open_every_day() {
    let night = EventSpec {
        opens_at: 100,
        closes_at: Some(300),
        method: Method::Closed,
        ..EventSpec::default()
    };
    let schedule = Schedule::new(Method::Fifo, vec![night]).expect("valid");
    assert_eq!(schedule.at(99).door, Door::Open);
    assert_eq!(schedule.at(100).door, Door::Closed { opens_at: None });
    assert_eq!(schedule.at(300).door, Door::Open);
}
