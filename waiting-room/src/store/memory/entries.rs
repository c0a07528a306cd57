//! A list to which entries are added, each with a place of its own.

use std::{collections::BTreeMap, ops::Bound};

use crate::store::{EntryId, MOST_ENTRIES};

/// Entries by their place.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    all: BTreeMap<EntryId, Vec<u8>>,
    last: EntryId,
}

impl Entries {
    /// Adds one: at `at`, or behind the last, where a clock was set back.
    pub(super) fn add(&mut self, at: EntryId, entry: &[u8]) {
        let EntryId(last, nth) = self.last;
        self.last = at.max(EntryId(last, nth + 1));
        self.all.insert(self.last, entry.to_vec());
    }

    pub(super) fn after(&self, after: EntryId) -> Vec<(EntryId, Vec<u8>)> {
        let after = (Bound::Excluded(after), Bound::Unbounded);
        let first = self.all.range(after).take(MOST_ENTRIES);
        first.map(|(id, entry)| (*id, entry.clone())).collect()
    }

    pub(super) fn forget_before(&mut self, first: EntryId) {
        self.all = self.all.split_off(&first);
    }
}
