//! Who came in here moments ago: what no picture may show yet, and a store that forgets has to be told again.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;

use crate::{
    bits::Bits,
    value::{Number, Timestamp},
};

/// Longer than from a claim to the picture that shows it, be it made by a slow store.
const REMEMBER: Duration = Duration::from_secs(30);
/// Most that are remembered: two megabytes.
const MOST: usize = 1 << 17;

/// The last claims.
#[derive(Debug, Default)]
pub(super) struct Lately(Mutex<VecDeque<(Timestamp, Number)>>);

impl Lately {
    pub(super) fn note(&self, number: Number, now: Timestamp) {
        let mut claims = self.0.lock();
        while let Some((at, _)) = claims.front()
            && (claims.len() >= MOST || now.since(*at) > REMEMBER)
        {
            claims.pop_front();
        }
        claims.push_back((now, number));
    }

    pub(super) fn numbers(&self) -> Bits {
        let claims = self.0.lock();
        claims.iter().map(|(_, number)| *number).collect()
    }
}
