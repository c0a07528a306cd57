//! `fluxgate`: the edge gateway. Parse, build, serve, drain.

mod access_log;
mod admin;
mod answer;
mod app;
mod cli;
mod clock;
mod config;
mod drain;
mod edge;
mod files;
mod host;
mod limit;
mod live;
mod metrics;
mod page;
mod proxy;
mod rejection;
mod reload;
mod rooms;
mod shutdown;
mod step;
mod text;
mod upkeep;
mod upstream;

/// Chosen by measurement (`cargo xtask bench gateway`); this line is all there is to change.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
