//! A limit that several rooms have in common: who of them may use how much of it.
//!
//! The record lies beside the rooms, under a fence of its own. Whoever ticks a room reads the line, then the share; calls
//! within what the share lets the room have; and when the line is written, writes the share anew, if nobody else did
//! meanwhile. Nothing is asked of other rooms and nobody is elected. Three rules keep the sum:
//!
//! - What a room may use can be lowered at any time, but what it *holds* is given to others only when its own report says
//!   that it is free: `held` is the most that a tick decided on this record, or on one it replaced, can still use.
//! - A report lowers `held` only if what the room may use is what it was when its tick was decided. Ticks that were decided
//!   on an older record have been fenced off by then, since they read the line before it.
//! - Something is given only as far as `held` of all stays within the whole.
//!
//! How much that shall be is a question of rounds, each of them fair by weight ([`fill`]): first every room's floor, then
//! one for each that wants any, then what rooms want, then the rest, so that whoever has visitors next need not ask.

mod codec;
mod fill;

use std::{collections::BTreeMap, time::Duration};

use policies::admission::share::Sharing;

use crate::value::Timestamp;
use fill::{Claim, fill};

/// Visitors inside, and calls in a minute.
pub const KINDS: usize = 2;
/// One number of each kind.
pub type Both = [u32; KINDS];

/// A room that has not reported for so long is not ticked: only what it uses is still its own. No tick is written that
/// was decided so long ago.
pub(crate) const SILENT: Duration = Duration::from_secs(30);
/// Writes that fit below in [`Share::version`]; above it counts how often a store that forgot was given the record back.
const RESTORED: u64 = 1 << 32;

/// The record of a share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Its fence: how often it was written, and how often given back ([`RESTORED`]).
    pub version: u64,
    /// When it was first written.
    begun_at: Timestamp,
    members: BTreeMap<String, Member>,
}

/// One room's part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// What it weighs.
    pub weight: u32,
    /// What is kept for it.
    pub floor: Both,
    /// More than this it can never use.
    pub most: Both,
    /// What it would use now: by those who are in, and those who wait.
    pub want: Both,
    /// What ticks may use; the greatest number where the share has no limit.
    pub may: Both,
    /// The version that changed it last.
    since: u64,
    /// What the last reported tick left in use.
    pub used: Both,
    /// The most that can be in use.
    pub held: Both,
    /// When it reported.
    pub at: Timestamp,
    /// By when nothing of it can be in use if it never ticks again.
    pub empty_at: Timestamp,
}

/// What a room's tick tells: what it used of what it was given.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The version of the share that the tick was decided on.
    pub decided_on: u64,
    /// The room, by a name that no other room of the share has.
    pub room: &'a str,
    /// Its rules.
    pub rules: Sharing,
    /// More than this it can never use.
    pub most: Both,
    /// What it would use if it could.
    pub want: Both,
    /// What the tick left in use, seats that are reserved included.
    pub used: Both,
    /// How long at most something stays in use after a tick.
    pub lasts: Duration,
}

impl Share {
    /// What a room may use; nothing before its first report.
    #[must_use]
    pub fn may(&self, room: &str) -> Both {
        self.members
            .get(room)
            .map_or([0; KINDS], |member| member.may)
    }

    /// The parts, by room.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Member)> {
        let members = self.members.iter();
        members.map(|(name, member)| (name.as_str(), member))
    }

    /// The record after a report. It may be made on a later record than the tick was decided on.
    #[must_use]
    pub fn after(&self, report: &Report<'_>, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.version += 1;
        if self.members.is_empty() {
            next.begun_at = now;
        }
        next.members.retain(|_, member| now < member.empty_at);
        let known = self.members.get(report.room).copied().unwrap_or_default();
        let is_as_decided = known.since <= report.decided_on;
        let held = std::array::from_fn(|kind| {
            let may = Some(known.may[kind]).filter(|may| *may < u32::MAX);
            let most = if is_as_decided {
                may.unwrap_or(0)
            } else {
                known.held[kind]
            };
            most.max(report.used[kind])
        });
        let member = Member {
            weight: report.rules.weight(),
            floor: report.rules.floor(),
            most: report.most,
            want: report.want,
            used: report.used,
            held,
            at: now,
            empty_at: now.plus(report.lasts).max(known.empty_at),
            ..known
        };
        next.members.insert(report.room.to_owned(), member);
        for kind in 0..KINDS {
            next.allot(kind, &report.rules, now);
        }
        let version = next.version;
        for (name, member) in &mut next.members {
            let before = self.members.get(name).map(|member| member.may);
            if before != Some(member.may) {
                member.since = version;
            }
        }
        next
    }

    /// The record after a store forgot a part of its past: what it says and what we knew, whichever holds more. Nobody
    /// may use more than they have before they have reported.
    #[must_use]
    pub fn restored(&self, known: &Self) -> Self {
        let restored = self.restored_times().max(known.restored_times()) + 1;
        let writes = self.writes().max(known.writes());
        let version = restored.saturating_mul(RESTORED).saturating_add(writes);
        let mut members = known.members.clone();
        for (name, theirs) in &self.members {
            let ours = members.entry(name.clone()).or_insert(*theirs);
            let held = std::array::from_fn(|kind| ours.held[kind].max(theirs.held[kind]));
            let empty_at = ours.empty_at.max(theirs.empty_at);
            // Either may be the older, as a whole or of this room.
            let newer = if ours.at < theirs.at { *theirs } else { *ours };
            *ours = Member {
                held,
                empty_at,
                ..newer
            };
        }
        for member in members.values_mut() {
            (member.may, member.since) = ([0; KINDS], version);
        }
        Self {
            version,
            begun_at: self.begun_at.max(known.begun_at),
            members,
        }
    }

    fn writes(&self) -> u64 {
        self.version % RESTORED
    }

    fn restored_times(&self) -> u64 {
        self.version / RESTORED
    }

    /// Whether somebody has given it back since `known` was read, who may have known less.
    #[must_use]
    pub fn was_restored_since(&self, known: &Self) -> bool {
        self.restored_times() != known.restored_times()
    }

    /// Whether a store that says this has forgotten a part of what was known. Where it was given back, by whoever, each
    /// room must hold what it was known to.
    #[must_use]
    pub fn lacks(&self, known: &Self) -> bool {
        let is_before = self.restored_times() < known.restored_times();
        if is_before || self.writes() < known.writes() {
            return true;
        }
        if !self.was_restored_since(known) {
            return self.writes() == known.writes() && self != known;
        }
        known.members.iter().any(|(name, member)| {
            let theirs = self
                .members
                .get(name)
                .map_or([0; KINDS], |theirs| theirs.held);
            (0..KINDS).any(|kind| theirs[kind] < member.held[kind])
        })
    }

    /// Whether writing `next` in place of this one changes anything for anybody.
    #[must_use]
    pub fn differs(&self, next: &Self) -> bool {
        let parts = |share: &Self| {
            let parts = share.members();
            parts
                .map(|(name, member)| (name.to_owned(), member.may, member.held))
                .collect::<Vec<_>>()
        };
        parts(self) != parts(next)
    }

    /// When a room reported last.
    #[must_use]
    pub fn reported_at(&self, room: &str) -> Option<Timestamp> {
        self.members.get(room).map(|member| member.at)
    }

    fn allot(&mut self, kind: usize, rules: &Sharing, now: Timestamp) {
        let Some(total) = rules.total()[kind] else {
            // What the share does not limit holds nobody back.
            let all = self.members.values_mut();
            all.for_each(|member| member.may[kind] = u32::MAX);
            return;
        };
        for member in self.members.values_mut() {
            if member.is_silent(now) {
                member.held[kind] = member.held[kind].min(member.used[kind]);
            }
        }
        let goals = self.goals(kind, total.get(), rules, now);
        let held = self.members.values();
        let held: u64 = held.map(|member| u64::from(member.held[kind])).sum();
        let free = u64::from(total.get()).saturating_sub(held);
        // More is held than there is, since the whole was made smaller or a store forgot: what is held is no reason to
        // give it.
        let is_over = held > u64::from(total.get());
        let more = self
            .members
            .values()
            .zip(&goals)
            .map(|(member, goal)| Claim {
                weight: member.weight.max(1),
                least: 0,
                most: goal.saturating_sub(member.held[kind]),
            });
        let more = fill(
            u32::try_from(free).unwrap_or(u32::MAX),
            &more.collect::<Vec<_>>(),
        );
        for ((member, goal), more) in self.members.values_mut().zip(goals).zip(more) {
            let held = &mut member.held[kind];
            *held = held.saturating_add(more);
            let most = if is_over { member.may[kind] } else { u32::MAX };
            member.may[kind] = goal.min(*held).min(most);
        }
    }

    /// What each room shall have once everybody has given back what is not theirs.
    fn goals(&self, kind: usize, total: u32, rules: &Sharing, now: Timestamp) -> Vec<u32> {
        let here = self
            .members
            .values()
            .filter(|member| !member.is_silent(now));
        let known = here
            .map(|member| member.floor[kind])
            .fold(0, u32::saturating_add);
        // Kept for rooms that have never ticked yet, or do not tick now.
        let total = total.saturating_sub(rules.floors()[kind].saturating_sub(known));
        // What the others have in use is not known before they have reported.
        let is_complete =
            self.members.len() >= rules.rooms() as usize || now >= self.begun_at.plus(SILENT);
        let one = |member: &Member| member.want.map(|want| want.min(1));
        let rounds: [&dyn Fn(&Member) -> Both; 4] = [
            &|member| member.floor,
            &one,
            &|member| member.want,
            &|member| member.most,
        ];
        let mut goals = vec![0; self.members.len()];
        for round in rounds.into_iter().take(if is_complete { 4 } else { 1 }) {
            let claims = self.members.values().zip(&goals).map(|(member, least)| {
                let most = round(member)[kind].min(member.most[kind]);
                Claim {
                    weight: member.weight.max(1),
                    least: *least,
                    most: if member.is_silent(now) {
                        0
                    } else {
                        most.max(*least)
                    },
                }
            });
            goals = fill(total, &claims.collect::<Vec<_>>());
        }
        goals
    }
}

impl Member {
    fn is_silent(&self, now: Timestamp) -> bool {
        now >= self.at.plus(SILENT)
    }
}

#[cfg(test)]
mod tests;
