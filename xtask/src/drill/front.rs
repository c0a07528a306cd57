//! `cargo xtask drill flash-sale` and `drill adaptive`: the gateways and their Redis alone, before an origin that the
//! drill serves itself.

use crate::cargo::{self, Profile};
use crate::options::Options;
use crate::packages::{self, Purpose};
use devkit::{Front, FrontOptions, Proc, RoomRules, Store};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LINE: u32 = 1_000_000;
/// Seats of the long line's room: with stays of two minutes a hundred people come in a second.
const ACTIVE: u32 = 12_000;
/// Enough to fill the room at once and for a minute's comings, so that the seats are what bounds.
const PER_MINUTE: u32 = 20_000;
/// The drill's origin has eight workers of 20 ms: 800 seats are far beyond what it can do.
const CEILING: u32 = 800;

/// One line of up to a million.
pub(super) fn flash_sale(options: &Options) -> Result<(), String> {
    let visitors = options.visitors.unwrap_or(LINE);
    let active = ACTIVE.min((visitors / 10).max(10));
    let room = RoomRules {
        active,
        per_minute: PER_MINUTE,
        ttl: "5m".into(),
        call_grace: "2m".into(),
        absent_after: "3m".into(),
    };
    run(options, "flash-sale", (room, None), |drill, front| {
        drill
            .arg("line")
            .args(["--visitors", &visitors.to_string()]);
        drill.args(["--active", &active.to_string()]);
        drill.args(["--per-minute", &PER_MINUTE.to_string()]);
        drill.args(["--redis", &front.redis().address().to_string()]);
        drill.arg("--gateway-pid").arg(pids(front.gateways()));
        drill.arg("--line-logs").arg(front.line_logs());
    })
}

/// An origin that becomes half as fast under load.
pub(super) fn adaptive(options: &Options) -> Result<(), String> {
    let room = RoomRules {
        active: CEILING,
        per_minute: 60_000,
        ttl: "5m".into(),
        call_grace: "30s".into(),
        absent_after: "90s".into(),
    };
    let rules = "{ target_p95: 200ms, max_error_rate: 1% }".to_owned();
    run(options, "adaptive", (room, Some(rules)), |drill, _front| {
        drill.arg("adaptive");
    })
}

fn run(
    options: &Options,
    name: &str,
    (room, adaptive): (RoomRules, Option<String>),
    tell: impl FnOnce(&mut Command, &Front),
) -> Result<(), String> {
    packages::ensure(Purpose::Up(Store::Redis))?;
    // Its figures are of what operators run.
    let binaries = cargo::build(Profile::Release)?;
    println!("starting Redis and {} gateway(s) …", options.gateways);
    let front = Front::start(&FrontOptions {
        binaries: binaries.clone(),
        gateways: options.gateways,
        room,
        adaptive,
    });
    let front = front.map_err(|error| error.to_string())?;
    let page = page(name)?;
    let mut drill = cargo::program(&binaries, "drill");
    tell(&mut drill, &front);
    drill.args(["--gateway", &gateways(&front)]);
    drill.args(["--origin", &front.origin().to_string()]);
    drill.arg("--html").arg(&page);
    let drilled = cargo::succeed(drill, "the drill");
    front.stop();
    println!("the report with charts: {}", shown(&page));
    drilled
}

fn gateways(front: &Front) -> String {
    let urls: Vec<_> = front
        .addresses()
        .iter()
        .map(|at| format!("http://{at}"))
        .collect();
    urls.join(",")
}

fn pids(processes: &[Proc]) -> String {
    let pids: Vec<_> = processes
        .iter()
        .map(|process| process.pid().to_string())
        .collect();
    pids.join(",")
}

/// Where the report goes.
fn page(name: &str) -> Result<PathBuf, String> {
    let dir = cargo::root().join(".data").join("drills");
    fs::create_dir_all(&dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    Ok(dir.join(format!("{name}.html")))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(cargo::root())
        .unwrap_or(path)
        .display()
        .to_string()
}
