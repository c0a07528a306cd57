//! The `drill` program: parses its command line, runs one of the library's commands and turns the result into
//! text on stdout, progress on stderr and an exit code (0 fine, 1 a figure is off, 2 could not run).

mod cli;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let _limit = loadtest::wire::raise_open_file_limit();
    let runtime =
        tokio::runtime::Runtime::new().expect("a runtime needs only threads and an epoll file");
    match runtime.block_on(cli::run(lexopt::Parser::from_env())) {
        Ok(cli::Ran::Fine) => ExitCode::SUCCESS,
        Ok(cli::Ran::Off) => ExitCode::from(1),
        Err(error) => {
            // stderr may be closed; there is nobody left to tell then.
            let _told = writeln!(std::io::stderr(), "drill: {error}");
            ExitCode::from(2)
        }
    }
}
