//! The command line: one subcommand, its flags, its output.

mod adaptive;
mod bench;
mod crowd;
mod flags;
mod line;
mod referee;
mod run;
mod screen;

use lexopt::prelude::*;

/// How a command ended that could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// Nothing is off.
    Fine,
    /// Some figure is off; the report says which.
    Off,
}

/// Any error, as the sentence the user will read.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

const HELP: &str = include_str!("cli/help.txt");

/// Runs the command that `parser` names.
pub(crate) async fn run(mut parser: lexopt::Parser) -> Result<Ran, Error> {
    match parser.next()? {
        Some(Value(command)) => match command.to_string_lossy().as_ref() {
            "run" => run::run(parser).await,
            "referee" => referee::run(parser).await,
            "bench" => bench::run(parser).await,
            "adaptive" => adaptive::run(parser).await,
            "line" => line::run(parser).await,
            "crowd" => crowd::run(parser).await,
            other => Err(format!("there is no command {other:?}; see drill --help").into()),
        },
        Some(Long("help") | Short('h')) | None => {
            screen::print(HELP)?;
            Ok(Ran::Fine)
        }
        Some(other) => Err(other.unexpected().into()),
    }
}
