//! The commands: what each is called, what it does and takes, and who does it. One table, so that
//! help cannot forget one.

use crate::{bench, drill, fuzz, sqlx, test, tidy, up};
use std::fmt::{self, Write};

/// One command.
pub(crate) struct Command {
    name: &'static str,
    summary: &'static str,
    /// What it takes, and what a user should know before.
    details: &'static str,
    pub(crate) run: fn(lexopt::Parser) -> Result<(), String>,
}

const COMMANDS: [Command; 8] = [
    Command {
        name: "up",
        summary: "start the demo and stay; Ctrl-C stops everything",
        details: "  --store memory|redis   where the waiting room keeps its line (default memory)
  --gateways N           how many gateways serve it, 1 to 16; more than one need --store redis
  --port-base P          the first gateway's port (default 8080); every other port moves along:
                         core P+1, psp-sim P+10, shops P+20 and P+21, PostgreSQL P+30, Redis P+31,
                         further gateways from P+101, metrics P+1000 and up
  --fresh                forget the last demo's data first
  --release              build as for production (some minutes)

Installs what is missing (PostgreSQL, a C toolchain) with apt-get, as root or through sudo.
Keys, data, generated configurations and logs are in .data/, and stay there until --fresh.",
        run: up::run,
    },
    Command {
        name: "crowd",
        summary: "send simulated visitors to a demo that runs",
        details: "  --visitors N           how many are around at once, until Ctrl-C (default 300)
  --port-base P          as given to up",
        run: drill::crowd,
    },
    Command {
        name: "drill",
        summary: "crowds, faults and slow origins, and whether every promise held",
        details: "  drill                  a sale from first click to receipt, then the referee
    --visitors N           how many (default 10000)
    --store memory|redis   where the waiting room keeps its line (default memory)
    --gateways N           how many gateways serve it; more than one need --store redis
    --fault pause|clock    the last gateway is stopped for 20 s, or two clocks are 2 s apart
    --release              build as for production (some minutes)
  drill flash-sale       one very long line, without purchases, on Redis
    --visitors N           how many (default 1000000)
    --gateways N           how many gateways serve it (default 1)
  drill adaptive         an origin that becomes half as fast under load, and the limit that follows it
    --gateways N           as above

Each runs servers of its own on free ports. Fails if one figure or invariant is off. The last two build as for
production and leave a page with charts in .data/drills/.",
        run: drill::run,
    },
    Command {
        name: "bench",
        summary: "measure beside others, in one run",
        details: "  bench gateway          CPU per proxied request and per queue poll, beside nginx and bare Pingora
  bench room             a line of a million, beside a sorted set in the same Redis
  bench payments         payments a second, beside pgbench on the same PostgreSQL

Builds as for production first (some minutes).",
        run: bench::run,
    },
    Command {
        name: "test",
        summary: "formatting, lints and every test; what CI runs",
        details: "Installs what is missing (PostgreSQL, Redis, Chromium, a C toolchain) with apt-get, as root or
through sudo. Goes on after a failure; the last line says how many passed and failed.",
        run: test::run,
    },
    Command {
        name: "fuzz",
        summary: "random input to what reads tokens and cookies",
        details: "  fuzz token             tokens, and the records that gateways leave in the store
  fuzz cookie            cookies and the headers in their place
    --seconds N            for how long (default 60)
    FILE …                 only these inputs, such as a finding

What leads to new code is kept in .data/fuzz/ and is where the next run begins. A finding ends the run; its
input is in .data/fuzz/TARGET-findings/. docs/fuzzing.md says more.",
        run: fuzz::run,
    },
    Command {
        name: "tidy",
        summary: "the rules that no other tool checks",
        details: "Arrows between crates and modules, sizes of files and functions, names, leftovers, floats near
money, clocks and sleeps out of place, migrations without a reason, links that lead nowhere.",
        run: tidy::run,
    },
    Command {
        name: "sqlx",
        summary: "refresh the query data that builds use instead of a database",
        details: "  --check                only compare it with what is committed

Needed after a change to a query of the core or to a migration; commit core-api/.sqlx with it.",
        run: sqlx::run,
    },
];

/// The command of this name.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Whether `--help` is among what follows a command.
pub(crate) fn asks_for_help(mut args: lexopt::Parser) -> bool {
    let mut raw = args.raw_args().into_iter().flatten();
    raw.any(|arg| arg == "--help" || arg == "-h")
}

/// All commands, a line each.
pub(crate) fn overview() -> String {
    let mut text =
        String::from("cargo xtask COMMAND: everything a person types in this repository\n");
    for Command { name, summary, .. } in &COMMANDS {
        write!(text, "\n  {name:<8} {summary}").expect("writing to a String cannot fail");
    }
    text + "\n\ncargo xtask COMMAND --help says what it takes"
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            summary,
            details,
            ..
        } = self;
        write!(f, "cargo xtask {name}: {summary}\n\n{details}")
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Command").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_found_anywhere_after_the_command() {
        let asks = |line: &str| asks_for_help(lexopt::Parser::from_args(line.split(' ')));
        assert!(asks("--store redis --help"));
        assert!(asks("-h"));
        assert!(!asks("--store redis"));
    }

    #[test]
    fn the_overview_names_every_command() {
        let overview = overview();
        for command in &COMMANDS {
            assert!(overview.contains(command.summary), "{command:?}");
            assert!(find(command.name).is_some());
        }
    }
}
