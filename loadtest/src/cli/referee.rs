//! `drill referee`.

use std::time::Duration;

use lexopt::prelude::*;

use super::flags::Flags;
use super::{Error, Ran, screen};
use loadtest::referee::Referee;
use loadtest::visitor::{Habits, Pace};

pub(super) async fn run(mut parser: lexopt::Parser) -> Result<Ran, Error> {
    let mut flags = Flags::new(
        Habits::default(),
        Pace {
            least: Duration::ZERO,
            most: Duration::ZERO,
        },
    );
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else {
            return Err(argument.unexpected().into());
        };
        let name = name.to_owned();
        if !flags.take(&name, &mut parser)? {
            return Err(format!("drill referee has no --{name}").into());
        }
    }
    let database = flags.database.clone().ok_or("--database is missing")?;
    let referee = Referee {
        psp: flags.psp()?.to_owned(),
        database,
        api: flags.api()?,
        patience: flags.wait,
    };
    let verdict = referee.judge().await?;
    screen::print(&verdict.to_string())?;
    screen::save(flags.json.as_deref(), &verdict.to_json())?;
    Ok(if verdict.holds() { Ran::Fine } else { Ran::Off })
}
