//! `cargo xtask crowd` and `cargo xtask drill`: a demo and the load program (`loadtest/`) against it.

mod fault;
mod front;

use crate::cargo;
use crate::options::Options;
use crate::packages::{self, Purpose};
use devkit::{Durability, Plan, RoomRules, Stack, StackOptions, Store};
use fault::CLOCKS_APART;
pub(crate) use fault::Fault;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const CROWD: u32 = 300;
const DRILL: u32 = 10_000;
/// Psp-sim's distance from the first gateway's port.
const PSP_OFFSET: u16 = 10;
/// How long a pass of the drill lives: longer than a purchase on a busy machine, and short, since
/// whoever has bought goes on taking a seat for so long.
const SESSION_SECONDS: u32 = 30;
/// How long a called visitor of the drill has to come in.
const GRACE_SECONDS: u32 = 60;

/// Simulated visitors for a demo that runs.
pub(crate) fn crowd(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(args, &["visitors", "port-base"])?;
    packages::ensure(Purpose::Build)?;
    let binaries = cargo::build(options.profile)?;
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    let mut crowd = cargo::program(&binaries, "drill");
    crowd.args(["crowd", "--gateway", &at(options.port_base)]);
    crowd.args(["--psp", &at(options.port_base + PSP_OFFSET)]);
    crowd.args(["--visitors", &options.visitors.unwrap_or(CROWD).to_string()]);
    cargo::succeed(crowd, "the crowd")
}

/// One of the drills, by its name; a sale from first click to receipt if none is said.
pub(crate) fn run(args: lexopt::Parser) -> Result<(), String> {
    let flags = ["visitors", "store", "gateways", "release", "fault"];
    let options = Options::read(args, &flags)?;
    match options.words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => sale(&options),
        ["flash-sale"] => front::flash_sale(&options),
        ["adaptive"] => front::adaptive(&options),
        _ => Err("drill what? flash-sale, adaptive, or nothing for a whole sale".into()),
    }
}

/// A sale on a demo of its own, then the referee.
fn sale(options: &Options) -> Result<(), String> {
    let fault = options.fault;
    if fault.is_some() && (options.store == Store::Memory || options.gateways < 2) {
        return Err("--fault needs --store redis --gateways 2 (or more)".into());
    }
    packages::ensure(Purpose::Up(options.store))?;
    if fault == Some(Fault::Clock) {
        packages::ensure(Purpose::Clock)?;
    }
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
        clocks_apart: fault.map_or(Duration::ZERO, Fault::clocks_apart),
        ..throw_away
    };
    println!("starting a demo of its own …");
    let stack = Stack::start(sale, &mut |doing| println!("  starting {doing} …"));
    let stack = stack.map_err(|error| error.to_string())?;
    let mut drill = drill(&binaries, &stack, visitors);
    match fault {
        Some(Fault::Pause) => drill.arg("--faulty"),
        Some(Fault::Clock) => drill.args(["--clocks-apart", &CLOCKS_APART.as_secs().to_string()]),
        None => &mut drill,
    };
    let drilled = match fault {
        Some(Fault::Pause) => fault::pause(&stack, drill),
        Some(Fault::Clock) | None => cargo::succeed(drill, "the drill"),
    };
    stack.stop();
    drilled
}

/// A room that lets all through in a few minutes, with a long line and its limits in force.
fn rules(visitors: u32) -> RoomRules {
    RoomRules {
        active: (visitors / 8).clamp(20, 2_000),
        per_minute: (visitors * 3 / 4).max(300),
        ttl: format!("{SESSION_SECONDS}s"),
        call_grace: format!("{GRACE_SECONDS}s"),
        absent_after: "90s".into(),
    }
}

fn drill(binaries: &Path, stack: &Stack, visitors: u32) -> Command {
    let plan = stack.plan();
    let RoomRules {
        active, per_minute, ..
    } = &stack.options().room;
    let mut drill = cargo::program(binaries, "drill");
    drill.args([
        "run",
        "--gateway",
        &gateways(plan),
        "--visitors",
        &visitors.to_string(),
    ]);
    drill.args(["--psp", &format!("http://{}", plan.psp)]);
    drill.args([
        "--active",
        &active.to_string(),
        "--per-minute",
        &per_minute.to_string(),
    ]);
    drill.args(["--session-ttl", &SESSION_SECONDS.to_string()]);
    // With these the referee judges afterwards.
    drill.args([
        "--core",
        &format!("http://{}", plan.core),
        "--tenant",
        "acme",
    ]);
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
