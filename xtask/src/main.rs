//! `cargo xtask`: everything a person types in this repository. The crate has hardly any
//! dependencies, so that the first command on a fresh machine starts in seconds.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool talks to its terminal"
)]

mod bench;
mod cargo;
mod drill;
mod options;
mod packages;
mod sqlx;
mod test;
mod tidy;
mod up;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND: everything a person types in this repository

  up                   start the demo and stay; Ctrl-C stops everything
      --store memory|redis   where the line is kept (default memory)
      --gateways N           how many gateways serve it (more than one: --store redis)
      --port-base P          the gateway's port, from which all others follow (default 8080)
      --fresh                forget the last demo's data first
      --release              build with fat LTO (minutes)
  crowd                send simulated visitors to a running demo
      --visitors N           how many (default 300)
      --port-base P          as given to up
  drill                a flash sale from first click to receipt, then the referee
      --visitors N           how many (default 10000)
      --store, --gateways, --release   as above
  bench gateway        CPU per request beside nginx and bare Pingora
  bench payments       payments per second beside pgbench
  test                 formatting, lints and every test
  tidy                 the rules that no other tool checks
  sqlx [--check]       refresh (or check) the query data that builds use instead of a database
  help                 this text
";

fn main() -> ExitCode {
    let mut args = lexopt::Parser::from_env();
    let command = match args.next() {
        Ok(Some(lexopt::Arg::Value(command))) => command.to_string_lossy().into_owned(),
        Ok(None | Some(lexopt::Arg::Short('h') | lexopt::Arg::Long("help"))) => "help".to_owned(),
        Ok(Some(other)) => return fail(&format!("{}; see cargo xtask help", other.unexpected())),
        Err(error) => return fail(&error.to_string()),
    };
    let outcome = match command.as_str() {
        "up" => up::run(args),
        "crowd" => drill::crowd(args),
        "drill" => drill::run(args),
        "bench" => bench::run(args),
        "test" => test::run(args),
        "tidy" => tidy::run(args),
        "sqlx" => sqlx::run(args),
        "help" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!(
            "there is no command {other:?}; see cargo xtask help"
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
