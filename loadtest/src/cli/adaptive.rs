//! `drill adaptive`.

use std::time::Duration;

use lexopt::prelude::*;

use super::flags::{seconds, sites};
use super::{Error, Ran, screen};
use loadtest::adaptive::AdaptiveDrill;

pub(super) async fn run(mut parser: lexopt::Parser) -> Result<Ran, Error> {
    let mut drill = AdaptiveDrill {
        gateways: Vec::new(),
        room: "flash-sale".into(),
        path: "/sale/".into(),
        origin: ([127, 0, 0, 1], 0).into(),
        workers: 8,
        work: Duration::from_millis(20),
        target: Duration::from_millis(200),
        crowd: 1_000,
        stay: Duration::from_secs(8),
        think: Duration::from_secs(1),
        halved_at: Duration::from_secs(100),
        whole_at: Duration::from_secs(170),
        ends_at: Duration::from_secs(250),
        seed: 1,
    };
    let mut page = None;
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else {
            return Err(argument.unexpected().into());
        };
        match name.to_owned().as_str() {
            "gateway" => drill.gateways = sites(&mut parser)?,
            "origin" => drill.origin = parser.value()?.parse()?,
            "workers" => drill.workers = parser.value()?.parse()?,
            "work-ms" => drill.work = Duration::from_millis(parser.value()?.parse()?),
            "target-ms" => drill.target = Duration::from_millis(parser.value()?.parse()?),
            "crowd" => drill.crowd = parser.value()?.parse()?,
            "stay" => drill.stay = seconds(&mut parser)?,
            "think-ms" => drill.think = Duration::from_millis(parser.value()?.parse()?),
            "halved-at" => drill.halved_at = seconds(&mut parser)?,
            "whole-at" => drill.whole_at = seconds(&mut parser)?,
            "ends-at" => drill.ends_at = seconds(&mut parser)?,
            "room" => drill.room = parser.value()?.string()?,
            "path" => drill.path = parser.value()?.string()?,
            "seed" => drill.seed = parser.value()?.parse()?,
            "html" => page = Some(parser.value()?.string()?),
            name => return Err(format!("drill adaptive has no --{name}").into()),
        }
    }
    if drill.gateways.is_empty() || drill.origin.port() == 0 {
        return Err("--gateway and --origin are needed".into());
    }
    let report = drill.run(screen::progress).await?;
    screen::progress_ends();
    screen::print(&report.to_string())?;
    screen::save_text(page.as_deref(), &report.page())?;
    screen::verdict(&report.flaws())
}
