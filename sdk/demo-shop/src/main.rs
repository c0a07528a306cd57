//! `demo-shop`: reads its configuration, opens the shop, serves, drains.

use std::path::PathBuf;
use std::process::ExitCode;

use demo_shop::Shop;
use demo_shop::config::{Config, HELP};
use lexopt::prelude::*;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let outcome = match config_file() {
        Ok(Some(file)) => run(file).await,
        Ok(None) => {
            print_help();
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(format!("{error}; see demo-shop --help")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("demo-shop: {sentence}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "help is what stdout is for")]
fn print_help() {
    print!("{HELP}");
}

/// `None` when help was asked for.
fn config_file() -> Result<Option<PathBuf>, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let mut file = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("config") => file = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    file.map(Some)
        .ok_or_else(|| "--config FILE is missing".into())
}

async fn run(file: PathBuf) -> Result<(), String> {
    let config = Config::load(&file).map_err(|error| error.to_string())?;
    let listen = config.listen;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}; is something else there?"))?;
    let shop = Shop::open(config)
        .await
        .map_err(|error| format!("cannot open the shop's database: {error}"))?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        asked_to_stop().await;
        // Nobody listening any more means that the shop has closed already.
        let _ = stop.send(true);
    });
    tracing::info!(address = %listen, "the shop is open");
    shop.serve(listener, stopped)
        .await
        .map_err(|error| format!("serving failed: {error}"))?;
    tracing::info!("the shop is closed");
    Ok(())
}

async fn asked_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be caught");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
