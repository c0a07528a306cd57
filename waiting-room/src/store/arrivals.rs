//! By what an arrival that asks again is known: names that are bound to numbers, and receipts.

use std::time::Duration;

/// A name to which one number may be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bond {
    /// Where it lies, and so for how long.
    pub shelf: Shelf,
    /// The name.
    pub name: u64,
}

/// Names that are forgotten together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shelf {
    /// Arrivals whose challenge was given in this period, counted in [`SHELF`]s since the epoch.
    Arrivals(u64),
    /// Invitations; kept for [`INVITATIONS_KEPT`] after the last was used.
    Invitations,
}

/// Arrivals of so long a time lie on one shelf. A shelf is kept for three times that after its last arrival, or until
/// arrivals three shelves later come: a challenge of it is long over by then.
pub const SHELF: Duration = Duration::from_secs(600);

/// A sale lasts days, not months.
pub const INVITATIONS_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// An entry's place among the receipts or the moves of a room: later ones are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId(pub u64, pub u64);

/// How long receipts are kept at least: until whoever got no answer has asked again.
pub const RECEIPTS_KEPT: Duration = Duration::from_secs(20);

/// Most receipts, or moves, that are read at once.
pub const MOST_ENTRIES: usize = 2_000;
