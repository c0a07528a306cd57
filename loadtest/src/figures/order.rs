//! Order inversions: A had a place before B even asked for one, and B was called first.

use std::time::Duration;

use crate::clock::Moment;

/// A visitor who joined and was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// Which one.
    pub visitor: u32,
    /// The join request was sent.
    pub sent: Moment,
    /// The join's answer was read.
    pub answered: Moment,
    /// The number was called.
    pub call: Moment,
}

/// Pairs in the wrong order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inversions {
    /// How many pairs.
    pub pairs: u64,
    /// Everybody who was called after somebody who came later; the last to come of them first.
    pub overtaken: Vec<Overtaken>,
}

/// Who was overtaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overtaken {
    /// Who had a place first.
    pub first: u32,
    /// Of those who came later, the one who was called first.
    pub by: u32,
}

/// Counts the inverted pairs in O(n log n): visitors are taken by the time they asked, those who had their
/// place before that are kept in a Fenwick tree over the ranks of call times.
///
/// Calls bear the time of the gateway that made them. Where those clocks are `apart`, two calls this close tell nothing
/// of their order.
#[must_use]
pub fn inversions(visitors: &[Called], apart: Duration) -> Inversions {
    let mut calls: Vec<Moment> = visitors.iter().map(|visitor| visitor.call).collect();
    calls.sort_unstable();
    calls.dedup();
    let rank = |call: Moment| calls.partition_point(|known| *known < call);
    let mut placed: Vec<&Called> = visitors.iter().collect();
    placed.sort_unstable_by_key(|visitor| visitor.answered);
    let mut asking: Vec<&Called> = visitors.iter().collect();
    asking.sort_unstable_by_key(|visitor| visitor.sent);

    let mut tree = Fenwick(vec![0; calls.len() + 1]);
    let mut before = placed.into_iter().peekable();
    let (mut pairs, mut count) = (0, 0);
    for second in &asking {
        while let Some(first) = before.next_if(|first| first.answered < second.sent) {
            tree.add(rank(first.call));
            count += 1;
        }
        let until = second.call.plus(apart);
        let not_later = calls.partition_point(|known| *known <= until);
        pairs += count - not_later.checked_sub(1).map_or(0, |last| tree.up_to(last));
    }
    Inversions {
        pairs,
        overtaken: overtaken(&asking, apart),
    }
}

/// From the last who asked to the first: who was called first of those who came later?
fn overtaken(asking: &[&Called], apart: Duration) -> Vec<Overtaken> {
    let mut waiting: Vec<&&Called> = asking.iter().collect();
    waiting.sort_unstable_by_key(|visitor| std::cmp::Reverse(visitor.answered));
    let mut later = asking.iter().rev().peekable();
    let mut first_called: Option<&Called> = None;
    let mut found = Vec::new();
    for visitor in waiting {
        while let Some(second) = later.next_if(|second| visitor.answered < second.sent) {
            first_called = first_called
                .filter(|known| known.call <= second.call)
                .or(Some(second));
        }
        found.extend(
            first_called
                .filter(|by| by.call.plus(apart) < visitor.call)
                .map(|by| Overtaken {
                    first: visitor.visitor,
                    by: by.visitor,
                }),
        );
    }
    found
}

/// Counts by rank: one more at a rank, how many at or below a rank.
struct Fenwick(Vec<u64>);

impl Fenwick {
    fn add(&mut self, rank: usize) {
        let mut node = rank + 1;
        while node < self.0.len() {
            self.0[node] += 1;
            node += node & node.wrapping_neg();
        }
    }

    fn up_to(&self, rank: usize) -> u64 {
        let mut node = rank + 1;
        let mut sum = 0;
        while node > 0 {
            sum += self.0[node];
            node -= node & node.wrapping_neg();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visitor(visitor: u32, sent: u64, answered: u64, call: u64) -> Called {
        let [sent, answered, call] = [sent, answered, call].map(Moment::from_micros);
        Called {
            visitor,
            sent,
            answered,
            call,
        }
    }

    #[test]
    fn overlapping_joins_may_be_called_in_any_order() {
        assert_eq!(
            inversions(
                &[visitor(1, 0, 10, 200), visitor(2, 9, 20, 100)],
                Duration::ZERO
            )
            .pairs,
            0
        );
    }

    #[test]
    fn who_had_a_place_first_is_called_first_or_together() {
        assert_eq!(
            inversions(
                &[visitor(1, 0, 10, 100), visitor(2, 11, 20, 100)],
                Duration::ZERO
            )
            .pairs,
            0
        );
        let overtaken = inversions(
            &[visitor(1, 0, 10, 101), visitor(2, 11, 20, 100)],
            Duration::ZERO,
        );
        assert_eq!(
            overtaken,
            Inversions {
                pairs: 1,
                overtaken: vec![Overtaken { first: 1, by: 2 }]
            }
        );
    }

    proptest! {
        #[test]
        fn the_count_agrees_with_comparing_everybody_with_everybody(
            history in prop::collection::vec((0u64..40, 0u64..10, 0u64..40), 0..60), apart in 0u64..5
        ) {
            let history: Vec<Called> = (0u32..).zip(history)
                .map(|(id, (sent, wait, call))| visitor(id, sent, sent + wait, call)).collect();
            let naive = history.iter().flat_map(|a| history.iter().map(move |b| (a, b)))
                .filter(|(a, b)| a.answered < b.sent && b.call.micros() + apart < a.call.micros()).count();
            let counted = inversions(&history, Duration::from_micros(apart));
            prop_assert_eq!(counted.pairs, naive as u64);
            let mut overtaken: Vec<u32> = history.iter()
                .filter(|a| history.iter().any(|b| a.answered < b.sent && b.call.micros() + apart < a.call.micros()))
                .map(|a| a.visitor).collect();
            overtaken.sort_unstable();
            let mut told: Vec<u32> = counted.overtaken.iter().map(|seen| seen.first).collect();
            for seen in &counted.overtaken {
                let [first, by] = [seen.first, seen.by].map(|id| &history[id as usize]);
                prop_assert!(first.answered < by.sent && by.call.micros() + apart < first.call.micros());
            }
            told.sort_unstable();
            prop_assert_eq!(told, overtaken);
        }
    }
}
