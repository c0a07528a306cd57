//! `cargo xtask test`: everything that must hold, in the order that fails fastest. Goes on after a
//! failure, so that one run tells all; its last line counts.

mod count;
mod leftovers;
mod programs;
mod runner;

use crate::options::Options;
use crate::packages::{self, Purpose};
use crate::{cargo, sqlx, tidy};
use count::Count;
use devkit::find_program;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// A step, and what it does.
type Step = (&'static str, fn() -> Count);

const STEPS: [Step; 7] = [
    ("formatting", formatting),
    ("tidy", || one(tidy::check())),
    ("dependencies", dependencies),
    ("lints", lints),
    ("query data", || one(sqlx::check())),
    ("tests", tests),
    ("processes", || one(leftovers::check())),
];

pub(crate) fn run(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(args, &[])?;
    if let Some(word) = options.words.first() {
        return Err(format!("test takes no {word:?}; see cargo xtask help"));
    }
    packages::ensure(Purpose::Test)?;
    let mut total = Count::default();
    for (name, step) in STEPS {
        println!("\n== {name}");
        let begun = Instant::now();
        let count = step();
        total = total + count;
        println!(
            "== {name}: {} ({:.0} s)",
            count.verdict(),
            begun.elapsed().as_secs_f32()
        );
    }
    devkit::sweep();
    println!("\n{total}");
    if total.failed == 0 {
        Ok(())
    } else {
        Err("not everything passed".into())
    }
}

/// A step that passes or fails as one.
fn one(outcome: Result<(), String>) -> Count {
    match outcome {
        Ok(()) => Count::PASSED,
        Err(sentence) => {
            println!("  {sentence}");
            Count::FAILED
        }
    }
}

fn formatting() -> Count {
    one(cargo::succeed(
        cargo::cargo(&["fmt", "--all", "--check"]),
        "cargo fmt --check",
    ))
}

fn lints() -> Count {
    one(cargo::succeed(
        cargo::offline(cargo::lints()),
        "cargo clippy",
    ))
}

/// Licences, sources and doubled crates, where cargo-deny is at hand. It is not installed here: that
/// is a build of several minutes for a check of a second, and its advisories need a database from the
/// network on top.
fn dependencies() -> Count {
    let tools = cargo::root().join(".data/tools/bin/cargo-deny");
    let installed = Some(tools).filter(|tool: &PathBuf| tool.is_file());
    let Some(deny) = installed.or_else(|| find_program("cargo-deny")) else {
        println!(
            "  skipped: cargo-deny is not installed (cargo install cargo-deny --locked --root .data/tools)"
        );
        return Count::default();
    };
    let mut command = Command::new(deny);
    command.current_dir(cargo::root());
    command.args([
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    one(cargo::succeed(command, "cargo deny"))
}

/// Compiles everything first, so that a broken build is told from a broken test; then runs.
fn tests() -> Count {
    println!("compiling the tests (the first time takes some minutes) …");
    let messages = "--message-format=json-render-diagnostics";
    let build = cargo::compile(&["test", "--workspace", "--no-run", messages]);
    let all = ["test", "--workspace", "--no-fail-fast", "--color", "never"];
    let counted = programs::build(cargo::offline(build))
        .and_then(|programs| runner::run(cargo::offline(cargo::cargo(&all)), &programs));
    counted.unwrap_or_else(|sentence| one(Err(sentence)))
}
