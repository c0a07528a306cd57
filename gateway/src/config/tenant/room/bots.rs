//! What newcomers of a room have to show, as it is said.

use std::num::NonZeroU32;

use policies::admission::bots::{Binding, BotsSpec, Invitations, JoinRate, WorkSpec};
use policies::diagnostic::{Complaint, Diagnostics, Place};
use policies::document::{Said, Scalar};
use policies::limit::Quota;
use policies::unit::Period;
use serde::Deserialize;

use crate::config::secret::{KEY_BYTES_MIN, Secret, SecretDocument};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkDocument {
    at_rest: Option<Said<u8>>,
    most: Option<Said<u8>>,
    wait: Option<Said<Period>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinsDocument {
    per_prefix: Said<Quota>,
    /// Default: the quota's amount.
    burst: Option<Said<NonZeroU32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationsDocument {
    key: SecretDocument,
    required: Option<Said<bool>>,
}

impl InvitationsDocument {
    pub(super) fn compile(
        self,
        place: Place,
        told: &mut Diagnostics,
    ) -> Option<(Secret, Invitations)> {
        let required = self.required.and_then(|said| said.take(told));
        let key = self.key.compile(told)?;
        if key.reveal().len() < KEY_BYTES_MIN {
            let text = format!("`invitations.key` is shorter than {KEY_BYTES_MIN} bytes");
            let hint = "make one with: openssl rand -hex 32";
            told.push(Complaint::new(text).hint(hint).at(place));
        }
        let invitations = match required {
            Some(false) => Invitations::Welcome,
            Some(true) | None => Invitations::Required,
        };
        Some((key, invitations))
    }
}

/// `session.bind`.
#[derive(Clone, Copy, Debug)]
pub(super) struct BindDocument(Binding);

impl Scalar for BindDocument {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "off" | "false" => Ok(Self(Binding::Off)),
            "prefix" => Ok(Self(Binding::Prefix)),
            "agent" => Ok(Self(Binding::Agent)),
            _ => Err(Complaint::unknown(
                "binding",
                text,
                ["off", "prefix", "agent"],
            )),
        }
    }
}

type Said3 = (
    Option<WorkDocument>,
    Option<JoinsDocument>,
    Option<Said<BindDocument>>,
);

pub(super) fn compile((work, joins, bind): Said3, told: &mut Diagnostics) -> BotsSpec {
    let work = work.map(|said| {
        let mut work = WorkSpec::default();
        let mut bits = |said: Option<Said<u8>>, meant: &mut u8| {
            if let Some(read) = said.and_then(|said| said.take(told)) {
                *meant = read;
            }
        };
        bits(said.at_rest, &mut work.at_rest);
        bits(said.most, &mut work.most);
        if let Some(wait) = said.wait.and_then(|said| said.take(told)) {
            work.wait = wait.get();
        }
        work
    });
    let joins = joins.and_then(|said| {
        let quota = said.per_prefix.take(told)?;
        let burst = said.burst.and_then(|said| said.take(told));
        Some(JoinRate {
            quota,
            burst: burst.unwrap_or(quota.amount()),
        })
    });
    let bind = bind.and_then(|said| said.take(told));
    BotsSpec {
        work,
        joins,
        binding: bind.map_or(Binding::Off, |BindDocument(binding)| binding),
        ..BotsSpec::default()
    }
}
