//! `drill bench gateway` and `drill bench payments`.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use super::flags::{Flags, seconds};
use super::{Error, Ran, screen};
use loadtest::bench::gateway::GatewayBench;
use loadtest::bench::payments::PaymentsBench;
use loadtest::visitor::{Habits, Pace};

pub(super) async fn run(mut parser: lexopt::Parser) -> Result<Ran, Error> {
    match parser.next()? {
        Some(Value(what)) if what == "gateway" => gateway(parser).await,
        Some(Value(what)) if what == "payments" => payments(parser).await,
        _ => Err("bench what? gateway or payments".into()),
    }
}

async fn gateway(mut parser: lexopt::Parser) -> Result<Ran, Error> {
    let mut bench = GatewayBench {
        binaries: std::env::current_exe()?
            .parent()
            .map(PathBuf::from)
            .unwrap_or_default(),
        nginx: "nginx".into(),
        wrk: "wrk".into(),
        rounds: 15,
        each: Duration::from_secs(2),
        connections: 64,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("binaries") => bench.binaries = parser.value()?.into(),
            Long("nginx") => bench.nginx = parser.value()?.into(),
            Long("wrk") => bench.wrk = parser.value()?.into(),
            Long("rounds") => bench.rounds = parser.value()?.parse()?,
            Long("seconds") => bench.each = seconds(&mut parser)?,
            Long("connections") => bench.connections = parser.value()?.parse()?,
            other => return Err(other.unexpected().into()),
        }
    }
    let table = bench.run(screen::progress).await?;
    screen::progress_ends();
    screen::print(&table.to_string())?;
    Ok(Ran::Fine)
}

async fn payments(mut parser: lexopt::Parser) -> Result<Ran, Error> {
    let mut flags = Flags::new(
        Habits::default(),
        Pace {
            least: Duration::ZERO,
            most: Duration::ZERO,
        },
    );
    let mut pgbench = PathBuf::from("pgbench");
    let (mut connections, mut rate, mut each) = (256, 1_000, Duration::from_secs(15));
    let mut psp_secret = None;
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else {
            return Err(argument.unexpected().into());
        };
        match name.to_owned().as_str() {
            "pgbench" => pgbench = parser.value()?.into(),
            "connections" => connections = parser.value()?.parse()?,
            "rate" => rate = parser.value()?.parse()?,
            "seconds" => each = seconds(&mut parser)?,
            "psp-secret" => psp_secret = Some(parser.value()?.string()?),
            name if flags.take(name, &mut parser)? => {}
            name => return Err(format!("drill bench payments has no --{name}").into()),
        }
    }
    let api = flags.api()?.ok_or("--core and --key-file are needed")?;
    let bench = PaymentsBench {
        psp: flags.psp()?.to_owned(),
        psp_secret: psp_secret.unwrap_or_else(|| format!("test_sk_{}", flags.tenant)),
        core: api.core,
        database: flags.database.clone().ok_or("--database is missing")?,
        key: api.key,
        pgbench,
        connections,
        rate,
        each,
    };
    let figures = bench.run(screen::progress).await?;
    screen::progress_ends();
    screen::print(&figures.to_string())?;
    Ok(Ran::Fine)
}
