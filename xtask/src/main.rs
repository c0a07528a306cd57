//! `cargo xtask`: everything a person types in this repository. The crate has hardly any
//! dependencies, so that the first command on a fresh machine starts in seconds.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool talks to its terminal"
)]

mod bench;
mod cargo;
mod commands;
mod drill;
mod fuzz;
mod options;
mod packages;
mod sqlx;
mod test;
mod tidy;
mod up;

use lexopt::Arg;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = lexopt::Parser::from_env();
    let name = match args.next() {
        Ok(Some(Arg::Value(name))) => name.to_string_lossy().into_owned(),
        Ok(None | Some(Arg::Short('h') | Arg::Long("help"))) => "help".to_owned(),
        Ok(Some(other)) => return fail(&format!("{}; see cargo xtask help", other.unexpected())),
        Err(error) => return fail(&error.to_string()),
    };
    let outcome = match (commands::find(&name), commands::asks_for_help(args.clone())) {
        (Some(command), true) => {
            println!("{command}");
            Ok(())
        }
        (Some(command), false) => (command.run)(args),
        (None, _) if name == "help" => {
            println!("{}", commands::overview());
            Ok(())
        }
        (None, _) => Err(format!(
            "there is no command {name:?}; see cargo xtask help"
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(&sentence),
    }
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("\nxtask: {sentence}");
    ExitCode::FAILURE
}
