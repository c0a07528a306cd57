//! The real controller's ticks, told as entries, pass the verifier: its rules are the controller's own.

use std::time::Duration;

use policies::admission::{Admission, Spec};
use proptest::{collection::vec, prelude::*};

use super::{history::some_cases, *};
use crate::{
    bits::Bits,
    controller::{Calls, step},
    line::{Line, Marks},
    presence::Epochs,
    snapshot::{Place, Snapshot, Traces},
    token::{Ticket, Told},
};

/// What the tick that made `calls` out of `seen` has to say; `told` is the picture after it.
fn entry_of(seen: &Snapshot, calls: &Calls, told: &Snapshot, limits: Limits) -> Entry {
    let first = seen.line.id.0;
    let relative = |number: Number| number.0 - first;
    let from = seen.line.frontier;
    let taken_to = seen.next.min(seen.line.horizon).max(from);
    let Marks {
        gone, left, late, ..
    } = &calls.marks;
    let is_called = |n: u64| {
        let number = Number(first + n);
        !gone.has(number) && !left.has(number)
    };
    let now = calls.line.ticked_at;
    let late = late.iter().filter(|number| !seen.marks.late.has(*number));
    Entry {
        given: relative(seen.next),
        horizon: relative(calls.line.horizon),
        arrived: Passed::all(relative(from)..relative(taken_to)),
        called: Passed::new(relative(taken_to)..relative(calls.line.frontier), is_called),
        late: late.map(relative).collect(),
        living: u64::from(told.waiting_total()),
        active: told.occupied(now),
        limits,
        ..quiet(now)
    }
}

/// What happens between two ticks.
#[derive(Clone, Debug)]
struct Turn {
    elapsed_ms: u64,
    joins: u64,
    chance: u64,
    rules: Option<(u32, u32)>,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let elapsed = prop_oneof![12 => 200_u64..300, 6 => 1_000_u64..3_000, 1 => 3_000_u64..200_000];
    let joins = prop_oneof![3 => Just(0), 2 => 1_u64..20];
    let rules = prop::option::weighted(0.05, (1_u32..40, 1_u32..80));
    let turn =
        (elapsed, joins, any::<u64>(), rules).prop_map(|(elapsed_ms, joins, chance, rules)| Turn {
            elapsed_ms,
            joins,
            chance,
            rules,
        });
    vec(turn, 1..160)
}

fn rules(active: u32, per_minute: u32) -> Admission {
    let spec = Spec {
        active: Some(active),
        per_minute: Some(per_minute),
        absent_after: Duration::from_secs(10),
        call_grace: opening().grace,
        ..Spec::default()
    };
    Admission::new(spec).expect("valid")
}

/// A crowd whose members come and go by chance.
struct Crowd {
    seen: Snapshot,
    marks: Marks,
    away: Bits,
    inside: Vec<Number>,
}

impl Crowd {
    fn new() -> Self {
        let line = Line::open(START, Epochs::of_presence(&rules(1, 1)).settled(START));
        let facts = (Marks::default(), Traces::default());
        let seen = Snapshot::build(line, Number(START.0), facts, START);
        let (marks, away, inside) = (Marks::default(), Bits::new(), Vec::new());
        Self {
            seen,
            marks,
            away,
            inside,
        }
    }

    /// Everybody does something, or nothing, by chance.
    fn act(&mut self, chance: u64, now: Timestamp, grace: Duration) {
        self.away = Bits::new();
        self.inside
            .retain(|number| !roll(number.0 ^ chance).is_multiple_of(30));
        for n in START.0..self.seen.next.0 {
            let number = Number(n);
            // A third is away for ten minutes at a time.
            if roll(n ^ (now.0 / 600_000)).is_multiple_of(3) {
                self.away.add(number);
                continue;
            }
            match (
                roll(n ^ chance.rotate_left(7)) % 40,
                self.place(number, now, grace),
            ) {
                (0, Place::Waiting { .. }) => drop(self.marks.left.add(number)),
                (1..20, Place::Called { .. }) => {
                    self.marks.claimed.add(number);
                    self.inside.push(number);
                }
                _ => {}
            }
        }
    }

    fn place(&self, number: Number, now: Timestamp, grace: Duration) -> Place {
        let told = Told::Wait {
            next_poll_at: START,
            shown_ahead: u32::MAX,
        };
        let (line, joined_at) = (self.seen.line.id, now);
        self.seen.place(
            &Ticket {
                line,
                number,
                joined_at,
                told,
                secret: 1,
            },
            now,
            grace,
        )
    }

    fn traces(&self) -> Traces {
        let everybody = (START.0..self.seen.next.0).map(Number);
        let here: Bits = everybody.filter(|n| !self.away.has(*n)).collect();
        let active = self.inside.iter().copied().collect();
        Traces {
            living: here.clone(),
            fresh: here,
            active,
        }
    }

    fn picture(&self, line: Line, joins: u64, now: Timestamp) -> Snapshot {
        let facts = (self.marks.clone(), self.traces());
        Snapshot::build(line, self.seen.next.plus(joins), facts, now)
    }
}

/// Well-mixed bits of `seed` (splitmix64).
fn roll(seed: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
}

fn log_of(turns: &[Turn]) -> Vec<Entry> {
    let mut limits = Limits {
        active: Some(20),
        per_minute: Some(40),
    };
    let mut rule = rules(20, 40);
    let mut crowd = Crowd::new();
    let mut now = START;
    let opened = Entry {
        limits,
        event: event(Kind::Opened(opening())),
        ..quiet(now)
    };
    let mut entries = vec![opened];
    for turn in turns {
        now = now.plus(Duration::from_millis(turn.elapsed_ms));
        let before = limits;
        if let Some((active, per_minute)) = turn.rules {
            rule = rules(active, per_minute);
            limits = Limits {
                active: Some(active),
                per_minute: Some(per_minute),
            };
        }
        crowd.act(turn.chance, now, rule.call_grace());
        let seen = crowd.picture(crowd.seen.line.clone(), turn.joins, now);
        let calls = step(&seen, &rule, now);
        (crowd.marks.gone, crowd.marks.late) = (calls.marks.gone.clone(), calls.marks.late.clone());
        let told = crowd.picture(calls.line.clone(), turn.joins, now);
        let mut entry = entry_of(&seen, &calls, &told, limits);
        entry.event = event(Kind::Tuned(None)).filter(|_| turn.rules.is_some());
        if entry.is_news(before, None) {
            entries.push(entry);
        }
        crowd.seen = told;
    }
    entries
}

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn what_the_controller_does_passes_the_verifier(turns in turns()) {
        let report = verified(&log_of(&turns));
        prop_assert!(report.is_clean(), "{report}");
    }
}

#[test]
fn the_controllers_histories_have_skips_and_late_calls() {
    let turn = |n: u64| Turn {
        elapsed_ms: if n.is_multiple_of(60) { 400_000 } else { 1_000 },
        joins: roll(n) % 6,
        chance: roll(n ^ 77),
        rules: None,
    };
    let turns: Vec<_> = (0..400).map(turn).collect();
    let report = verified(&log_of(&turns));
    assert!(report.is_clean(), "{report}");
    let Tally {
        main,
        arrived,
        late,
        passed_over,
        ..
    } = report.calls;
    assert!(
        main > 20 && arrived > 5 && late > 5 && passed_over > 5,
        "{report}"
    );
}
