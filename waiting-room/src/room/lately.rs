//! Who came in or left here moments ago: what no picture may show yet, and a store that forgets has to be told again.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;

use crate::{
    bits::Bits,
    value::{Number, Timestamp},
};

/// Longer than from a mark to the picture that shows it, be it made by a slow store.
const REMEMBER: Duration = Duration::from_secs(30);
/// Most that are remembered: two megabytes.
const MOST: usize = 1 << 17;

/// The last of one kind.
#[derive(Debug, Default)]
pub(super) struct Lately(Mutex<VecDeque<(Timestamp, Number)>>);

impl Lately {
    pub(super) fn note(&self, number: Number, now: Timestamp) {
        let mut marks = self.0.lock();
        while let Some((at, _)) = marks.front()
            && (marks.len() >= MOST || now.since(*at) > REMEMBER)
        {
            marks.pop_front();
        }
        marks.push_back((now, number));
    }

    pub(super) fn numbers(&self) -> Bits {
        let marks = self.0.lock();
        marks.iter().map(|(_, number)| *number).collect()
    }
}
