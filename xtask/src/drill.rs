//! `cargo xtask crowd` and `cargo xtask drill`: a demo and the load program against it.

use crate::cargo;
use crate::options::Options;
use crate::packages::{self, Purpose};
use devkit::{Durability, Plan, RoomRules, Stack, StackOptions};
use std::path::Path;
use std::process::Command;

const CROWD: u32 = 300;
const DRILL: u32 = 10_000;

/// Simulated visitors for a demo that runs.
pub(crate) fn crowd(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(args, &["visitors", "port-base"])?;
    packages::ensure(Purpose::Build)?;
    let binaries = cargo::build(options.profile)?;
    let mut crowd = cargo::program(&binaries, "drill");
    crowd.args([
        "crowd",
        "--gateway",
        &format!("http://127.0.0.1:{}", options.port_base),
    ]);
    crowd.args(["--visitors", &options.visitors.unwrap_or(CROWD).to_string()]);
    cargo::succeed(crowd, "the crowd")
}

/// A flash sale on a demo of its own, then the referee.
pub(crate) fn run(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(args, &["visitors", "store", "gateways", "release"])?;
    packages::ensure(Purpose::Up(options.store))?;
    let binaries = cargo::build(options.profile)?;
    let visitors = options.visitors.unwrap_or(DRILL);
    let throw_away =
        StackOptions::throw_away(binaries.clone()).map_err(|error| error.to_string())?;
    let sale = StackOptions {
        store: options.store,
        gateways: options.gateways,
        room: rules(visitors),
        tenant_quota: 20_000,
        stock: visitors,
        durability: Durability::Real,
        ..throw_away
    };
    println!("starting a demo of its own …");
    let stack = Stack::start(sale, &mut |doing| println!("  starting {doing} …"));
    let stack = stack.map_err(|error| error.to_string())?;
    let drilled = cargo::succeed(drill(&binaries, &stack, visitors), "the drill");
    let refereed = cargo::succeed(referee(&binaries, &stack), "the referee");
    stack.stop();
    drilled.and(refereed)
}

/// A room that lets all through in a minute or two, with the line long and the limits in force.
fn rules(visitors: u32) -> RoomRules {
    RoomRules {
        active: (visitors / 20).clamp(20, 1_000),
        per_minute: (visitors * 3 / 4).max(300),
        ttl: "10s".into(),
        call_grace: "30s".into(),
        absent_after: "60s".into(),
    }
}

fn drill(binaries: &Path, stack: &Stack, visitors: u32) -> Command {
    let plan = stack.plan();
    let room = &stack.options().room;
    let mut drill = cargo::program(binaries, "drill");
    drill.args(["run", "--gateway", &gateways(plan)]);
    drill.args(["--visitors", &visitors.to_string()]);
    drill.args(["--capacity-active", &room.active.to_string()]);
    drill.args(["--capacity-per-minute", &room.per_minute.to_string()]);
    drill.args([
        "--call-grace-seconds",
        room.call_grace.trim_end_matches('s'),
    ]);
    drill
}

fn referee(binaries: &Path, stack: &Stack) -> Command {
    let plan = stack.plan();
    let mut referee = cargo::program(binaries, "drill");
    referee.args(["referee", "--psp", &format!("http://{}", plan.psp)]);
    referee.args(["--core", &format!("http://{}", plan.core)]);
    referee.args(["--database", &stack.database().admin_url]);
    referee
        .arg("--key-file")
        .arg(stack.options().home.key("acme-secret"));
    referee
}

fn gateways(plan: &Plan) -> String {
    let urls: Vec<_> = plan
        .gateways
        .iter()
        .map(|at| format!("http://{at}"))
        .collect();
    urls.join(",")
}
