//! `cargo xtask sqlx`: the data that lets the core's queries be checked at compile time without a
//! database, made anew from the migrations in a private PostgreSQL. `--check` only compares.
//!
//! The query macros write it themselves when they are given a database and a directory, so sqlx-cli
//! (a long build) is not needed.

use crate::cargo;
use crate::options::Options;
use crate::packages::{self, Purpose};
use devkit::{Database, Postgres, PostgresOptions, Scratch, Store};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The roots of the core's targets: touched, so that their macros run again.
const ROOTS: [&str; 3] = ["src/lib.rs", "src/main.rs", "tests/it/main.rs"];

/// File name and text of each query's data.
type Data = BTreeMap<String, String>;

pub(crate) fn run(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(args, &["check"])?;
    packages::ensure(Purpose::Up(Store::Memory))?;
    if options.check { check() } else { refresh() }
}

/// Compares the committed data with what the migrations give today.
pub(crate) fn check() -> Result<(), String> {
    // The lints come just before in `test`, so that of this pass only the core is left to do.
    let (made, committed) = (generate(cargo::lints())?, read(&committed())?);
    if made == committed {
        println!("  {} queries are as committed", made.len());
        return Ok(());
    }
    let changed = made
        .iter()
        .filter(|(name, text)| committed.get(*name) != Some(text))
        .count();
    let stale = committed
        .keys()
        .filter(|name| !made.contains_key(*name))
        .count();
    Err(format!(
        "core-api/.sqlx is not what the queries and migrations give ({changed} new or changed, {stale} \
         no longer used): run `cargo xtask sqlx` and commit the result"
    ))
}

fn refresh() -> Result<(), String> {
    let made = generate(cargo::compile(&[
        "check",
        "--package",
        "fluxpay",
        "--all-targets",
    ]))?;
    let dir = committed();
    fs::create_dir_all(&dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    for name in read(&dir)?.keys().filter(|name| !made.contains_key(*name)) {
        fs::remove_file(dir.join(name))
            .map_err(|error| format!("cannot remove {name}: {error}"))?;
    }
    for (name, text) in &made {
        fs::write(dir.join(name), text).map_err(|error| format!("cannot write {name}: {error}"))?;
    }
    println!("  {} queries in {}", made.len(), dir.display());
    Ok(())
}

fn committed() -> PathBuf {
    cargo::root().join("core-api/.sqlx")
}

/// The data that the queries write when `compiler` runs over them.
fn generate(mut compiler: Command) -> Result<Data, String> {
    let sentence = |error: devkit::Error| error.to_string();
    let out = Scratch::new("sqlx").map_err(sentence)?;
    let postgres = Postgres::start(PostgresOptions::default()).map_err(sentence)?;
    let database = postgres.create_database("fluxpay").map_err(sentence)?;
    migrate(&postgres, &database)?;
    for root in ROOTS.map(|root| cargo::root().join("core-api").join(root)) {
        if let Ok(file) = File::options().append(true).open(&root) {
            let touched = file.set_modified(SystemTime::now());
            touched.map_err(|error| format!("cannot touch {}: {error}", root.display()))?;
        }
    }
    compiler
        .env("DATABASE_URL", &database.owner_url)
        .env("SQLX_OFFLINE", "false");
    compiler.env("SQLX_OFFLINE_DIR", out.path());
    cargo::succeed(
        compiler,
        "checking the core's queries against the migrations",
    )?;
    read(out.path())
}

/// Applies the migrations as their owner would. `fluxpay migrate` cannot: it may not compile before
/// the data is right.
fn migrate(postgres: &Postgres, database: &Database) -> Result<(), String> {
    let dir = cargo::root().join("migrations");
    let entries =
        fs::read_dir(&dir).map_err(|error| format!("cannot read {}: {error}", dir.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "sql"));
    files.sort();
    for file in files {
        let mut psql = Command::new(postgres.program("psql"));
        psql.arg(&database.owner_url)
            .args(["--no-psqlrc", "--quiet", "--single-transaction"]);
        psql.args([
            "--set",
            "ON_ERROR_STOP=1",
            "--output",
            "/dev/null",
            "--file",
        ])
        .arg(&file);
        psql.env("PGOPTIONS", "--client-min-messages=warning");
        cargo::succeed(psql, &format!("the migration {}", file.display()))?;
    }
    Ok(())
}

/// The data in a directory; empty if there is none.
fn read(dir: &Path) -> Result<Data, String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let queries = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("query-"));
    queries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = fs::read_to_string(entry.path());
            text.map(|text| (name, text))
                .map_err(|error| format!("cannot read the query data: {error}"))
        })
        .collect()
}
