//! The command line.

mod preview;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use tracing_subscriber::EnvFilter;

mod invite;
mod room;
mod verify;

use crate::app;
use crate::config::{Config, EXAMPLE};

/// Pingora's proxy logs an error for every client that breaks off, and its connectors one for every kept connection that a
/// server has closed; our access log and metrics say it with bounded cost.
const DEFAULT_FILTER: &str =
    "info,pingora_core=warn,pingora_core::connectors=off,pingora_proxy=off";

const HELP: &str = "\
fluxgate: an edge gateway with a waiting room

  fluxgate run --config FILE   serve; SIGHUP reloads the file, SIGTERM drains and ends
  fluxgate check FILE          say what is wrong with a configuration, with line and column
  fluxgate example             print a commented configuration
  fluxgate page preview        every state of the queue page, served on 127.0.0.1 and moving
      [--template FILE]        a page of your own; says what is wrong with it, with line and column
      [--lang ko|en]           in one language
      [--state STATE]          in one state
      [--port P | --out DIR]   served on that port (8070; 0 for any), or written there and standing still

  fluxgate room state [TENANT/ROOM]         how rooms stand
  fluxgate room history TENANT/ROOM [--from MS] [--step SECONDS] [--csv]
  fluxgate room ticket TENANT/ROOM --ticket CODE                  how one ticket stands
  fluxgate room pause|resume|drain|undrain TENANT/ROOM --by NAME
  fluxgate room tune TENANT/ROOM --by NAME [--active N] [--per-minute N] [--until TIME]
  fluxgate room announce TENANT/ROOM --by NAME --text TEXT
  fluxgate room stock TENANT/ROOM --by NAME [--remaining N]
  fluxgate room first TENANT/ROOM --by NAME --ticket CODE|--number N --reason TEXT
  fluxgate room beacon TENANT/ROOM --by NAME --opens-at TIME --value TEXT
                               all of these: [--admin URL] [--token-file FILE]

  fluxgate invite --config FILE TENANT/ROOM [--count N] [--expires TIME]
                               print invitations to a room, one a line; TIME as 2026-12-01T12:00:00+09:00

  fluxgate line verify FILE... [--head SEQ:HASH] [--number N]   check a line's log
  fluxgate lottery verify FILE [--commitment HEX] [--list COUNT:HEX]
                               check a draw, or a ticket's part in it, and that it is the one you were shown

The access log goes to stdout (or where `access_log` says), everything else to stderr, as JSON.
RUST_LOG chooses how much, as in RUST_LOG=info,fluxgate=debug.
";

enum Command {
    Run { config: PathBuf },
    Check { config: PathBuf },
    Example,
    Preview(preview::Options),
    Room(room::Ask),
    Verify(verify::Check),
    Invite(invite::Wish),
    Help,
}

/// Parses and obeys the command line.
pub(crate) fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let usage = usage(words.first().and_then(|word| word.to_str()));
    if words.iter().any(|word| word == "--help") {
        return print(&usage);
    }
    let command = match parse(words) {
        Ok(command) => command,
        Err(error) => return complain(&format!("fluxgate: {error}\n\n{usage}"), 2),
    };
    match command {
        Command::Help => print(HELP),
        Command::Example => print(EXAMPLE),
        Command::Check { config } => match Config::load(&config) {
            Ok(_) => print(&format!("{}: ok\n", config.display())),
            Err(error) => complain(&format!("{error}\n"), 1),
        },
        Command::Preview(options) => match options.run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&format!("{error}\n"), 1),
        },
        Command::Run { config } => run(config),
        Command::Room(ask) => say(room::run(&ask)),
        Command::Verify(check) => say(verify::run(check)),
        Command::Invite(wish) => say(invite::run(&wish)),
    }
}

/// What the help says about one command; all of it where there is no such command.
fn usage(command: Option<&str>) -> String {
    let named = command.map(|command| format!("  fluxgate {command} "));
    let mut about = String::new();
    let mut is_about = false;
    for line in HELP.lines() {
        // What goes on is indented deeper.
        let is_more = line.starts_with("   ") && is_about;
        is_about = is_more || named.as_ref().is_some_and(|named| line.starts_with(named));
        if is_about {
            about.push_str(line);
            about.push('\n');
        }
    }
    match about.is_empty() {
        true => HELP.to_owned(),
        false => about + "\nfluxgate --help lists all commands.\n",
    }
}

fn say(outcome: Result<String, String>) -> ExitCode {
    match outcome {
        Ok(text) => print(&text),
        Err(text) => complain(&format!("{}\n", text.trim_end()), 1),
    }
}

fn run(file: PathBuf) -> ExitCode {
    let config = match Config::load(&file) {
        Ok(config) => config,
        Err(error) => return complain(&format!("{error}\n"), 1),
    };
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match app::run(file, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("fluxgate: {error}\n"), 1),
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let command = match parser.next()? {
        Some(Value(word)) => word.string()?,
        Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(other) => return Err(other.unexpected()),
        None => return Err("a command is needed".into()),
    };
    match command.as_str() {
        "page" => {
            let options = preview::Options::parse(&mut parser)?;
            return Ok(options.map_or(Command::Help, Command::Preview));
        }
        "invite" => return invite::parse(&mut parser).map(Command::Invite),
        "room" => return room::parse(&mut parser).map(Command::Room),
        what @ ("line" | "lottery") => {
            return verify::parse(what, &mut parser).map(Command::Verify);
        }
        _ => {}
    }
    let mut config: Option<PathBuf> = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("config") | Short('c') => config = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(file) if config.is_none() && command == "check" => config = Some(file.into()),
            other => return Err(other.unexpected()),
        }
    }
    let config = config.ok_or_else(|| lexopt::Error::from("a configuration file is needed"));
    match command.as_str() {
        "run" => Ok(Command::Run { config: config? }),
        "check" => Ok(Command::Check { config: config? }),
        "example" => Ok(Command::Example),
        "help" => Ok(Command::Help),
        other => Err(format!("unknown command `{other}`").into()),
    }
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe does not want to read on.
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(text: &str, code: u8) -> ExitCode {
    // With stderr gone there is nobody to complain to; the exit code still says it.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_about_the_command_that_was_named() {
        let preview = usage(Some("page"));
        assert!(preview.contains("--template") && !preview.contains("fluxgate room"));
        let room = usage(Some("room"));
        assert!(
            room.contains("room pause") && room.contains("--token-file"),
            "{room}"
        );
        assert!(!room.contains("invite"));
        assert_eq!(usage(None), HELP);
        assert_eq!(usage(Some("dance")), HELP);
        assert_eq!(usage(Some("--help")), HELP);
    }
}
