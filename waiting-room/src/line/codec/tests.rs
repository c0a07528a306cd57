use proptest::prelude::*;

use super::*;
use crate::{
    estimate::{Cohort, Course, Desertion, Party, Tally, Visits},
    line::{Drawn, List, Lot, Promised},
    lottery::Bytes,
    provisional::{ListId, Numbered},
    token::KeyId,
};

const START: u64 = 1_790_000_000_000;

fn batch() -> impl Strategy<Value = Batch> {
    let numbers = proptest::collection::vec(any::<u64>().prop_map(Number), 0..4);
    (any::<[u64; 4]>(), any::<bool>(), any::<u32>(), numbers).prop_map(
        |([at, until, from, to], on_arrival, calls, late)| Batch {
            at: Timestamp(at),
            until: Timestamp(until),
            on_arrival,
            from: Number(from),
            to: Number(to),
            calls,
            late,
        },
    )
}

fn cohort(from: u64) -> Cohort {
    Cohort {
        from: Number(from),
        since: Timestamp(START),
        until: Timestamp(START + 9),
        counted: 7,
        near: 6,
        there: 5,
    }
}

fn course(next: u64) -> Course {
    let tally = |events| Tally {
        events,
        of: 2.0 * events,
    };
    Course {
        released: tally(8.5),
        released_lately: tally(2.25),
        seats: tally(40.0),
        in_turn: tally(900.0),
        desertion: Desertion {
            cohorts: vec![cohort(next), cohort(next.wrapping_add(9))],
            front: tally(1_000.0),
            said: tally(3.0),
            missed_to: Timestamp(START),
            heard_to: Number(next.wrapping_add(10)),
            heard_at: Timestamp(START + 7),
            table: std::array::from_fn(|row| tally(row as f64)),
        },
        visits: Visits {
            parties: vec![Party {
                from: Number(next.wrapping_sub(9)),
                since: Timestamp(START),
                until: Timestamp(START + 4),
                inside: 3,
            }],
            to: Number(next),
            table: std::array::from_fn(|row| tally(row as f64)),
            lately: tally(6.0),
        },
        next: Number(next),
    }
}

proptest! {
    #[test]
    fn any_record_survives_the_store(batches in proptest::collection::vec(batch(), 0..6), figures: [u64; 6]) {
        let mut line = Line::open(Timestamp(START), figures[0]);
        line.rolls.push_back((figures[1], Number(figures[2])));
        line.edges.push_back(Edge { at: Timestamp(figures[3]), soon: Number(figures[4]), next: Number(figures[5]), holds_all: true });
        line.late = Latecomers { first: vec![Number(figures[5])], count: 7, prompt: 1 };
        line.pace.per_second = 0.125;
        line.course = course(figures[2]);
        line.why = Some(Why::Paused);
        line.opens_at = Some(Timestamp(9));
        line.limits = [7, 0];
        line.may = Some([3, u32::MAX]);
        line.gap = Gap { ended_at: Timestamp(figures[4]), length: Duration::from_millis(figures[5]) };
            line.replaced = vec![(Number(figures[0]), Number(figures[1]))];
        line.times = [1, figures[1]];
        line.obeyed = vec![figures[0]];
        line.log = Head { seq: 7, hash: [9; 32] };
        line.lot = Some(Lot {
            opens_at: Timestamp(9),
            key: KeyId(3),
            from: Number(figures[0]),
            list: Some(List { to: Number(figures[1]), end: Number(figures[2]) }),
            beacon_name: Some("drand".into()),
            digest: Some(Bytes([7; 32])),
            drawn: Some(Drawn { beacon: Some("drand 12".into()) }),
        });
        line.promised = Some(Promised { opens_at: Timestamp(figures[0]), key: KeyId(2) });
        line.provisional = vec![Numbered { first: Number(figures[3]), count: 7, lists: vec![ListId(figures[4]), ListId(1)] }];
        line.batches = batches.into();
        let bytes = line.encode();
        prop_assert_eq!(Line::decode(&bytes), Ok(line));
        prop_assert_eq!(Line::decode(&bytes[..bytes.len() - 1]), Err(CodecError));
        let longer = [bytes.as_slice(), &[0]].concat();
        prop_assert_eq!(Line::decode(&longer), Err(CodecError));
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let ours = [&[FORM], bytes.as_slice()].concat();
        // Whatever it is, it is refused or written back the same way.
        if let Ok(line) = Line::decode(&ours) {
            prop_assert_eq!(Line::decode(&line.encode()).map(|l| l.version), Ok(line.version));
        }
        prop_assert_eq!(Line::decode(&bytes).is_ok(), bytes.first().is_some_and(|form| (FORM_BEFORE..=FORM).contains(form)) && Line::decode(&bytes).is_ok());
    }
}

#[test]
fn a_busy_minute_takes_eight_bytes_a_batch() {
    let mut line = Line::open(Timestamp(START), START);
    let mut next = START;
    for tick in 0..480 {
        let at = Timestamp(START + tick * 250);
        line.batches.push_back(Batch {
            at,
            until: Timestamp(at.0 + 120_000),
            on_arrival: false,
            from: Number(next),
            to: Number(next + 140),
            calls: 100,
            late: Vec::new(),
        });
        next += 140;
    }
    let bytes = line.encode().len();
    assert!(bytes < 480 * 11 + 600, "{bytes} bytes");
}

#[test]
fn a_record_of_the_form_before_is_read_on() {
    let mut line = Line::open(Timestamp(START), START);
    line.course = course(START);
    let bytes = line.encode();
    let mut course = Out(Vec::new());
    course.course(&line.course);
    let part = course.0;
    let at = bytes.windows(part.len()).position(|window| window == part);
    let at = at.expect("it is in there");
    let mut before = [&bytes[..at], &bytes[at + part.len()..]].concat();
    before[0] = FORM_BEFORE;
    let end = before.split_off(before.len() - 5);
    assert_eq!(
        end, [0; 5],
        "no share, no gap, nothing promised, and nobody came while the store was lost"
    );
    line.course = Course::default();
    assert_eq!(Line::decode(&before), Ok(line));
}
