//! Choosing one server among those that may be chosen. Pure: a set, a random number, the loads.

/// Servers of an upstream as the bits of a word; at most 64 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Set(u64);

impl Set {
    pub(crate) const EMPTY: Self = Self(0);

    /// The first `count` servers.
    pub(crate) fn first(count: usize) -> Self {
        match count {
            64.. => Self(u64::MAX),
            _ => Self((1 << count) - 1),
        }
    }

    pub(crate) fn insert(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The member with `rank` members before it.
    fn nth(self, rank: u32) -> Option<usize> {
        let mut rest = self.0;
        for _ in 0..rank {
            rest &= rest.checked_sub(1)?;
        }
        (rest != 0).then(|| rest.trailing_zeros() as usize)
    }
}

/// The less busy of two different members at random; of equals the first drawn.
///
/// Two choices are enough to keep queues short (the longest grows with log log n, not log n), and
/// unlike "the least busy of all" they do not send a whole crowd to the server that just came back.
pub(crate) fn p2c(set: Set, random: u64, load: impl Fn(usize) -> usize) -> Option<usize> {
    let count = set.len();
    let draw = |random: u64, among: u32| u32::try_from(random % u64::from(among)).unwrap_or(0);
    match count {
        0 => None,
        1 => set.nth(0),
        _ => {
            let one = draw(random & 0xffff_ffff, count);
            let two = (one + 1 + draw(random >> 32, count - 1)) % count;
            let (one, two) = (set.nth(one)?, set.nth(two)?);
            Some(if load(two) < load(one) { two } else { one })
        }
    }
}

/// The member whose turn it is when `turn` counts up by one a request.
pub(crate) fn round_robin(set: Set, turn: u64) -> Option<usize> {
    match set.len() {
        0 => None,
        count => set.nth(u32::try_from(turn % u64::from(count)).unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(bits: u64) -> Set {
        Set(bits)
    }

    #[test]
    fn round_robin_visits_all_members_in_turn() {
        let turns: Vec<usize> = (0..6)
            .filter_map(|turn| round_robin(set(0b1011), turn))
            .collect();
        assert_eq!(turns, [0, 1, 3, 0, 1, 3]);
        assert_eq!(round_robin(Set::EMPTY, 7), None);
    }

    #[test]
    fn p2c_avoids_the_busier_of_two() {
        for random in 0..200u64 {
            let random = (random << 32) | (random * 7);
            let chosen = p2c(set(0b11), random, |index| [9, 1][index]);
            assert_eq!(chosen, Some(1));
        }
    }

    #[test]
    fn a_full_set_has_all_bits() {
        assert_eq!(Set::first(64).len(), 64);
        assert_eq!(Set::first(3), set(0b111));
    }

    proptest! {
        #[test]
        fn only_members_are_chosen(bits: u64, random: u64) {
            let chosen = [p2c(set(bits), random, |i| i % 3), round_robin(set(bits), random)];
            for index in chosen.into_iter().flatten() {
                prop_assert!(bits >> index & 1 == 1);
            }
            prop_assert_eq!(chosen[0].is_none(), bits == 0);
        }
    }
}
