//! The line: what the fleet has agreed on about one run of a room's queue, and where a ticket stands.
//!
//! Facts about single numbers are bits ([`Marks`]); all else is this small record, rewritten by whoever
//! wins a tick. The module is pure: it knows no store, no clock and no visitor, only numbers.
//!
//! How a number is called needs no bit of its own. Below the horizon everybody who counted when the
//! horizon passed was called; whoever was `gone` then was skipped and is served through the late lane
//! when they are seen again. So: called = below the horizon and not gone, or called `late`.

mod codec;
mod gap;
mod version;

use std::{collections::VecDeque, time::Duration};

use crate::{
    adaptive::Limit,
    bits::{Bits, CHUNK_NUMBERS},
    controller::MINUTE,
    estimate::{Course, Pace},
    journal::Head,
    lottery::Hash,
    provisional::Numbered,
    share::Both,
    standing::Why,
    token::KeyId,
    value::{LineId, Number, Timestamp},
};

pub use codec::CodecError;
pub use gap::Gap;

/// Numbers per store key of a bitmap, so that an old line's beginning can be dropped: 65,536 numbers,
/// 8 KiB.
pub const SEGMENT_NUMBERS: u64 = 65_536;
/// Chunks of bits in one segment.
pub(crate) const SEGMENT_CHUNKS: u64 = SEGMENT_NUMBERS / CHUNK_NUMBERS;

/// The agreed record of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Which run this is.
    pub id: LineId,
    /// What fences a slow writer off: of [`Line::ticks`] and [`Line::restored`].
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
    /// The last gap in ticks, which counts against nobody.
    pub gap: Gap,
    /// What the late lane may still call, in tenths.
    pub late_credit: u32,
    /// Free seats the last tick neither called nor reserved.
    pub spare: u32,
    /// Seats taken as of the last tick, its own calls included.
    pub occupied: u32,
    /// How fast the line has been moving.
    pub pace: Pace,
    /// What else was measured of it, for estimates.
    pub course: Course,
    /// Numbers below may be called soon: their holders poll often, and what they were told is recorded
    /// ([`Trace::Due`](crate::presence::Trace::Due)). Never falls.
    pub soon: Number,
    /// How far `soon` reached in the last minute and a half; by time.
    pub edges: VecDeque<Edge>,
    /// Who waits below the horizon.
    pub late: Latecomers,
    /// Why nobody is called, or fewer are, as of the last tick.
    pub why: Option<Why>,
    /// When the room opens, if it is not open.
    pub opens_at: Option<Timestamp>,
    /// Whether whoever comes may join.
    pub is_shut: bool,
    /// The limits of the last tick: people inside, calls in a minute; 0 where there is none.
    pub limits: [u32; 2],
    /// What the room's share gave it in the last tick: people inside, calls in a minute; `None` if it stands alone.
    pub may: Option<Both>,
    /// When a limit was lowered last.
    pub lowered_at: Timestamp,
    /// The grace and the absence that were last logged, in milliseconds.
    pub times: [u64; 2],
    /// Orders that stand and were logged, by their ids.
    pub obeyed: Vec<u64>,
    /// Where the line's log stands.
    pub log: Head,
    /// Numbers of earlier pre-queues, whose tickets were replaced by drawn ones: from, and the first after.
    pub replaced: Vec<(Number, Number)>,
    /// The limit that follows the origin, where the rules have one.
    pub adaptive: Option<Limit>,
    /// The last lottery, being prepared or drawn.
    pub lot: Option<Lot>,
    /// What the next one is bound by.
    pub promised: Option<Promised>,
    /// Numbers of those who came while the store was lost.
    pub provisional: Vec<Numbered>,
    /// Calls that are open, recent enough to count against the minute, or just closed; by time.
    pub batches: VecDeque<Batch>,
}

/// How far [`Line::soon`] reached for some seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Since when.
    pub at: Timestamp,
    /// How far at least.
    pub soon: Number,
    /// The first number not yet given out when this began.
    pub next: Number,
    /// Whether every number given out meanwhile lay below it.
    pub holds_all: bool,
}

/// Those who are there, lie below the horizon and wait to be called through the late lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latecomers {
    /// The first of them in the order in which they will be called; at most [`LATE_LISTED`].
    pub first: Vec<Number>,
    /// How many of these come before the line: they were passed over, and came back before they could be called absent.
    pub prompt: u32,
    /// How many there are in all.
    pub count: u32,
}

/// Late comers whose exact place is kept: 1 kB of the record.
pub const LATE_LISTED: usize = 512;

impl Latecomers {
    /// How many late comers are before `number`.
    #[must_use]
    pub fn ahead_of(&self, number: Number) -> u32 {
        let listed = self.first.iter().position(|other| *other == number);
        listed.map_or(self.count, |place| u32::try_from(place).unwrap_or(u32::MAX))
    }
}

/// What a lottery is bound by from when it is first announced: whatever key signs when its pre-queue begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promised {
    /// The opening that names it.
    pub opens_at: Timestamp,
    /// The key its secret is derived from.
    pub key: KeyId,
}

/// A lottery: those who waited at an opening get new numbers, in the order that was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// The opening that names it.
    pub opens_at: Timestamp,
    /// The key its secret is derived from, whatever signs by then.
    pub key: KeyId,
    /// The public value that is mixed in, by the name it had when the pre-queue began. What is said later does not count.
    pub beacon_name: Option<String>,
    /// The first number in the draw.
    pub from: Number,
    /// The list, once it is closed.
    pub list: Option<List>,
    /// Digest of the closed list: public before what it is drawn from is known.
    pub digest: Option<Hash>,
    /// The draw, once it is made.
    pub drawn: Option<Drawn>,
}

/// The closed list of a lottery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// The first number not in the draw; also the first of the drawn numbers, which begin there.
    pub to: Number,
    /// The first number after those kept for the draw.
    pub end: Number,
}

/// What was drawn from, beside the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The public value that was mixed in.
    pub beacon: Option<String>,
}

impl Lot {
    /// How many are in the draw, once the list is closed.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        let list = self.list?;
        u32::try_from(list.to.since(self.from)).ok()
    }

    /// Whether a number of the pre-queue was replaced, or will be, by a drawn one.
    #[must_use]
    pub fn replaces(&self, number: Number) -> bool {
        self.from <= number && self.list.is_some_and(|list| number < list.to)
    }
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
    /// It numbers from the moment it opened in microseconds. Unless an earlier line gave out more than
    /// a million numbers a second over its whole life, this is above all of that line's numbers: passes of
    /// both can be counted in one set, even by a fleet that has forgotten everything.
    #[must_use]
    pub fn open(now: Timestamp, epoch: u64) -> Self {
        let first = Number(now.0.saturating_mul(1_000));
        Self {
            id: LineId(first.0),
            version: 1,
            floor: first,
            horizon: first,
            frontier: first,
            ticked_at: now,
            epoch,
            rolls: VecDeque::new(),
            judge_from: now,
            gap: Gap::default(),
            late_credit: crate::controller::LATE_TENTHS,
            spare: 0,
            occupied: 0,
            pace: Pace::default(),
            course: Course::default(),
            soon: first,
            edges: VecDeque::new(),
            late: Latecomers::default(),
            why: None,
            opens_at: None,
            is_shut: false,
            limits: [0; 2],
            may: None,
            lowered_at: Timestamp(0),
            times: [0; 2],
            obeyed: Vec::new(),
            log: Head {
                seq: 0,
                hash: [0; 32],
            },
            replaced: Vec::new(),
            adaptive: None,
            lot: None,
            promised: None,
            provisional: Vec::new(),
            batches: VecDeque::new(),
        }
    }

    /// Seats reserved for numbers not yet given out.
    #[must_use]
    pub fn ahead(&self, next: Number) -> u64 {
        self.horizon.since(next)
    }

    /// Whether a number was one of an earlier pre-queue, and its ticket void.
    #[must_use]
    pub fn was_replaced(&self, number: Number) -> bool {
        let mut ranges = self.replaced.iter();
        ranges.any(|(from, to)| (*from..*to).contains(&number))
    }

    /// Joins neighbouring batches older than a minute whose calls end within `grain` of each other: the
    /// later end counts for all. Keeps the record of a line with a long grace small.
    pub fn coalesce(&mut self, now: Timestamp, grain: Duration) {
        let mut joined: VecDeque<Batch> = VecDeque::with_capacity(self.batches.len());
        for batch in std::mem::take(&mut self.batches) {
            match joined.back_mut() {
                Some(last) if last.takes(&batch, now, grain) => last.take(batch),
                _ => joined.push_back(batch),
            }
        }
        self.batches = joined;
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
        self.passed_in(number).filter(|_| !marks.gone.has(number))
    }

    /// When a number of that batch was called, whose ticket was made at `joined_at`. A reserved seat is called by being
    /// taken, but after everybody with a lower number: its holder's request may have come before the tick that reserved it.
    #[must_use]
    pub fn called_at(&self, batch: &Batch, joined_at: Timestamp) -> Timestamp {
        if !batch.on_arrival {
            return batch.at;
        }
        let before = self.batches.partition_point(|known| known.to <= batch.from);
        let before = before.checked_sub(1).map(|last| self.batches[last].at);
        joined_at.max(before.unwrap_or_default()).min(batch.at)
    }

    /// The batch in which the horizon passed a number, called or not, as far as it is still remembered.
    #[must_use]
    pub fn passed_in(&self, number: Number) -> Option<&Batch> {
        let index = self.batches.partition_point(|batch| batch.to <= number);
        self.batches.get(index).filter(|batch| batch.from <= number)
    }
}

impl Batch {
    fn takes(&self, next: &Self, now: Timestamp, grain: Duration) -> bool {
        next.at < now.minus(MINUTE)
            // A call that has ended does not begin again.
            && self.is_open(now) == next.is_open(now)
            && self.on_arrival == next.on_arrival
            && self.to == next.from
            // From the first that was joined, so that it does not grow without end.
            && next.at.since(self.at) <= grain
            && next.until.since(self.until).max(self.until.since(next.until)) <= grain
    }

    fn take(&mut self, next: Self) {
        self.until = self.until.max(next.until);
        self.to = next.to;
        self.calls = self.calls.saturating_add(next.calls);
        self.late.extend(next.late);
    }

    /// Whether those called may still come in.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.until
    }
}
