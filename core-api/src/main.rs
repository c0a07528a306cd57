//! The command line: `fluxpay serve | migrate | tenant ensure`.

use fluxpay::app::App;
use fluxpay::clock::Clock;
use fluxpay::config::{self, Config};
use fluxpay::db::{self, Db};
use fluxpay::provision;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

const HELP: &str = "\
fluxpay: the payment core

  fluxpay serve --config FILE                      serve the API until SIGTERM or Ctrl-C
  fluxpay migrate --config FILE                    bring the database's schema up to date
  fluxpay tenant ensure --config FILE --spec FILE  make a tenant, its PSP account and its keys
  fluxpay help                                     this

FILE is YAML; core-api/fluxpay.example.yaml shows every key. Secrets may come from the environment:
FLUXPAY_DATABASE_URL, FLUXPAY_MIGRATE_URL, FLUXPAY_MASTER_KEY. RUST_LOG filters the log (JSON, stderr).

A tenant's file:
  id: acme
  name: Acme
  psp: { kind: sandbox, base_url: http://127.0.0.1:8090, secret_key: { value: test_sk_acme } }
  keys: [{ kind: secret, scope: app, file: keys/acme-app }]
";

enum Command {
    Serve(PathBuf),
    Migrate(PathBuf),
    TenantEnsure { config: PathBuf, spec: PathBuf },
    Help,
}

fn main() -> ExitCode {
    let outcome = parse().and_then(|command| match command {
        Command::Help => {
            write_help();
            Ok(())
        }
        command => {
            log();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            runtime.block_on(run(command))
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            write_error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "help is the program's output")]
fn write_help() {
    print!("{HELP}");
}

fn write_error(error: &(dyn Error + 'static)) {
    let mut sentence = format!("fluxpay: {error}");
    let mut cause = error.source();
    while let Some(deeper) = cause {
        sentence.push_str(&format!(" ({deeper})"));
        cause = deeper.source();
    }
    eprintln!("{sentence}");
}

fn log() {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
}

fn parse() -> Result<Command, Box<dyn Error>> {
    use lexopt::prelude::{Long, Value};
    let mut arguments = lexopt::Parser::from_env();
    let (mut words, mut config, mut spec) = (Vec::new(), None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("config") => config = Some(PathBuf::from(arguments.value()?)),
            Long("spec") => spec = Some(PathBuf::from(arguments.value()?)),
            Long("help") => return Ok(Command::Help),
            Value(word) => words.push(word.to_string_lossy().into_owned()),
            other => return Err(other.unexpected().into()),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let needed = |path: Option<PathBuf>, name: &str| {
        path.ok_or_else(|| format!("{name} FILE is missing; see `fluxpay help`"))
    };
    match words.as_slice() {
        ["serve"] => Ok(Command::Serve(needed(config, "--config")?)),
        ["migrate"] => Ok(Command::Migrate(needed(config, "--config")?)),
        ["tenant", "ensure"] => Ok(Command::TenantEnsure {
            config: needed(config, "--config")?,
            spec: needed(spec, "--spec")?,
        }),
        ["help"] => Ok(Command::Help),
        _ => Err("unknown command; see `fluxpay help`".into()),
    }
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Serve(path) => serve(Config::load(&path)?).await,
        Command::Migrate(path) => {
            let config = Config::load(&path)?;
            db::migrate(&config.database.migrate_url()?).await?;
            tracing::info!("the schema is up to date");
            Ok(())
        }
        Command::TenantEnsure { config, spec } => {
            let (config, spec) = (Config::load(&config)?, config::document(&spec)?);
            let db = Db::open(&config.database.url()?, 1)?;
            let tenant =
                provision::ensure(&db, &Clock::system(), &config.master_key()?, spec).await?;
            tracing::info!(%tenant, "the tenant is ready");
            db.close().await;
            Ok(())
        }
        Command::Help => Ok(()),
    }
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    let (stop, stopping) = watch::channel(false);
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.send_replace(true);
    });
    let (app, worker) = App::build(&config, Clock::system())?;
    app.serve(worker, &config, stopping).await?;
    Ok(())
}
