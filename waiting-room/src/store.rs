//! The port to whatever the gateways of a fleet share: counters, bits and one small record per room.
//!
//! Two adapters, [`memory`] and [`redis`], pass one suite (`conformance`). The port knows nothing of
//! lines or visitors; what a write means is decided by the pure modules. Every operation is idempotent
//! or sent once:
//!
//! | operation | twice does |
//! | --- | --- |
//! | [`take`](RoomStore::take) | burn numbers, so it is sent once |
//! | [`mark_each`](RoomStore::mark_each), [`merge`](RoomStore::merge), [`flush`](RoomStore::flush), [`forget_visits`](RoomStore::forget_visits), [`order`](RoomStore::order), [`keep`](RoomStore::keep), [`add_move`](RoomStore::add_move), [`add_receipt`](RoomStore::add_receipt), [`forget_moves`](RoomStore::forget_moves), [`retire`](RoomStore::retire) | nothing more |
//! | [`report`](RoomStore::report) | count what was seen of the origin twice; a client that does not hear whether it was written drops it |
//! | [`try_tick`](RoomStore::try_tick) | lose this tick |
//! | [`bind`](RoomStore::bind) | nothing: the first number stands |
//! | [`commit`](RoomStore::commit) | nothing: the version has moved |

mod arrivals;
#[cfg(feature = "test-util")]
pub mod conformance;
pub mod memory;
pub mod redis;

use std::{collections::BTreeMap, fmt, num::NonZeroU32, time::Duration};

pub use arrivals::{Bond, EntryId, INVITATIONS_KEPT, MOST_ENTRIES, RECEIPTS_KEPT, SHELF, Shelf};
use async_trait::async_trait;
use thiserror::Error;

use crate::{
    bits::Bits,
    line::Marks,
    presence::{ChunkWrite, Trace},
    value::{LineId, Number, Timestamp},
};

/// Which fact about a number; see [`Marks`](crate::line::Marks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// [`Marks::gone`](crate::line::Marks::gone): only written by commits.
    Gone,
    /// [`Marks::late`](crate::line::Marks::late): only written by commits.
    Late,
    /// [`Marks::claimed`](crate::line::Marks::claimed).
    Claimed,
    /// [`Marks::left`](crate::line::Marks::left).
    Left,
}

impl Mark {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Gone, Self::Late, Self::Claimed, Self::Left];
}

impl Marks {
    /// The set of one kind of mark.
    pub(crate) fn of(&self, mark: Mark) -> &Bits {
        match mark {
            Mark::Gone => &self.gone,
            Mark::Late => &self.late,
            Mark::Claimed => &self.claimed,
            Mark::Left => &self.left,
        }
    }

    /// The set of one kind of mark, to change it.
    pub(crate) fn of_mut(&mut self, mark: Mark) -> &mut Bits {
        match mark {
            Mark::Gone => &mut self.gone,
            Mark::Late => &mut self.late,
            Mark::Claimed => &mut self.claimed,
            Mark::Left => &mut self.left,
        }
    }
}

/// The marks of one kind of 65,536 numbers: what is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// The kind.
    pub mark: Mark,
    /// Which numbers: `number / SEGMENT_NUMBERS`.
    pub segment: u64,
}

/// Entries of a line's log that a store keeps at least, for gateways to copy: four minutes of a line that calls with
/// every tick, 360 kB.
pub const KEPT_ENTRIES: u32 = 1_000;

/// Reports on the origin that a store keeps: half a minute of sixteen gateways.
pub const KEPT_REPORTS: u32 = 2_000;

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
    /// For each part of the marks a stamp that changes whenever one of its marks does: only what changed needs to
    /// be read again. A stamp may be behind its marks for a moment, or for good if a link broke in between.
    pub stamps: BTreeMap<Part, u64>,
    /// The orders that stand ([`Orders::read`](crate::orders::Orders::read)): each with its place.
    pub orders: Vec<(String, Vec<u8>)>,
    /// When each gateway that has not retired wrote last.
    pub gateways: BTreeMap<GatewayId, Timestamp>,
    /// The epochs of [`Trace::Activity`] that were written and are not forgotten, each with the moment until when it is
    /// kept. Gateways with other rules cut time otherwise: whoever counts visits reads what there is.
    pub visits: BTreeMap<u64, Timestamp>,
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

/// The epochs of a kind of trace that are to be read.
pub type Epoch = (Trace, u64);

/// How far a line's calls reach; repeats what the record says, for whoever takes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The line.
    pub line: LineId,
    /// Its horizon.
    pub horizon: Number,
    /// When the tick was made that said so.
    pub at: Timestamp,
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
    /// Entries to be added to the line's log.
    pub entries: Vec<String>,
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

    /// The numbers that are bound to these names; in the order asked for.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn bound(&self, names: &[Bond]) -> Result<Vec<Option<Number>>, StoreError>;

    /// Binds each name to its number unless it is bound already, and says to which it is bound now. A store that
    /// forgets (a Redis that came back empty) forgets these too.
    ///
    /// # Errors
    /// When the store did not answer: they may be bound all the same.
    async fn bind(&self, pairs: &[(Bond, Number)]) -> Result<Vec<Number>, StoreError>;

    /// Notes at `now` which numbers some arrivals got, for wherever they ask again. Those from before `since` may be
    /// dropped; all are after [`RECEIPTS_KEPT`] without a new one, sooner or later.
    ///
    /// # Errors
    /// When the store did not answer: it may be noted all the same.
    async fn add_receipt(
        &self,
        receipt: &[u8],
        now: Timestamp,
        since: Timestamp,
    ) -> Result<(), StoreError>;

    /// The first [`MOST_ENTRIES`] receipts after `after`, oldest first.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn receipts(&self, after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError>;

    /// Sets marks and says what each was; in the order given.
    ///
    /// # Errors
    /// When the store did not answer: they may be set all the same.
    async fn mark_each(&self, mark: Mark, numbers: &[Number]) -> Result<Vec<Was>, StoreError>;

    /// Sets a mark and says what it was.
    ///
    /// # Errors
    /// When the store did not answer: it may be set all the same.
    async fn mark(&self, mark: Mark, number: Number) -> Result<Was, StoreError> {
        let was = self.mark_each(mark, &[number]).await?;
        let nothing = || StoreError::Unexpected("no answer to a mark".into());
        was.first().copied().ok_or_else(nothing)
    }

    /// Adds marks of a kind.
    ///
    /// # Errors
    /// When the store did not answer; some may be set.
    async fn merge(&self, mark: Mark, bits: &Bits) -> Result<(), StoreError>;

    /// Writes this gateway's trace bits, lists the epochs of visits among them, and that they hold whoever was heard of
    /// until `at`, by its own clock.
    ///
    /// # Errors
    /// When the store did not answer; some may be written.
    async fn flush(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        writes: &[ChunkWrite],
    ) -> Result<(), StoreError>;

    /// Takes epochs off the list of [`Head::visits`]: nobody asks for them any more.
    ///
    /// # Errors
    /// When the store did not answer: they are still listed then.
    async fn forget_visits(&self, epochs: &[u64]) -> Result<(), StoreError>;

    /// A gateway has ended, with all its bits written: nobody shall miss it.
    ///
    /// # Errors
    /// When the store did not answer; it is missed for half a minute then.
    async fn retire(&self, gateway: GatewayId) -> Result<(), StoreError>;

    /// Reads the counter, the record and the stamps.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Puts an order in its place, or clears the place.
    ///
    /// # Errors
    /// When the store did not answer: it may be done all the same.
    async fn order(&self, place: &str, order: Option<&[u8]>) -> Result<(), StoreError>;

    /// Puts an order in its place if that is empty; says whether it was.
    ///
    /// # Errors
    /// When the store did not answer: it may be done all the same.
    async fn order_once(&self, place: &str, order: &[u8]) -> Result<bool, StoreError>;

    /// Keeps something under a name, for so long.
    ///
    /// # Errors
    /// When the store did not answer: it may be kept all the same.
    async fn keep(&self, name: &str, bytes: &[u8], keep: Duration) -> Result<(), StoreError>;

    /// What is kept under names; in the order asked for.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn kept(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Adds an entry to the room's list of moves.
    ///
    /// # Errors
    /// When the store did not answer: it may be added all the same.
    async fn add_move(&self, entry: &[u8]) -> Result<(), StoreError>;

    /// The first [`MOST_ENTRIES`] entries of the list of moves after `after`, oldest first.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn moves(&self, after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError>;

    /// Drops the moves to `last` with it: of places that are no more.
    ///
    /// # Errors
    /// When the store did not answer: some may still be there.
    async fn forget_moves(&self, last: EntryId) -> Result<(), StoreError>;

    /// Adds what this gateway saw of the origin since its last report; the last [`KEPT_REPORTS`] are kept, for a minute.
    ///
    /// # Errors
    /// When the store did not answer: it may be added all the same.
    async fn report(&self, report: &[u8]) -> Result<(), StoreError>;

    /// The reports that are kept, oldest first.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn reports(&self) -> Result<Vec<Vec<u8>>, StoreError>;

    /// The last `count` entries of the line's log, oldest first, of the [`KEPT_ENTRIES`] that are kept.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn log(&self, count: u32) -> Result<Vec<String>, StoreError>;

    /// Reads parts of the marks; one set each, in the order asked for.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn marks(&self, parts: &[Part]) -> Result<Vec<Bits>, StoreError>;

    /// Reads what all gateways recorded; one set an epoch, in the order asked for.
    ///
    /// # Errors
    /// When the store did not answer.
    async fn traces(&self, epochs: &[Epoch]) -> Result<Vec<Bits>, StoreError>;

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
    /// A clock is wrong, this machine's or the store's. Somebody has to set it.
    #[error("a clock is wrong: {0}")]
    Clock(String),
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Presence => "presence",
            Self::Activity => "activity",
            Self::Due => "due",
        })
    }
}
