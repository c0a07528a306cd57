//! Arrivals while the store is lost: counted by when they came, and numbered in that order when it is back.
//!
//! A gateway that cannot take numbers writes down how many came in each five milliseconds (a [`List`]), and gives
//! each of them a signed [`Spot`] on it: the list, the time, and which of that time's arrivals they are. No
//! visitor is remembered. When the store is back, every gateway puts its list there; one tick takes as many numbers
//! as all lists together hold and writes down where they begin ([`Numbered`]). From then on any gateway can work
//! out the number of any spot: everybody on all lists who came earlier is before it. A spot always comes to the same
//! number, however often and wherever it is shown.

use std::collections::BTreeMap;

use crate::{
    value::{Number, Timestamp},
    varint::{In, put_varint},
};

/// Arrivals this close together count as one moment: DESIGN's batching window.
const GRAIN_MS: u64 = 5;
/// Most moments of one list: an hour and a half in which somebody came in every one of them.
const MOST_MOMENTS: usize = 1 << 20;
/// Most arrivals of one list.
const MOST_ARRIVALS: u32 = 1 << 26;

/// A list's name; random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub u64);

/// A place on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Which list.
    pub list: ListId,
    /// The moment of arrival, rounded down to five milliseconds.
    pub came_at: Timestamp,
    /// Which arrival of that moment, from 0.
    pub index: u32,
}

/// The arrivals at one gateway: how many in each moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Its name.
    pub id: ListId,
    moments: BTreeMap<u64, u32>,
    total: u32,
}

/// Numbers that were taken for the arrivals of some lists; part of the line's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The number of the first arrival.
    pub first: Number,
    /// How many there are.
    pub count: u32,
    /// The lists, in the order of their names.
    pub lists: Vec<ListId>,
}

impl Numbered {
    /// The first number after them.
    #[must_use]
    pub fn end(&self) -> Number {
        self.first.plus(u64::from(self.count))
    }
}

impl List {
    /// An empty list.
    #[must_use]
    pub fn new(id: ListId) -> Self {
        Self {
            id,
            moments: BTreeMap::new(),
            total: 0,
        }
    }

    /// How many are on it.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Puts down one who came at `at`; `None` if the list is full.
    pub fn add(&mut self, at: Timestamp) -> Option<Spot> {
        let came_at = at.0 - at.0 % GRAIN_MS;
        let is_new = !self.moments.contains_key(&came_at);
        if self.total >= MOST_ARRIVALS || (is_new && self.moments.len() >= MOST_MOMENTS) {
            return None;
        }
        let count = self.moments.entry(came_at).or_default();
        let index = *count;
        *count += 1;
        self.total += 1;
        Some(Spot {
            list: self.id,
            came_at: Timestamp(came_at),
            index,
        })
    }

    /// The list in store form: for each moment the time since the one before in grains, and how many came, as LEB128.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.moments.len() * 3);
        let mut before = 0;
        for (at, count) in &self.moments {
            let at = at / GRAIN_MS;
            put_varint(&mut out, at - before);
            put_varint(&mut out, u64::from(*count));
            before = at;
        }
        out
    }

    /// Reads a list back; `None` if it is not one.
    #[must_use]
    pub fn decode(id: ListId, bytes: &[u8]) -> Option<Self> {
        let mut list = Self::new(id);
        let (mut input, mut at) = (In(bytes), 0_u64);
        while !input.is_empty() {
            at = at.checked_add(input.varint()?)?;
            let count = u32::try_from(input.varint()?).ok().filter(|c| *c > 0)?;
            list.total = list.total.checked_add(count)?;
            let is_first = list
                .moments
                .insert(at.checked_mul(GRAIN_MS)?, count)
                .is_none();
            if !is_first || list.total > MOST_ARRIVALS || list.moments.len() > MOST_MOMENTS {
                return None;
            }
        }
        Some(list)
    }
}

/// Lists that were numbered together, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    first: Number,
    /// In the order of their names.
    lists: Vec<Sums>,
}

/// A list with running sums.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sums {
    id: ListId,
    /// A moment, and how many came before it.
    moments: Vec<(u64, u32)>,
    total: u32,
}

impl Roster {
    /// The roster of `lists`, which begins at `first`.
    #[must_use]
    pub fn new(first: Number, lists: &[List]) -> Self {
        let mut lists: Vec<_> = lists.iter().map(Sums::of).collect();
        lists.sort_by_key(|list| list.id);
        Self { first, lists }
    }

    /// The number of a spot; `None` if it is on none of these lists.
    #[must_use]
    pub fn number(&self, spot: &Spot) -> Option<Number> {
        let own = self.lists.iter().find(|list| list.id == spot.list)?;
        let came_at = spot.came_at.0;
        if spot.index >= own.until(came_at + 1) - own.until(came_at) {
            return None;
        }
        // Of two who came in one moment at two gateways, the one on the list with the lower name is first.
        let before = |list: &Sums| match list.id < own.id {
            true => list.until(came_at + 1),
            false => list.until(came_at),
        };
        let before: u64 = self.lists.iter().map(|list| u64::from(before(list))).sum();
        Some(self.first.plus(before + u64::from(spot.index)))
    }
}

impl Sums {
    fn of(list: &List) -> Self {
        let mut before = 0;
        let moments = list.moments.iter().map(|(at, count)| {
            let sum = (*at, before);
            before += count;
            sum
        });
        Self {
            id: list.id,
            moments: moments.collect(),
            total: list.total,
        }
    }

    /// How many came before `at`.
    fn until(&self, at: u64) -> u32 {
        let place = self.moments.partition_point(|(moment, _)| *moment < at);
        self.moments.get(place).map_or(self.total, |(_, sum)| *sum)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever came when and where: the numbers have no gap, and nobody who came later is before.
        #[test]
        fn numbers_follow_arrivals_without_a_gap(
            arrivals in proptest::collection::vec((0_usize..4, 0_u64..2_000), 0..300),
        ) {
            let mut lists: Vec<_> = (0..4).map(|id| List::new(ListId(id * 7 + 3))).collect();
            let spots: Vec<_> = arrivals
                .iter()
                .map(|(at, time)| lists[*at].add(Timestamp(1_790_000_000_000 + time)).expect("room"))
                .collect();
            let lists: Vec<_> = lists
                .iter()
                .map(|list| List::decode(list.id, &list.encode()).expect("our own"))
                .collect();
            let roster = Roster::new(Number(500), &lists);
            let mut numbered: Vec<_> = spots
                .iter()
                .map(|spot| (roster.number(spot).expect("on a list"), spot.came_at))
                .collect();
            numbered.sort_unstable();
            for (place, (number, _)) in (500..).zip(&numbered) {
                prop_assert_eq!(*number, Number(place));
            }
            prop_assert!(numbered.is_sorted_by_key(|(_, came_at)| *came_at));
        }

        #[test]
        fn whatever_the_store_holds_is_read_or_refused(bytes: Vec<u8>) {
            if let Some(list) = List::decode(ListId(1), &bytes) {
                prop_assert_eq!(List::decode(ListId(1), &list.encode()), Some(list));
            }
        }
    }

    #[test]
    fn a_spot_that_was_never_given_has_no_number() {
        let mut list = List::new(ListId(1));
        let spot = list.add(Timestamp(5_003)).expect("room");
        let roster = Roster::new(Number(9), &[list]);
        assert_eq!(roster.number(&spot), Some(Number(9)));
        let others = [
            Spot { index: 1, ..spot },
            Spot {
                list: ListId(2),
                ..spot
            },
            Spot {
                came_at: Timestamp(5_005),
                ..spot
            },
        ];
        for other in others {
            assert_eq!(roster.number(&other), None, "{other:?}");
        }
    }
}
