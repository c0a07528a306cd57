//! `cargo xtask crowd` and `cargo xtask drill`: a demo and the load program against it.

use crate::cargo;
use crate::options::Options;
use crate::packages::{self, Purpose};
use devkit::{Durability, Plan, RoomRules, Stack, StackOptions};
use std::path::Path;
use std::process::Command;

const CROWD: u32 = 300;
const DRILL: u32 = 10_000;
/// Where the demo's psp-sim is, from the gateway's port.
const PSP: u16 = 10;

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
    crowd.args(["--psp", &format!("http://127.0.0.1:{}", options.port_base + PSP)]);
    crowd.args(["--visitors", &options.visitors.unwrap_or(CROWD).to_string()]);
    cargo::succeed(crowd, "the crowd")
}

/// A flash sale on a demo of its own, with the referee's verdict.
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
    stack.stop();
    drilled
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

/// With the core's and the database's addresses the drill ends with the referee's verdict.
fn drill(binaries: &Path, stack: &Stack, visitors: u32) -> Command {
    let plan = stack.plan();
    let room = &stack.options().room;
    let mut drill = cargo::program(binaries, "drill");
    drill.args(["run", "--gateway", &gateways(plan)]);
    drill.args(["--visitors", &visitors.to_string()]);
    drill.args(["--active", &room.active.to_string()]);
    drill.args(["--per-minute", &room.per_minute.to_string()]);
    drill.args(["--call-grace", room.call_grace.trim_end_matches('s')]);
    drill.args(["--session-ttl", room.ttl.trim_end_matches('s')]);
    drill.args(["--psp", &format!("http://{}", plan.psp)]);
    drill.args(["--core", &format!("http://{}", plan.core)]);
    drill.args(["--database", &stack.database().admin_url]);
    drill
        .arg("--key-file")
        .arg(stack.options().home.key("acme-secret"));
    drill
}

fn gateways(plan: &Plan) -> String {
    let urls: Vec<_> = plan
        .gateways
        .iter()
        .map(|at| format!("http://{at}"))
        .collect();
    urls.join(",")
}
