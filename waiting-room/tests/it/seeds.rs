//! The seeds of the fuzz target `token` (docs/fuzzing.md), each checked once with the fuzzer's own rules.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/checks/token.rs"]
mod check;

#[test]
fn every_seed_of_the_fuzzer_keeps_the_rules() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/token");
    let seeds = fs::read_dir(seeds).expect("the seeds are in the repository");
    let inputs: Vec<_> = seeds
        .map(|seed| fs::read(seed.expect("an entry").path()).expect("a seed is a file"))
        .collect();
    // Each way that an input can be taken has one.
    for way in [0, 1, 2, 4, 5, 6] {
        assert!(
            inputs.iter().any(|input| input.first() == Some(&way)),
            "no seed for {way}"
        );
    }
    inputs.iter().for_each(|input| check::check(input));
}
