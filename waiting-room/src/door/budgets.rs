//! Budgets of very many prefixes in memory that does not grow: a count-min sketch of GCRA clocks.
//!
//! Each prefix has one cell in each of four rows, and its clock is the earliest of the four. A cell is shared by
//! prefixes that nobody can choose (their places are keyed), so a clock may run ahead of the truth, and only where
//! all four are shared with others who came just now; it never runs behind. So no prefix ever gets more than its
//! rate, however many addresses an attacker walks through, and 100,000 prefixes that come once each cost an
//! innocent one a few joins of its burst at most.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Prefix;
use crate::value::{Timestamp, millis};

const ROWS: usize = 4;
/// Cells of a row: as many as 16 bits name.
const WIDTH: usize = 1 << 16;

/// The clocks: 2 MB, of which the system gives only what is touched.
#[derive(Clone, Debug, Default)]
pub(super) struct Budgets {
    /// Microseconds since the epoch at which all that was charged is earned back. Empty until the first charge.
    clocks: Vec<u64>,
}

/// What one charge costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    /// Microseconds in which it is earned back; at least 1.
    pub(super) each: u64,
    /// How many at once after a rest; at least 1.
    pub(super) burst: u32,
}

/// Where a prefix's clocks are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells([usize; ROWS]);

impl Cells {
    pub(super) fn of(hidden: &[u8; 32], prefix: Prefix) -> Self {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(hidden).expect("HMAC takes keys of any length");
        mac.update(prefix.bytes());
        let named = mac.finalize().into_bytes();
        Self(std::array::from_fn(|row| {
            let column = u16::from_be_bytes([named[2 * row], named[2 * row + 1]]);
            row * WIDTH + usize::from(column)
        }))
    }
}

impl Budgets {
    /// Microseconds until all that was charged there is earned back.
    pub(super) fn used(&self, cells: Cells, now: Timestamp) -> u64 {
        self.clock(cells).saturating_sub(micros(now))
    }

    /// Charges one, or says how long until there is room for it.
    pub(super) fn charge(
        &mut self,
        cells: Cells,
        price: Price,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let now = micros(now);
        let clock = self.clock(cells).max(now);
        let most = u64::from(price.burst.saturating_sub(1)).saturating_mul(price.each);
        let over = (clock - now).saturating_sub(most);
        if over > 0 {
            return Err(Duration::from_micros(over));
        }
        self.clocks.resize(ROWS * WIDTH, 0);
        let clock = clock.saturating_add(price.each);
        for cell in cells.0 {
            self.clocks[cell] = self.clocks[cell].max(clock);
        }
        Ok(())
    }

    fn clock(&self, cells: Cells) -> u64 {
        let clocks = cells.0.iter().map(|cell| self.clocks.get(*cell));
        clocks.min().flatten().copied().unwrap_or(0)
    }
}

fn micros(at: Timestamp) -> u64 {
    millis(at.since(Timestamp(0))).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;

    fn cells(index: u32) -> Cells {
        let address = IpAddr::V4(Ipv4Addr::from_bits(index << 8));
        Cells::of(&[7; 32], Prefix::of(address))
    }

    proptest! {
        /// At most the burst and what was earned back, in every window, whoever else comes.
        #[test]
        fn no_prefix_ever_gets_more_than_its_rate(
            steps in proptest::collection::vec((0_u64..400, 0_u32..3), 1..300), each_ms in 1_u64..200, burst in 1_u32..8,
        ) {
            let mut budgets = Budgets::default();
            let price = Price { each: each_ms * 1_000, burst };
            let (mut now, mut given) = (1_000_u64, vec![Vec::new(); 3]);
            for (pause, who) in steps {
                now += pause;
                match budgets.charge(cells(who), price, Timestamp(now)) {
                    Ok(()) => given[who as usize].push(now),
                    Err(wait) => {
                        // What was said about the wait is true.
                        let then = Timestamp(now).plus(wait + Duration::from_millis(1));
                        prop_assert!(budgets.clone().charge(cells(who), price, then).is_ok());
                    }
                }
            }
            for times in given {
                for (first, from) in times.iter().enumerate() {
                    for (last, to) in times.iter().enumerate().skip(first) {
                        let most = u64::from(burst) + (to - from) / each_ms;
                        prop_assert!((last - first + 1) as u64 <= most, "{} from {from} to {to}", last - first + 1);
                    }
                }
            }
        }
    }

    #[test]
    fn a_walk_through_very_many_prefixes_neither_grows_nor_locks_others_out() {
        let mut budgets = Budgets::default();
        let price = Price {
            each: 1_000_000,
            burst: 10,
        };
        let now = Timestamp(1_790_000_000_000);
        for walker in 0..100_000 {
            assert!(budgets.charge(cells(walker), price, now).is_ok());
        }
        assert_eq!(budgets.clocks.len(), ROWS * WIDTH);
        // Among 200 who did not take part, nobody is charged for more than a few of the others.
        for innocent in 200_000..200_200 {
            assert!(budgets.used(cells(innocent), now) <= 4 * price.each);
        }
    }
}
