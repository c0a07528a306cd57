//! A limit that several rooms have in common: who of them may use how much of it.
//!
//! The record lies beside the rooms, under a fence of its own. Whoever ticks a room reads the line, then the share; calls
//! within what the share lets the room have; and when the line is written, writes the share anew, if nobody else did
//! meanwhile. Nothing is asked of other rooms and nobody is elected. Three rules keep the sum:
//!
//! - What a room may use can be lowered at any time, but what it *holds* is given to others only when its own report says
//!   that it is free: `held` is the most that a tick decided on this record, or on one it replaced, can still use.
//! - A report is made on the record that its tick was decided on. Ticks that were decided on an older one have been fenced
//!   off by then, since they read the line before it.
//! - Something is given only as far as `held` of all stays within the whole.
//!
//! How much that shall be is a question of three rounds, each of them fair by weight ([`fill`]): first every room's floor,
//! then what rooms want, then the rest to all alike, so that whoever has visitors next need not ask.

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

/// A room that has not reported for so long is not ticked: what it would like is lent to others.
const SILENT: Duration = Duration::from_secs(30);

/// The record of a share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Grows by one with every write; its fence.
    pub version: u64,
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
    /// What ticks may use.
    pub may: Both,
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

    /// The record after a report of a tick that was decided on this one.
    #[must_use]
    pub fn after(&self, report: &Report<'_>, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next.members.retain(|_, member| now < member.empty_at);
        let may = self.may(report.room);
        let held = std::array::from_fn(|kind| may[kind].max(report.used[kind]));
        let member = Member {
            weight: report.rules.weight(),
            floor: report.rules.floor(),
            most: report.most,
            want: report.want,
            may,
            held,
            at: now,
            empty_at: now.plus(report.lasts),
        };
        next.members.insert(report.room.to_owned(), member);
        for (kind, total) in report.rules.total().into_iter().enumerate() {
            match total {
                Some(total) => next.allot(kind, total.get(), report.rules.floors()[kind], now),
                // What the share does not limit holds nobody back.
                None => next.members.values_mut().for_each(|member| {
                    (member.may[kind], member.held[kind]) = (u32::MAX, u32::MAX);
                }),
            }
        }
        next
    }

    /// The record after a store forgot a part of its past: what it says and what we knew, whichever holds more.
    #[must_use]
    pub fn restored(&self, known: &Self) -> Self {
        let mut next = known.clone();
        next.version = self.version.max(known.version) + 1;
        for (name, member) in &self.members {
            let ours = next.members.entry(name.clone()).or_insert(*member);
            let held = std::array::from_fn(|kind| ours.held[kind].max(member.held[kind]));
            (ours.held, ours.empty_at) = (held, ours.empty_at.max(member.empty_at));
        }
        next
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

    fn allot(&mut self, kind: usize, total: u32, floors: u32, now: Timestamp) {
        let goals = self.goals(kind, total, floors, now);
        let held = self
            .members
            .values()
            .map(|member| u64::from(member.held[kind]));
        let free = u64::from(total).saturating_sub(held.sum());
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
            member.may[kind] = goal.min(*held);
        }
    }

    /// What each room shall have once everybody has given back what is not theirs.
    fn goals(&self, kind: usize, total: u32, floors: u32, now: Timestamp) -> Vec<u32> {
        let known: u32 = self
            .members
            .values()
            .map(|member| member.floor[kind])
            .fold(0, u32::saturating_add);
        // Kept for rooms that have never ticked yet.
        let total = total.saturating_sub(floors.saturating_sub(known));
        let mut goals = vec![0; self.members.len()];
        let rounds: [fn(&Member) -> Both; 3] = [|one| one.floor, |one| one.want, |one| one.most];
        for round in rounds {
            let claims = self.members.values().zip(&goals).map(|(member, least)| {
                let is_silent = now >= member.at.plus(SILENT);
                let most = round(member)[kind].min(member.most[kind]);
                Claim {
                    weight: member.weight.max(1),
                    least: *least,
                    most: if is_silent { 0 } else { most.max(*least) },
                }
            });
            goals = fill(total, &claims.collect::<Vec<_>>());
        }
        goals
    }
}

#[cfg(test)]
mod tests;
