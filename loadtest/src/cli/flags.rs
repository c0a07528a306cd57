//! Flags shared by the commands, read once and checked where they are read.

use std::time::Duration;

use lexopt::ValueExt;

use super::Error;
use loadtest::referee::ApiAccess;
use loadtest::visitor::{Habits, Pace, Room};
use loadtest::wire::Site;

/// Where things are and what people do.
#[derive(Debug)]
pub(super) struct Flags {
    pub(super) gateways: Vec<Site>,
    pub(super) psp: Option<String>,
    pub(super) core: Option<String>,
    pub(super) database: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) tenant: String,
    pub(super) visitors: u32,
    pub(super) room: Room,
    pub(super) habits: Habits,
    pub(super) pace: Pace,
    pub(super) json: Option<String>,
    pub(super) wait: Duration,
}

impl Flags {
    pub(super) fn new(habits: Habits, pace: Pace) -> Self {
        Self {
            gateways: Vec::new(),
            psp: None,
            core: None,
            database: None,
            key_file: None,
            tenant: "acme".into(),
            visitors: 0,
            room: Room {
                name: "flash-sale".into(),
                path: "/sale/".into(),
                session_ttl: Duration::from_secs(600),
            },
            habits,
            pace,
            json: None,
            wait: loadtest::referee::CONVERGENCE,
        }
    }

    /// Takes `--name` and its value; false when the name is not one of these.
    pub(super) fn take(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Error> {
        match name {
            "gateway" => self.gateways = sites(parser)?,
            "psp" => self.psp = Some(address(parser)?),
            "core" => self.core = Some(address(parser)?),
            "database" => self.database = Some(parser.value()?.string()?),
            "key-file" => self.key_file = Some(parser.value()?.string()?),
            "tenant" => self.tenant = parser.value()?.string()?,
            "visitors" => self.visitors = parser.value()?.parse()?,
            "room" => self.room.name = parser.value()?.string()?,
            "path" => self.room.path = parser.value()?.string()?,
            "session-ttl" => self.room.session_ttl = seconds(parser)?,
            "reload" => self.habits.reload = share(parser)?,
            "two-tabs" => self.habits.two_tabs = share(parser)?,
            "double-pay" => self.habits.double_pay = share(parser)?,
            "retry-success" => self.habits.retry_success = share(parser)?,
            "leave" => self.habits.leave = share(parser)?,
            "buy" => self.habits.buy = share(parser)?,
            "think-ms" => self.pace = pace(&parser.value()?.string()?)?,
            "json" => self.json = Some(parser.value()?.string()?),
            "wait" => self.wait = seconds(parser)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn psp(&self) -> Result<&str, Error> {
        self.psp.as_deref().ok_or_else(|| "--psp is missing".into())
    }

    /// The PSP as visitors reach it, once the other addresses stand as well.
    pub(super) fn window(&self) -> Result<Site, Error> {
        if self.gateways.is_empty() {
            return Err("--gateway is missing".into());
        }
        if self.visitors == 0 {
            return Err("--visitors is missing".into());
        }
        Ok(Site::parse(self.psp()?)?)
    }

    /// The core's API, when both its address and a key are given.
    pub(super) fn api(&self) -> Result<Option<ApiAccess>, Error> {
        let (Some(core), Some(file)) = (&self.core, &self.key_file) else {
            return Ok(None);
        };
        let key =
            std::fs::read_to_string(file).map_err(|error| format!("--key-file {file}: {error}"))?;
        Ok(Some(ApiAccess {
            core: core.clone(),
            tenant: self.tenant.clone(),
            key: key.trim().to_owned(),
        }))
    }
}

pub(super) fn seconds(parser: &mut lexopt::Parser) -> Result<Duration, Error> {
    Ok(Duration::from_secs(parser.value()?.parse()?))
}

pub(super) fn share(parser: &mut lexopt::Parser) -> Result<f64, Error> {
    let share: f64 = parser.value()?.parse()?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(format!("{share} is not a share from 0 to 1").into())
    }
}

/// The gateways' addresses, with commas between them.
pub(super) fn sites(parser: &mut lexopt::Parser) -> Result<Vec<Site>, Error> {
    let text = parser.value()?.string()?;
    Ok(text.split(',').map(Site::parse).collect::<Result<_, _>>()?)
}

fn address(parser: &mut lexopt::Parser) -> Result<String, Error> {
    let text = parser.value()?.string()?;
    Site::parse(&text)?;
    Ok(text.trim_end_matches('/').to_owned())
}

fn pace(text: &str) -> Result<Pace, Error> {
    let (least, most) = text.split_once(',').ok_or("--think-ms wants LEAST,MOST")?;
    let (least, most) = (
        Duration::from_millis(least.parse()?),
        Duration::from_millis(most.parse()?),
    );
    if least <= most {
        Ok(Pace { least, most })
    } else {
        Err("--think-ms: LEAST is above MOST".into())
    }
}
