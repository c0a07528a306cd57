//! What may be wrong with gateways during a drill.

use crate::cargo;
use devkit::Stack;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The last one is stopped (SIGSTOP) for a while in the middle of the crowd, and goes on.
    Pause,
    /// The clocks of the first and the last one are apart, one ahead of Redis's and one behind.
    Clock,
}

/// The crowd has come and people pay.
const PAUSES_AFTER: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(20);
pub(super) const CLOCKS_APART: Duration = Duration::from_secs(2);

impl Fault {
    /// By its name on the command line.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        match text {
            "pause" => Ok(Self::Pause),
            "clock" => Ok(Self::Clock),
            _ => Err("expected pause or clock"),
        }
    }

    /// How far the first and the last gateway's clocks are apart.
    pub(super) fn clocks_apart(self) -> Duration {
        match self {
            Self::Pause => Duration::ZERO,
            Self::Clock => CLOCKS_APART,
        }
    }
}

/// Runs the drill, and stops the last gateway in the middle of it. Visitors who are cut off try again; the report
/// counts their requests.
pub(super) fn pause(stack: &Stack, drill: Command) -> Result<(), String> {
    let last = stack.options().gateways - 1;
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(PAUSES_AFTER);
            if let Some(gateway) = stack.gateway(last) {
                println!("  gateway {last} is stopped for {} s …", PAUSE.as_secs());
                gateway.pause();
                thread::sleep(PAUSE);
                gateway.resume();
                println!("  gateway {last} goes on");
            }
        });
        cargo::succeed(drill, "the drill")
    })
}
