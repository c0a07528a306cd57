//! A line that is played: what a visitor would be told some time after opening a page. The address of a page
//! says which sample it began with and when, so that a reload goes on where it was.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::page::sample::Sample;
use crate::page::{Reason, State, Status};

/// How long a visit to the line takes here.
const JOURNEY_MS: u64 = 90_000;
/// How long a turn is held.
const GRACE_MS: u64 = 120_000;
/// How long what passes by itself is shown.
const MOMENT_MS: u64 = 6_000;
/// How often a page asks.
const POLL_MS: u64 = 2_000;

/// A page that was opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Opened {
    pub(super) sample: String,
    /// When, in milliseconds since the Unix epoch.
    pub(super) at_ms: u64,
    pub(super) manner: Manner,
}

/// Whether it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Manner {
    Plays,
    StandsStill,
}

/// What the visitor has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Did the work that was asked for.
    Worked,
    Admitted,
    Left,
    /// Took the place to another device, at that time.
    Moves {
        at_ms: u64,
    },
}

impl Opened {
    /// As the room of its addresses.
    pub(super) fn id(&self) -> String {
        let still = match self.manner {
            Manner::Plays => "",
            Manner::StandsStill => "-still",
        };
        format!("{}-{}{still}", self.sample, self.at_ms)
    }

    pub(super) fn of_id(id: &str) -> Option<Self> {
        let (rest, manner) = match id.strip_suffix("-still") {
            Some(rest) => (rest, Manner::StandsStill),
            None => (id, Manner::Plays),
        };
        let (sample, at) = rest.rsplit_once('-')?;
        Some(Self {
            sample: sample.to_owned(),
            at_ms: at.parse().ok()?,
            manner,
        })
    }

    fn sample(&self) -> Option<Sample> {
        Sample::named(&self.sample)
    }
}

/// All that was done in one run of the command.
#[derive(Debug, Default)]
pub(super) struct Rehearsal(Mutex<BTreeMap<Opened, Fate>>);

impl Rehearsal {
    pub(super) fn note(&self, opened: &Opened, fate: Fate) {
        self.0.lock().insert(opened.clone(), fate);
    }

    /// What is said now; `None` if there is no such page.
    pub(super) fn status(&self, opened: &Opened, now_ms: u64) -> Option<Status<'static>> {
        let sample = opened.sample()?;
        let fate = self.0.lock().get(opened).copied();
        let gone = |state, reason| Status {
            reason,
            ..Status::of("preview", state, now_ms)
        };
        let status = match (opened.manner, fate) {
            (_, Some(Fate::Admitted)) => gone(State::Admitted, None),
            (_, Some(Fate::Left)) => gone(State::Left, None),
            (_, Some(Fate::Moves { at_ms })) if now_ms >= at_ms + MOMENT_MS => {
                gone(State::Left, Some(Reason::Moved))
            }
            (Manner::StandsStill, _) => Status {
                poll_after_ms: super::NEVER_MS,
                ..sample.status(now_ms)
            },
            (Manner::Plays, _) => play(sample, opened.at_ms, (now_ms, fate)),
        };
        Some(status)
    }
}

fn play(sample: Sample, began_ms: u64, (now_ms, fate): (u64, Option<Fate>)) -> Status<'static> {
    let first = Status {
        poll_after_ms: POLL_MS,
        ..sample.status(began_ms)
    };
    let age_ms = now_ms.saturating_sub(began_ms);
    // What comes before the line ends by itself, by the clock or by work.
    let line_ms = match (first.reason, first.state) {
        _ if first.work.is_some() => (fate == Some(Fate::Worked)).then_some(0),
        (Some(Reason::Joining | Reason::Drawing), _) => Some(MOMENT_MS),
        (_, State::NotOpen) => first.opens_at_ms.map(|opens_ms| opens_ms - began_ms),
        _ => Some(0),
    };
    let now = |status: Status<'static>| Status {
        updated_at_ms: now_ms,
        ..status
    };
    let Some(waited_ms) = line_ms.and_then(|line_ms| age_ms.checked_sub(line_ms)) else {
        return now(first);
    };
    let in_line = if first.position.is_some() {
        first
    } else {
        let usual = Sample::named("waiting")
            .expect("it is in the list")
            .status(began_ms);
        Status {
            room: first.room,
            poll_after_ms: POLL_MS,
            method: first.method,
            ..usual
        }
    };
    match first.state {
        State::NotOpen | State::Waiting => now(wait(in_line, now_ms, waited_ms)),
        _ => now(first),
    }
}

/// So far along the line.
fn wait(first: Status<'static>, now_ms: u64, waited_ms: u64) -> Status<'static> {
    if waited_ms >= JOURNEY_MS {
        let called_ms = now_ms - (waited_ms - JOURNEY_MS);
        return Status {
            state: State::Called,
            position: None,
            ahead: None,
            eta: None,
            chance: None,
            called_at_ms: Some(called_ms),
            claim_deadline_ms: Some(called_ms + GRACE_MS),
            ..first
        };
    }
    let left = |of: u64| of * (JOURNEY_MS - waited_ms) / JOURNEY_MS;
    let ahead = left(first.ahead.unwrap_or_default());
    Status {
        ahead: Some(ahead),
        position: Some(ahead + 1),
        behind: first.behind.map(|behind| behind + waited_ms / 300),
        eta: first.eta.map(|eta| crate::page::Eta {
            p50: left(eta.p50),
            p90: left(eta.p90),
        }),
        ..first
    }
}

/// Whether `counter` is the work that `nonce` asks for: SHA-256(nonce "." counter) begins with `bits` zero bits.
pub(super) fn proves(nonce: &str, counter: &str, bits: u8) -> bool {
    let digest = Sha256::digest(format!("{nonce}.{counter}"));
    let zeros = digest.iter().take_while(|byte| **byte == 0).count();
    let next = digest.get(zeros).map_or(0, |byte| byte.leading_zeros());
    counter.bytes().all(|byte| byte.is_ascii_digit())
        && zeros * 8 + next as usize >= usize::from(bits)
}
