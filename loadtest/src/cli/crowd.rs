//! `drill crowd`.

use std::time::Duration;

use lexopt::prelude::*;
use tokio::signal::unix::{SignalKind, signal};

use super::flags::{Flags, seconds};
use super::{Error, Ran, screen};
use loadtest::crowd::Crowd;
use loadtest::visitor::{Habits, Pace};

pub(super) async fn run(mut parser: lexopt::Parser) -> Result<Ran, Error> {
    let habits = Habits {
        buy: 0.6,
        leave: 0.08,
        ..Habits::default()
    };
    let mut flags = Flags::new(
        habits,
        Pace {
            least: Duration::from_secs(3),
            most: Duration::from_secs(20),
        },
    );
    let mut gather = Duration::from_secs(20);
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else {
            return Err(argument.unexpected().into());
        };
        match name.to_owned().as_str() {
            "gather" => gather = seconds(&mut parser)?,
            name if flags.take(name, &mut parser)? => {}
            name => return Err(format!("drill crowd has no --{name}").into()),
        }
    }
    let psp = flags.window()?;
    let crowd = Crowd {
        visitors: flags.visitors,
        gateways: flags.gateways,
        psp,
        room: flags.room,
        habits: flags.habits,
        pace: flags.pace,
        gather,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    crowd
        .keep(stop, |tally| screen::progress(&tally.line()))
        .await;
    screen::progress_ends();
    screen::print("The crowd has gone.\n")?;
    Ok(Ran::Fine)
}
