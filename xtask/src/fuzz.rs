//! `cargo xtask fuzz`: inputs that grow towards code not yet reached, for what reads bytes from outside.
//!
//! libFuzzer finds its way by counters in every branch. The compiler puts them in by flags that the
//! stable toolchain takes too, so cargo-fuzz and a nightly are not needed. What they cost is an address
//! sanitizer, of little use to code that is safe.

use crate::cargo;
use crate::options::Options;
use crate::packages::{self, Purpose};
use std::fs;

/// Programs of `fuzz/`, each with its seeds in `fuzz/seeds/` under the same name.
const TARGETS: [&str; 2] = ["token", "cookie"];
/// How long to look unless told otherwise.
const SECONDS: u32 = 60;
/// Longest input in bytes: several cookie headers, or the record of a line with some dozens of batches.
const LONGEST: u32 = 1024;
/// Longer than this for one input, in seconds, is a finding.
const STUCK: u32 = 5;

/// What cargo-fuzz would set: counters, the table of what they count, and the operands of comparisons.
const FLAGS: [&str; 8] = [
    "--cfg",
    "fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

pub(crate) fn run(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(args, &["seconds"])?;
    let (target, inputs) = read(&options.words)?;
    packages::ensure(Purpose::Build)?;
    let mut run = cargo::compile(&["run", "--release", "--manifest-path", "fuzz/Cargo.toml"]);
    // A target that is named keeps the flags away from build scripts, which have no fuzzer to count for.
    run.args(["--target", "host-tuple", "--bin", target, "--target-dir"])
        .arg(cargo::target()?.join("fuzz"))
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .arg("--");
    if inputs.is_empty() {
        let found = cargo::root().join(".data/fuzz");
        let (corpus, findings) = (
            found.join(target),
            found.join(format!("{target}-findings/")),
        );
        for dir in [&corpus, &findings] {
            fs::create_dir_all(dir)
                .map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
        }
        let seconds = options.seconds.unwrap_or(SECONDS);
        run.arg(format!("-artifact_prefix={}", findings.display()))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={LONGEST}"))
            .arg(format!("-timeout={STUCK}"))
            .arg("-print_final_stats=1")
            // The first directory is added to, the second is only read.
            .arg(corpus)
            .arg(cargo::root().join("fuzz/seeds").join(target));
    } else {
        run.args(inputs);
    }
    println!("building (the first time takes some minutes) …");
    cargo::succeed(run, "the fuzzer")
}

/// The target, and inputs to run again.
fn read(words: &[String]) -> Result<(&str, &[String]), String> {
    match words.split_first() {
        Some((target, inputs)) if TARGETS.contains(&target.as_str()) => Ok((target, inputs)),
        _ => Err(format!("fuzz what? {}", TARGETS.join(" or "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_first() {
        let words = ["token", "a", "b"].map(str::to_owned);
        assert_eq!(read(&words), Ok(("token", &words[1..])));
        for mistake in [&words[1..], &[]] {
            assert_eq!(read(mistake), Err("fuzz what? token or cookie".into()));
        }
    }

    #[test]
    fn each_target_has_a_program_and_seeds() {
        for target in TARGETS {
            let fuzz = cargo::root().join("fuzz");
            assert!(fuzz.join(format!("targets/{target}.rs")).is_file());
            let seeds = fs::read_dir(fuzz.join("seeds").join(target)).unwrap();
            assert!(seeds.count() > 0, "{target}");
        }
    }
}
