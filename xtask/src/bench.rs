//! `cargo xtask bench gateway`, `room` and `payments`: what is measured needs release
//! builds, and what it is measured against has to be installed; the measuring is the `drill` program's.

use crate::cargo::{self, Profile};
use crate::options::Options;
use crate::packages::{self, Purpose};
use devkit::{Durability, Stack, StackOptions, Store, find_program};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What a card network takes, about.
const PSP_LATENCY: Duration = Duration::from_millis(50);

pub(crate) fn run(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(args, &[])?;
    match options.words.first().map(String::as_str) {
        Some("gateway") => gateway(),
        Some("room") => room(),
        Some("payments") => payments(),
        _ => Err("bench what? gateway, room or payments".into()),
    }
}

fn gateway() -> Result<(), String> {
    packages::ensure(Purpose::BenchGateway)?;
    let binaries = cargo::build(Profile::Release)?;
    let mut bench = cargo::program(&binaries, "drill");
    bench
        .args(["bench", "gateway", "--binaries"])
        .arg(&binaries);
    for name in ["nginx", "wrk"] {
        let path = find_program(name).ok_or_else(|| format!("{name} is not installed"))?;
        bench.arg(format!("--{name}")).arg(path);
    }
    cargo::succeed(bench, "the measurement")
}

fn room() -> Result<(), String> {
    packages::ensure(Purpose::Up(Store::Redis))?;
    let bench = cargo::compile(&["bench", "--package", "waiting-room", "--bench", "room"]);
    cargo::succeed(bench, "the measurement")
}

fn payments() -> Result<(), String> {
    packages::ensure(Purpose::Up(Store::Memory))?;
    let binaries = cargo::build(Profile::Release)?;
    let throw_away =
        StackOptions::throw_away(binaries.clone()).map_err(|error| error.to_string())?;
    let options = StackOptions {
        psp_latency: PSP_LATENCY,
        // The figure is worth nothing if a commit is not one.
        durability: Durability::Real,
        ..throw_away
    };
    println!("starting a demo of its own …");
    let stack = Stack::start(options, &mut |doing| println!("  starting {doing} …"));
    let stack = stack.map_err(|error| error.to_string())?;
    let measured = cargo::succeed(measure_payments(&binaries, &stack), "the measurement");
    stack.stop();
    measured
}

fn measure_payments(binaries: &Path, stack: &Stack) -> Command {
    let plan = stack.plan();
    let mut bench = cargo::program(binaries, "drill");
    bench.args([
        "bench",
        "payments",
        "--psp",
        &format!("http://{}", plan.psp),
    ]);
    bench.args(["--core", &format!("http://{}", plan.core)]);
    bench.args(["--database", &stack.database().admin_url]);
    bench
        .arg("--key-file")
        .arg(stack.options().home.key("acme-secret"));
    bench
        .arg("--pgbench")
        .arg(stack.postgres.program("pgbench"));
    bench
}
