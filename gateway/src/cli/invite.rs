//! `fluxgate invite`: prints invitations to a room, signed with the key in its configuration.

use std::path::PathBuf;

use lexopt::prelude::*;
use waiting_room::Timestamp;
use waiting_room::invitation::{InvitationId, Inviter};

use crate::config::Config;
use crate::rooms::now;

/// Invitations at a time: as many as fit in a file that opens.
const MOST: u32 = 1_000_000;

/// What is wanted.
#[derive(Debug, PartialEq)]
pub(super) struct Wish {
    config: PathBuf,
    tenant: String,
    room: String,
    count: u32,
    expires_at: Option<Timestamp>,
}

/// Reads the words after `fluxgate invite`.
pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<Wish, lexopt::Error> {
    let (mut config, mut named, mut count, mut expires_at) = (None, None, 1, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("config") | Short('c') => config = Some(parser.value()?.into()),
            Long("count") => count = parser.value()?.parse()?,
            Long("expires") => expires_at = Some(moment(&parser.value()?.string()?)?),
            Value(name) if named.is_none() => named = Some(name.string()?),
            other => return Err(other.unexpected()),
        }
    }
    let named = named.unwrap_or_default();
    let (tenant, room) = named
        .split_once('/')
        .ok_or("say to which room: TENANT/ROOM")?;
    if !(1..=MOST).contains(&count) {
        return Err(format!("--count is from 1 to {MOST}").into());
    }
    Ok(Wish {
        config: config.ok_or("a configuration file is needed: --config FILE")?,
        tenant: tenant.to_owned(),
        room: room.to_owned(),
        count,
        expires_at,
    })
}

fn moment(text: &str) -> Result<Timestamp, lexopt::Error> {
    let read = text.parse::<jiff::Timestamp>().ok();
    let ms = read.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    ms.map(Timestamp).ok_or_else(|| {
        format!("`{text}` is not a moment; write it like 2026-12-01T12:00:00+09:00").into()
    })
}

/// The invitations, one a line.
pub(super) fn run(wish: &Wish) -> Result<String, String> {
    if wish.expires_at.is_some_and(|at| at <= now()) {
        return Err("--expires is a moment that has passed".into());
    }
    let config = Config::load(&wish.config).map_err(|error| error.to_string())?;
    let Wish { tenant, room, .. } = wish;
    let mut tenants = config.tenants.iter();
    let found = tenants.find(|known| known.name.as_str() == tenant);
    let rules = found.and_then(|known| known.rooms.iter().find(|r| r.name.as_str() == room));
    let rules = rules.ok_or_else(|| format!("there is no room {tenant}/{room}"))?;
    let key = rules.invitations.as_ref();
    let key = key.ok_or_else(|| format!("the room {tenant}/{room} has no `invitations.key`"))?;
    let inviter = Inviter::new(key.reveal(), tenant, room);
    Ok((0..wish.count)
        .map(|_| {
            let id = InvitationId(rand::random());
            inviter.invite(id, wish.expires_at) + "\n"
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Wish, lexopt::Error> {
        parse(&mut lexopt::Parser::from_args(words))
    }

    #[test]
    fn a_wish_is_read_and_nonsense_is_told() {
        let words = [
            "-c",
            "f",
            "acme/sale",
            "--count",
            "3",
            "--expires",
            "1970-01-01T00:00:02Z",
        ];
        let wish = read(&words).expect("well said");
        assert_eq!((wish.tenant.as_str(), wish.room.as_str()), ("acme", "sale"));
        assert_eq!((wish.count, wish.expires_at), (3, Some(Timestamp(2_000))));
        for wrong in [
            &["-c", "f"][..],
            &["acme/sale"],
            &["-c", "f", "acme"],
            &["-c", "f", "acme/sale", "--count", "0"],
            &["-c", "f", "acme/sale", "--expires", "tomorrow"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
