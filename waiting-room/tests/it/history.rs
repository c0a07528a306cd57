//! Whole histories: random crowds, random faults, production code, simulated time.
//!
//! A history is one seed and a few sizes; a failure prints them. What is checked after every quarter
//! of a second is what DESIGN.md 4.1 promises, each against a count made without the library's bits.

mod crowd;
pub(crate) use crowd::Dice;
mod world;

use proptest::prelude::*;
use world::{Faults, Sizes, World};

fn sizes() -> impl Strategy<Value = Sizes> {
    (
        1_u32..12,
        prop_oneof![Just(None), (2_u32..40).prop_map(Some)],
        1_usize..4,
        5_usize..50,
        20_u64..100,
        10_u64..150,
    )
        .prop_map(
            |(active, per_minute, gateways, visitors, ttl, grace)| Sizes {
                active,
                per_minute,
                gateways,
                visitors,
                ttl,
                grace,
            },
        )
}

/// How many histories of each of the five kinds, which makes two thousand; `HISTORIES` asks for more.
fn cases() -> u32 {
    let asked = std::env::var("HISTORIES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(400)
}

fn run(seed: u64, sizes: Sizes, faults: Faults) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async { World::new(seed, sizes, faults).run().await });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_in_any_history(seed: u64, sizes in sizes()) {
        run(seed, sizes, Faults::None);
    }

    #[test]
    fn every_promise_holds_while_the_store_comes_and_goes(seed: u64, sizes in sizes()) {
        run(seed, sizes, Faults::Outages);
    }

    #[test]
    fn every_promise_holds_while_the_store_forgets(seed: u64, sizes in sizes()) {
        run(seed, sizes, Faults::Amnesia);
    }

    #[test]
    fn every_promise_holds_while_gateways_restart(seed: u64, sizes in sizes()) {
        run(seed, sizes, Faults::Restarts);
    }

    #[test]
    fn every_promise_holds_while_gateways_stand_still(seed: u64, sizes in sizes()) {
        run(seed, sizes, Faults::Pauses);
    }
}
