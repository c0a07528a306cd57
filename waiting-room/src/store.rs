//! The port to whatever the gateways of a fleet share: counters, bits and one small record per room.
//!
//! Two adapters, [`memory`] and [`redis`], pass one suite (`conformance`). The port knows nothing of
//! lines or visitors; what a write means is decided by the pure modules. Every operation is idempotent
//! or sent once:
//!
//! | operation | twice does |
//! | --- | --- |
//! | [`take`](RoomStore::take) | burn numbers, so it is sent once |
//! | [`mark`](RoomStore::mark), [`merge`](RoomStore::merge), [`flush`](RoomStore::flush) | nothing more |
//! | [`try_tick`](RoomStore::try_tick) | lose this tick |
//! | [`commit`](RoomStore::commit) | nothing: the version has moved |

#[cfg(feature = "test-util")]
pub mod conformance;
pub mod memory;
pub mod redis;

use std::{fmt, num::NonZeroU32, ops::RangeInclusive, time::Duration};

use async_trait::async_trait;
use thiserror::Error;

use crate::{
    bits::Bits,
    line::Marks,
    presence::{ChunkWrite, Trace},
    value::{LineId, Number, Timestamp},
};

/// Which fact about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// [`Marks::gone`]: only written by commits.
    Gone,
    /// [`Marks::late`]: only written by commits.
    Late,
    /// [`Marks::claimed`].
    Claimed,
    /// [`Marks::left`].
    Left,
}

/// What a mark said before it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Was {
    /// It was not set: this call decided.
    Unset,
    /// It was set before.
    Set,
}

/// A gateway of the fleet, chosen at random when its process starts. Owns its own trace bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayId(pub u64);

/// The small part of a room, read at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The counter of numbers given out.
    pub next: Option<Number>,
    /// The line's record.
    pub record: Option<Record>,
    /// The store's clock, where it has one of its own.
    pub at: Option<Timestamp>,
}

/// The line's record as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Repeats the version inside `line`, so that a store can fence without reading it.
    pub version: u64,
    /// [`Line::encode`](crate::line::Line::encode).
    pub line: Vec<u8>,
}

/// Which bits to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Segments of 65,536 numbers whose marks are needed.
    pub segments: RangeInclusive<u64>,
    /// Presence epochs, oldest first.
    pub presence: Vec<u64>,
    /// Activity epochs, oldest first.
    pub activity: Vec<u64>,
}

/// Bits as they were read.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The marks of the wanted segments.
    pub marks: Marks,
    /// Presence of the fleet by epoch, oldest first.
    pub presence: Vec<(u64, Bits)>,
    /// Activity of the fleet over all wanted epochs.
    pub activity: Bits,
}

/// How far a line's calls reach; repeats what the record says, for whoever takes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The line.
    pub line: LineId,
    /// Its horizon.
    pub horizon: Number,
}

/// Numbers that were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The first of them.
    pub first: Number,
    /// As it was when they were taken, or newer: a number below the horizon has a seat.
    pub reach: Option<Reach>,
}

/// A tick's outcome, to be written whole or not at all.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The version this was decided on; `None` if there was no record.
    pub seen: Option<u64>,
    /// The new record.
    pub record: Record,
    /// What the record says of it.
    pub reach: Reach,
    /// Raise the counter so that no number below is given out (again).
    pub next_at_least: Number,
    /// Whole chunks of [`Mark::Gone`] and [`Mark::Late`], to be overwritten.
    pub chunks: Vec<(Mark, u64, Vec<u8>)>,
    /// Marks of segments below this one are no longer needed.
    pub drop_below: u64,
}

/// Whether a commit was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is in the store.
    Done,
    /// Another gateway wrote first; nothing was changed.
    Fenced,
}

/// One room in a store.
#[async_trait]
pub trait RoomStore: fmt::Debug + Send + Sync {
    /// Changes whenever the link to the store was made anew, be it to another server: what the store knew may have been lost
    /// in between. 0 while there is no link.
    fn session(&self) -> u64;

    /// How long after a new link nobody may take a number or tick: every gateway that lost its link, or was sent
    /// to another server, at the same time has made a new one by then, and given back what the store forgot.
    fn settle(&self) -> Duration;

    /// Takes the next `count` numbers, and looks afterwards how far the calls reach.
    ///
    /// # Errors
    /// When the store did not answer: the numbers may be taken all the same, and are then nobody's.
    async fn take(&self, count: NonZeroU32) -> Result<Taken, StoreError>;

    /// Sets a mark and says what it was.
    ///
    /// # Errors
    /// When the store did not answer: it may be set all the same.
    async fn mark(&self, mark: Mark, number: Number) -> Result<Was, StoreError>;

    /// Adds marks of a kind.
    ///
    /// # Errors
    /// When the store did not answer; some may be set.
    async fn merge(&self, mark: Mark, bits: &Bits) -> Result<(), StoreError>;

    /// Writes this gateway's trace bits.
    ///
    /// # Errors
    /// When the store did not answer; some may be written.
    async fn flush(&self, gateway: GatewayId, writes: &[ChunkWrite]) -> Result<(), StoreError>;

    /// Reads the counter and the record.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Reads bits.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn facts(&self, wanted: &Wanted) -> Result<Facts, StoreError>;

    /// Tries to become the one who ticks; nobody else can for `hold`.
    ///
    /// # Errors
    /// When the store did not answer: the tick may be lost.
    async fn try_tick(&self, now: Timestamp, hold: Duration) -> Result<bool, StoreError>;

    /// Writes a tick's outcome if the record is still the one it was decided on.
    ///
    /// # Errors
    /// When the store did not answer: it may be written all the same; the next head tells.
    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError>;
}

/// The store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Not reachable, too slow, or shutting down. The store's fault; trying again later may help.
    #[error("the room store does not answer: {0}")]
    Unavailable(String),
    /// It holds something that is not ours. Nobody retries this.
    #[error("the room store holds something unexpected: {0}")]
    Unexpected(String),
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Presence => "presence",
            Self::Activity => "activity",
        })
    }
}
