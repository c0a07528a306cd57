//! The seeds of the fuzz target `cookie` (docs/fuzzing.md), each checked once with the fuzzer's own rules.

use std::fs;
use std::path::Path;

use super::tokens;

#[path = "../../../fuzz/checks/cookie.rs"]
mod check;

#[test]
fn every_seed_of_the_fuzzer_keeps_the_rules() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/cookie");
    let seeds = fs::read_dir(seeds).expect("the seeds are in the repository");
    let inputs: Vec<_> = seeds
        .map(|seed| fs::read(seed.expect("an entry").path()).expect("a seed is a file"))
        .collect();
    for scheme in [b'h', b's'] {
        assert!(
            inputs.iter().any(|input| input.first() == Some(&scheme)),
            "no seed for {scheme}"
        );
    }
    inputs.iter().for_each(|input| check::check(input));
}
