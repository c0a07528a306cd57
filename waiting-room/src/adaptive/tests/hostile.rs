//! Whatever happens and whatever is read, the bounds hold and nothing panics.

use policies::admission::adaptive::Unit;
use proptest::prelude::*;

use super::{
    crowd::{Policy, Setup, happen},
    origin::{Origin, Slowness},
    *,
};

fn any_origin() -> impl Strategy<Value = Origin> {
    let slowness = (0.0..15.0_f64, 1.0..15.0_f64, 1.0..20.0_f64);
    let slowness = slowness.prop_map(|(from, lasts, times)| Slowness {
        from,
        until: from + lasts,
        times,
    });
    let knee = proptest::option::of(1_usize..40);
    let refuses = proptest::option::of(1_usize..80);
    let parts = (1_usize..12, 0.005..0.08_f64, knee, refuses);
    (parts, proptest::option::of(slowness)).prop_map(
        |((servers, work, knee, refuses), slowness)| Origin {
            servers,
            work,
            collapses_beyond: knee,
            refuses_beyond: refuses,
            slowness,
        },
    )
}

fn any_rules() -> impl Strategy<Value = Adaptive> {
    let bounds = (1_u32..200, 1_u32..200, 1_u32..200);
    (bounds, 10_u64..1_000, any::<bool>()).prop_map(|((a, b, c), target, is_seats)| {
        let mut bounds = [a, b, c];
        bounds.sort_unstable();
        let [floor, ceiling, most] = bounds;
        let adaptive = AdaptiveSpec {
            floor: Some(floor),
            ceiling: Some(ceiling),
            ..AdaptiveSpec::new(Duration::from_millis(target))
        };
        let spec = Spec {
            active: is_seats.then_some(most),
            per_minute: Some(most * 10),
            adaptive: Some(adaptive),
            ..Spec::default()
        };
        let rules = Admission::new(spec).expect("valid");
        rules.adaptive().expect("said")
    })
}

fn any_seen() -> impl Strategy<Value = Observed> {
    let measured = (0_u32..300, 0_u64..70_000, 0_u32..50, 0_u32..100_000);
    let demand = prop_oneof![Just(Demand::HeldBack), Just(Demand::Met)];
    (measured, 0_u64..40_000, 0_u32..1_000, demand).prop_map(
        |((answers, ms, failures, in_flight), span, inside, demand)| Observed {
            health: health(answers, ms, failures, in_flight),
            span: Duration::from_millis(span),
            inside,
            demand,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The simulation looks at the limit at every tick.
    #[test]
    fn no_origin_moves_the_limit_past_its_bounds(
        rules in any_rules(), origin in any_origin(), seed: u64, stay in 1.0..30.0_f64, think in 0.2..3.0_f64,
    ) {
        let policy = Policy::Adaptive;
        let history = happen(Setup { rules, policy, origin, stay, think, seed }, 30.0);
        if rules.unit() == Unit::Seats {
            let most = history.iter().map(|second| second.inside).max().unwrap_or(0);
            prop_assert!(most <= rules.ceiling().get());
        }
    }
}

proptest! {
    #[test]
    fn no_measurement_moves_it_past_its_bounds_and_the_store_keeps_all_of_it(
        rules in any_rules(), other in any_rules(),
        seen in proptest::collection::vec((any_seen(), 0_u64..5_000, 0_u32..50), 1..60),
    ) {
        let mut limit = Limit::open(&other, 7, START);
        let mut now = START;
        for (seen, later_ms, called) in &seen {
            // Clocks of a fleet differ: now and then it is earlier.
            now = Timestamp(now.0 + later_ms - 1_000.min(*later_ms / 2));
            let before = limit;
            let (next, verdict) = limit.step(&rules, seen, now);
            limit = next;
            prop_assert!((rules.floor().get()..=rules.ceiling().get()).contains(&limit.get()));
            if before.unit == rules.unit() && before.level <= f64::from(rules.ceiling().get()) {
                match verdict {
                    Verdict::Lowered(_) => prop_assert!(limit.level < before.level.max(f64::from(rules.floor().get()))),
                    Verdict::Raised => prop_assert!(limit.level > before.level),
                    Verdict::Held(_) => prop_assert!(limit.level >= before.level),
                }
            }
            prop_assert!(limit.health_from(now) <= now.max(limit.judged_from));
            limit.spend(limit.budget(seen.inside).min(*called));
            prop_assert_eq!(Limit::decode(&limit.encode()), Ok(limit));
        }
    }

    #[test]
    fn hostile_records_are_refused_or_can_be_stepped(
        rules in any_rules(), mut bytes in proptest::collection::vec(any::<u8>(), Limit::BYTES),
        seen in any_seen(), touched in proptest::option::of((0..Limit::BYTES, any::<u8>())),
    ) {
        if let Some((at, byte)) = touched {
            bytes = Limit::open(&rules, 5, START).encode().to_vec();
            bytes[at] = byte;
        }
        if let Ok(limit) = Limit::decode(&bytes) {
            let (next, _) = limit.step(&rules, &seen, START);
            prop_assert!((rules.floor().get()..=rules.ceiling().get()).contains(&next.get()));
            prop_assert_eq!(Limit::decode(&next.encode()), Ok(next));
        }
    }
}

#[test]
fn a_record_of_another_length_or_form_is_refused() {
    let bytes = Limit::open(&seats(100, 200), 0, START).encode();
    for cut in 0..bytes.len() {
        assert_eq!(
            Limit::decode(&bytes[..cut]),
            Err(CodecError),
            "cut at {cut}"
        );
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Limit::decode(&longer), Err(CodecError));
    let mut newer = bytes;
    newer[0] += 1;
    assert_eq!(Limit::decode(&newer), Err(CodecError));
    let mut unknown_flag = bytes;
    unknown_flag[1] = 16;
    assert_eq!(Limit::decode(&unknown_flag), Err(CodecError));
}
