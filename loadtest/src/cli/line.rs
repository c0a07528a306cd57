//! `drill line`.

use std::time::Duration;

use lexopt::prelude::*;

use super::flags::{seconds, share, sites};
use super::{Error, Ran, screen};
use loadtest::figures::Limits;
use loadtest::line::{LineDrill, Watched};
use loadtest::origin::Origin;

/// As many as the origin of this drill serves at once: it only has to be there.
const WORKERS: usize = 1_024;

pub(super) async fn run(mut parser: lexopt::Parser) -> Result<Ran, Error> {
    let mut drill = LineDrill {
        visitors: 0,
        joins_per_second: 5_000,
        join_within: Duration::from_secs(600),
        goes_on: Duration::from_secs(240),
        connections: 128,
        gateways: Vec::new(),
        room: "flash-sale".into(),
        path: "/sale/".into(),
        limits: Limits {
            active: 12_000,
            per_minute: 20_000,
        },
        call_grace: Duration::from_secs(120),
        stay: Duration::from_secs(120),
        leave: 0.3,
        leave_within: Duration::from_secs(240),
        seed: 1,
        watched: Watched::default(),
    };
    let (mut origin, mut page) = (None, None);
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else {
            return Err(argument.unexpected().into());
        };
        match name.to_owned().as_str() {
            "gateway" => drill.gateways = sites(&mut parser)?,
            "gateway-pid" => {
                let text = parser.value()?.string()?;
                drill.watched.gateway_pids =
                    text.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            "redis" => drill.watched.redis = Some(parser.value()?.parse()?),
            "line-logs" => drill.watched.line_logs = Some(parser.value()?.into()),
            "origin" => origin = Some(parser.value()?.parse()?),
            "html" => page = Some(parser.value()?.string()?),
            "visitors" => drill.visitors = parser.value()?.parse()?,
            "joins" => drill.joins_per_second = parser.value()?.parse()?,
            "join-within" => drill.join_within = seconds(&mut parser)?,
            "goes-on" => drill.goes_on = seconds(&mut parser)?,
            "connections" => drill.connections = parser.value()?.parse()?,
            "room" => drill.room = parser.value()?.string()?,
            "path" => drill.path = parser.value()?.string()?,
            "active" => drill.limits.active = parser.value()?.parse()?,
            "per-minute" => drill.limits.per_minute = parser.value()?.parse()?,
            "stay" => drill.stay = seconds(&mut parser)?,
            "leave" => drill.leave = share(&mut parser)?,
            "leave-within" => drill.leave_within = seconds(&mut parser)?,
            "seed" => drill.seed = parser.value()?.parse()?,
            name => return Err(format!("drill line has no --{name}").into()),
        }
    }
    if drill.gateways.is_empty() || drill.visitors == 0 {
        return Err("--gateway and --visitors are needed".into());
    }
    let _origin = match origin {
        Some(address) => Some(Origin::start(address, WORKERS, Duration::ZERO).await?),
        None => None,
    };
    let report = drill.run(screen::progress).await?;
    screen::progress_ends();
    screen::print(&report.to_string())?;
    screen::save_text(page.as_deref(), &report.page())?;
    screen::verdict(&report.flaws())
}
