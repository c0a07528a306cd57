//! The line: what the fleet has agreed on about one run of a room's queue, and where a ticket stands.
//!
//! Facts about single numbers are bits ([`Marks`]); all else is this small record, rewritten by whoever
//! wins a tick. The module is pure: it knows no store, no clock and no visitor, only numbers.
//!
//! How a number is called needs no bit of its own. Below the horizon everybody who counted when the
//! horizon passed was called; whoever was `gone` then was skipped and is served through the late lane
//! when they are seen again. So: called = below the horizon and not gone, or called `late`.

mod codec;

use std::collections::VecDeque;

use crate::{
    bits::Bits,
    estimate::Pace,
    value::{LineId, Number, Timestamp},
};

pub use codec::CodecError;

/// Numbers per store key of a bitmap, so that an old line's beginning can be dropped: 65,536 numbers,
/// 8 KiB.
pub const SEGMENT_NUMBERS: u64 = 65_536;

/// The agreed record of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Which run this is.
    pub id: LineId,
    /// Grows by one with every tick; what fences a slow writer off.
    pub version: u64,
    /// Tickets below are void: their bits are no longer kept.
    pub floor: Number,
    /// The first number not yet called. May run ahead of the numbers given out: the seats between are
    /// reserved for whoever comes next.
    pub horizon: Number,
    /// Calls below are stamped in a batch; the smaller of horizon and the numbers given out, as of the
    /// last tick.
    pub frontier: Number,
    /// Time of the last tick. Never goes back, whichever gateway's clock made it.
    pub ticked_at: Timestamp,
    /// The presence epoch whose beginning was last judged, by its time.
    pub epoch: u64,
    /// For the last few epochs: the numbers given out when it was first ticked in.
    pub rolls: VecDeque<(u64, Number)>,
    /// Nobody is judged absent before this; set after a gap in ticks, when presence may be missing
    /// through no fault of the visitors.
    pub judge_from: Timestamp,
    /// What the late lane may still call, in tenths.
    pub late_credit: u32,
    /// Free seats the last tick neither called nor reserved.
    pub spare: u32,
    /// How fast the line has been moving.
    pub pace: Pace,
    /// Calls that are open, recent enough to count against the minute, or just closed; by time.
    pub batches: VecDeque<Batch>,
}

/// What one tick called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// When.
    pub at: Timestamp,
    /// Until when those called may come in. Kept in seconds, never as a distance in numbers.
    pub until: Timestamp,
    /// These seats were reserved before anybody held their numbers: each number was called in the moment
    /// of joining, and this batch was written afterwards.
    pub on_arrival: bool,
    /// First number of the main lane's part.
    pub from: Number,
    /// First number after it.
    pub to: Number,
    /// How many were called in all; less than `to - from` where some were gone.
    pub calls: u32,
    /// Numbers called through the late lane.
    pub late: Vec<Number>,
}

/// One bit per number and fact. Bits are only ever set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Judged absent while waiting: left the count for good.
    pub gone: Bits,
    /// Called through the late lane.
    pub late: Bits,
    /// Came in.
    pub claimed: Bits,
    /// Left by choice, waiting or admitted.
    pub left: Bits,
}

impl Line {
    /// A new line, opened at `now`.
    ///
    /// It numbers from the moment it opened in milliseconds. Unless an earlier line gave out more than
    /// 1,000 numbers a second over its whole life, this is above all of that line's numbers: passes of
    /// both can be counted in one set, even by a fleet that has forgotten everything.
    #[must_use]
    pub fn open(now: Timestamp, epoch: u64) -> Self {
        let first = Number(now.0);
        Self {
            id: LineId(now.0),
            version: 1,
            floor: first,
            horizon: first,
            frontier: first,
            ticked_at: now,
            epoch,
            rolls: VecDeque::new(),
            judge_from: now,
            late_credit: crate::controller::LATE_TENTHS,
            spare: 0,
            pace: Pace::default(),
            batches: VecDeque::new(),
        }
    }

    /// Seats reserved for numbers not yet given out.
    #[must_use]
    pub fn ahead(&self, next: Number) -> u64 {
        self.horizon.since(next)
    }

    /// The call of a number that was called, as far as it is still remembered. `joined_at` is when a
    /// reserved number was called in effect: by being taken.
    #[must_use]
    pub fn call_of(&self, number: Number, marks: &Marks) -> Option<&Batch> {
        if marks.late.has(number) {
            return self
                .batches
                .iter()
                .rev()
                .find(|batch| batch.late.contains(&number));
        }
        let index = self.batches.partition_point(|batch| batch.to <= number);
        self.batches
            .get(index)
            .filter(|batch| batch.from <= number && !marks.gone.has(number))
    }
}

impl Batch {
    /// When a number of this batch was called, whose ticket was made at `joined_at`.
    #[must_use]
    pub fn called_at(&self, joined_at: Timestamp) -> Timestamp {
        if self.on_arrival {
            joined_at.min(self.at)
        } else {
            self.at
        }
    }

    /// Whether those called may still come in.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.until
    }
}
