//! `drill run`.

use std::time::Duration;

use lexopt::prelude::*;

use super::flags::{Flags, seconds, share};
use super::{Error, Ran, screen};
use loadtest::drill::{Arrivals, Drill};
use loadtest::figures::Limits;
use loadtest::referee::Referee;
use loadtest::visitor::{Habits, Pace};
use loadtest::wire::DialerOptions;
use serde_json::json;

struct Options {
    flags: Flags,
    arrivals: Arrivals,
    limits: Limits,
    dialer: DialerOptions,
    seed: u64,
    time_limit: Duration,
    /// Something is broken on purpose meanwhile.
    is_faulty: bool,
    clocks_apart: Duration,
}

pub(super) async fn run(parser: lexopt::Parser) -> Result<Ran, Error> {
    let Options {
        flags,
        mut arrivals,
        limits,
        dialer,
        seed,
        time_limit,
        is_faulty,
        clocks_apart,
    } = read(parser)?;
    let psp = flags.window()?;
    arrivals.visitors = flags.visitors;
    let drill = Drill {
        arrivals,
        gateways: flags.gateways.clone(),
        psp,
        room: flags.room.clone(),
        limits,
        habits: flags.habits,
        pace: flags.pace,
        clocks_apart,
        dialer,
        seed,
        time_limit,
    };
    let report = drill.run(|tally| screen::progress(&tally.line())).await;
    screen::progress_ends();
    screen::print(&report.to_string())?;
    let verdict = match referee(&flags)? {
        Some(referee) => Some(referee.judge().await?),
        None => None,
    };
    let flaws = match is_faulty {
        true => report.unexplained(),
        false => report.flaws(),
    };
    let told: String = flaws
        .iter()
        .map(|flaw| format!("  OFF   {flaw}\n"))
        .collect();
    let summary = if flaws.is_empty() {
        "Every figure is as it should be.\n".to_owned()
    } else {
        told
    };
    screen::print(&summary)?;
    let judged = verdict.as_ref().map_or_else(
        || "Referee: not asked (give --database for a verdict)\n".to_owned(),
        ToString::to_string,
    );
    screen::print(&judged)?;
    let file = json!({ "drill": report.to_json(), "referee": verdict.as_ref().map(|verdict| verdict.to_json()) });
    screen::save(flags.json.as_deref(), &file)?;
    let fine = flaws.is_empty() && verdict.is_none_or(|verdict| verdict.holds());
    Ok(if fine { Ran::Fine } else { Ran::Off })
}

fn referee(flags: &Flags) -> Result<Option<Referee>, Error> {
    let Some(database) = flags.database.clone() else {
        return Ok(None);
    };
    Ok(Some(Referee {
        psp: flags.psp()?.to_owned(),
        database,
        api: flags.api()?,
        patience: flags.wait,
    }))
}

fn read(mut parser: lexopt::Parser) -> Result<Options, Error> {
    let pace = Pace {
        least: Duration::from_millis(200),
        most: Duration::from_millis(1_500),
    };
    let mut options = Options {
        flags: Flags::new(Habits::default(), pace),
        arrivals: Arrivals {
            visitors: 0,
            burst_share: 0.3,
            burst: Duration::from_secs(3),
            ramp: Duration::from_secs(30),
        },
        limits: Limits {
            active: 2_000,
            per_minute: 6_000,
        },
        dialer: DialerOptions::default(),
        seed: 1,
        time_limit: Duration::from_secs(900),
        is_faulty: false,
        clocks_apart: Duration::ZERO,
    };
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else {
            return Err(argument.unexpected().into());
        };
        match name.to_owned().as_str() {
            "burst-share" => options.arrivals.burst_share = share(&mut parser)?,
            "burst" => options.arrivals.burst = seconds(&mut parser)?,
            "ramp" => options.arrivals.ramp = seconds(&mut parser)?,
            "active" => options.limits.active = parser.value()?.parse()?,
            "per-minute" => options.limits.per_minute = parser.value()?.parse()?,
            "max-open" => options.dialer.max_open = parser.value()?.parse()?,
            "seed" => options.seed = parser.value()?.parse()?,
            "clocks-apart" => options.clocks_apart = seconds(&mut parser)?,
            "faulty" => options.is_faulty = true,
            "time-limit" => options.time_limit = seconds(&mut parser)?,
            name if options.flags.take(name, &mut parser)? => {}
            name => return Err(format!("drill run has no --{name}").into()),
        }
    }
    Ok(options)
}
