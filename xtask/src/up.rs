//! `cargo xtask up`: the demo, from nothing to a page in the browser, until Ctrl-C.

mod panel;

use crate::cargo;
use crate::options::Options;
use crate::packages::{self, Purpose};
use devkit::{Durability, Home, Ports, RoomRules, Stack, StackOptions};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often we look whether somebody wants us to stop, or a service fell.
const LOOK_EVERY: Duration = Duration::from_millis(150);

pub(crate) fn run(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(
        args,
        &["store", "gateways", "port-base", "fresh", "release"],
    )?;
    if let Some(word) = options.words.first() {
        return Err(format!("up takes no {word:?}; see cargo xtask help"));
    }
    // First of all, so that a second `up` is refused at once rather than after a build.
    let home = home(options.fresh)?;
    packages::ensure(Purpose::Up(options.store))?;
    let binaries = cargo::build(options.profile)?;
    let begun = Instant::now();
    let stack = Stack::start(demo(&options, home, binaries), &mut |doing| {
        println!("  starting {doing} …")
    });
    let stack = stack.map_err(|error| with_remedy(&error, options.port_base))?;
    println!("{}", panel::of(&stack, begun.elapsed()));
    let fallen = wait(&stack);
    println!("\nstopping …");
    stack.stop();
    match fallen {
        None => Ok(()),
        Some(what) => Err(what),
    }
}

fn home(fresh: bool) -> Result<Home, String> {
    let home = Home::kept(&cargo::root().join(".data")).map_err(|error| error.to_string())?;
    if fresh {
        home.clear().map_err(|error| error.to_string())?;
    }
    Ok(home)
}

fn demo(options: &Options, home: Home, binaries: std::path::PathBuf) -> StackOptions {
    StackOptions {
        binaries,
        home,
        ports: Ports::From(options.port_base),
        store: options.store,
        gateways: options.gateways,
        room: RoomRules::default(),
        tenant_quota: 2_000,
        stock: 1_000,
        psp_latency: Duration::from_millis(50),
        durability: Durability::Real,
        clocks_apart: Duration::ZERO,
    }
}

/// What a person can do about it, where the error alone does not say so.
fn with_remedy(error: &devkit::Error, base: u16) -> String {
    let said = error.to_string();
    // A port may be taken between our look at it and the service's start; then the service says so.
    let is_port =
        matches!(error, devkit::Error::PortTaken { .. }) || said.contains("cannot listen");
    if !is_port {
        return said;
    }
    let other = if base < 30_000 {
        base + 10_000
    } else {
        base - 10_000
    };
    format!("{said}; end that program, or move every port with --port-base {other}")
}

/// Until somebody asks us to stop (`None`) or a service fell. A second Ctrl-C ends us at once; the
/// kernel then ends our children.
fn wait(stack: &Stack) -> Option<String> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let armed = Arc::clone(&asked);
        flag::register_conditional_shutdown(signal, 130, armed).expect("this signal can be caught");
        flag::register(signal, Arc::clone(&asked)).expect("this signal can be caught");
    }
    while !asked.load(Ordering::Relaxed) {
        if let Some(fallen) = stack.fallen() {
            return Some(fallen.why_it_fell());
        }
        sleep(LOOK_EVERY);
    }
    None
}
