//! `psp-sim`: reads its command line, listens, serves, drains.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use psp_sim::merchant::Merchant;
use psp_sim::{Options, Sim};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

const HELP: &str = "\
psp-sim: a sandbox payment provider that speaks the TossPayments wire format

Usage: psp-sim --listen ADDR [options]

Options:
  --listen ADDR              where to listen, e.g. 127.0.0.1:8090
  --latency-ms N             every API call takes at least N ms (default 0)
  --max-payments N           bound of the book, about 2 kB each (default 500000);
                             at the bound new sessions get 503 SIMULATOR_FULL
  --webhook SECRET=URL       send this merchant's events to URL (may be repeated)
  --webhook-minute-ms N      what one minute of the webhook retry schedule lasts (default 60000)
  --help                     this text

Environment:
  RUST_LOG                   log filter (default info); logs are JSON lines on stderr

Paths:
  /v1/payments/...           TossPayments: confirm, look-up, look-up by order, cancel
  /window                    the payment window a customer sees
  /sandbox/v1/authorizations an authenticated session without a browser
  /sim/approvals, /sim/stats, /sim/faults, /sim/webhooks, /sim/clock, /sim/book
";

#[derive(Debug)]
struct Cli {
    listen: SocketAddr,
    options: Options,
    webhooks: Vec<(Merchant, reqwest::Url)>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let outcome = match Cli::parse() {
        Ok(Some(cli)) => run(cli).await,
        Ok(None) => {
            print_help();
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(format!("psp-sim: {error}; see psp-sim --help")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "help is what stdout is for")]
fn print_help() {
    print!("{HELP}");
}

async fn run(cli: Cli) -> Result<(), String> {
    let listener = TcpListener::bind(cli.listen).await.map_err(|error| {
        format!(
            "psp-sim: cannot listen on {}: {error}; is something else there?",
            cli.listen
        )
    })?;
    let sim = Sim::new(&cli.options);
    for (merchant, url) in cli.webhooks {
        sim.webhooks.register(merchant, Some(url));
    }
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        asked_to_stop().await;
        // Nobody listening any more means that the server has stopped already.
        let _ = stop.send(true);
    });
    tracing::info!(address = %cli.listen, "psp-sim is ready");
    sim.serve(listener, stopped).await;
    tracing::info!("psp-sim stopped");
    Ok(())
}

async fn asked_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be caught");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

impl Cli {
    /// `None` when help was asked for.
    fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let (mut listen, mut options, mut webhooks) = (None, Options::default(), Vec::new());
        while let Some(argument) = parser.next()? {
            match argument {
                Long("listen") => listen = Some(parser.value()?.parse()?),
                Long("latency-ms") => options.latency = milliseconds(&mut parser)?,
                Long("max-payments") => options.max_payments = parser.value()?.parse()?,
                Long("webhook") => webhooks.push(parser.value()?.parse_with(webhook)?),
                Long("webhook-minute-ms") => options.webhook_minute = milliseconds(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        let listen = listen.ok_or("--listen ADDR is missing")?;
        Ok(Some(Self {
            listen,
            options,
            webhooks,
        }))
    }
}

fn milliseconds(parser: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    Ok(Duration::from_millis(parser.value()?.parse()?))
}

fn webhook(text: &str) -> Result<(Merchant, reqwest::Url), String> {
    let (secret, url) = text.split_once('=').ok_or("expected SECRET=URL")?;
    let merchant = Merchant::from_secret(secret).ok_or("the secret is no test secret key")?;
    Ok((
        merchant,
        url.parse().map_err(|error| format!("{url}: {error}"))?,
    ))
}
