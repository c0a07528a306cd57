//! Weighted max-min fairness: everybody has what they ask for, or as much by weight as everybody else who has not.
//!
//! The rule is that of "A quantitative measure of fairness and discrimination" (Jain) and of every fair queue: raise one
//! level for all, each by its weight, until all is given. Whole numbers, and the same answer wherever it is computed.

/// Whom a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) weight: u32,
    /// Given in any case.
    pub(super) least: u32,
    /// Never more than this.
    pub(super) most: u32,
}

impl Claim {
    /// What the claim has at a level, which is for a weight of 1,000.
    fn at(&self, level: u64) -> u32 {
        let by_weight = level.saturating_mul(u64::from(self.weight)) / 1_000;
        let by_weight = u32::try_from(by_weight).unwrap_or(u32::MAX);
        by_weight.min(self.most).max(self.least)
    }
}

/// What each claim gets of `total`. All of it, unless nobody wants more; never more than it, unless what is given in any
/// case is.
pub(super) fn fill(total: u32, claims: &[Claim]) -> Vec<u32> {
    let given = |level| claims.iter().map(move |claim| claim.at(level));
    let sum = |level| given(level).map(u64::from).sum::<u64>();
    // The highest level that is not too high: the lightest has the whole at a thousand times the total.
    let (mut low, mut high) = (0, u64::from(total) * 1_000 + 1);
    while low + 1 < high {
        let middle = low.midpoint(high);
        match sum(middle) <= u64::from(total) {
            true => low = middle,
            false => high = middle,
        }
    }
    let mut parts: Vec<u32> = given(low).collect();
    // What is left would not lift everybody by one: the first in order have it.
    let mut rest = u64::from(total).saturating_sub(sum(low));
    for (part, claim) in parts.iter_mut().zip(claims) {
        if rest > 0 && *part < claim.most && claim.at(high) > *part {
            *part += 1;
            rest -= 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn claims() -> impl Strategy<Value = Vec<Claim>> {
        let claim = (1..=1_000_u32, 0..300_u32, 0..2_000_u32);
        let claim = claim.prop_map(|(weight, least, more)| Claim {
            weight,
            least,
            most: least + more,
        });
        vec(claim, 0..12)
    }

    proptest! {
        #[test]
        fn all_is_given_and_no_more(total in 0..5_000_u32, claims in claims()) {
            let parts = fill(total, &claims);
            let sum: u32 = parts.iter().sum();
            let least: u32 = claims.iter().map(|claim| claim.least).sum();
            let most: u32 = claims.iter().map(|claim| claim.most).sum();
            prop_assert_eq!(sum, total.clamp(least, most.max(least)));
            for (part, claim) in parts.iter().zip(&claims) {
                prop_assert!((claim.least..=claim.most).contains(part));
            }
        }

        #[test]
        fn who_has_less_by_weight_has_all_that_was_asked_for(total in 0..5_000_u32, claims in claims()) {
            let parts = fill(total, &claims);
            let by_weight = |at: usize| f64::from(parts[at]) / f64::from(claims[at].weight);
            for (poor, poor_claim) in claims.iter().enumerate() {
                for (rich, rich_claim) in claims.iter().enumerate() {
                    let one = 1.0 / f64::from(poor_claim.weight) + 1.0 / f64::from(rich_claim.weight);
                    let is_poorer = by_weight(poor) + one < by_weight(rich);
                    let may_complain = parts[poor] < poor_claim.most && parts[rich] > rich_claim.least;
                    prop_assert!(!(is_poorer && may_complain), "{parts:?} of {claims:?}");
                }
            }
        }
    }

    #[test]
    fn three_to_one_and_what_the_small_one_leaves() {
        let claim = |weight, most| Claim {
            weight,
            least: 0,
            most,
        };
        assert_eq!(fill(100, &[claim(3, 500), claim(1, 500)]), [75, 25]);
        assert_eq!(fill(100, &[claim(3, 500), claim(1, 10)]), [90, 10]);
        assert_eq!(fill(100, &[claim(3, 20), claim(1, 10)]), [20, 10]);
        assert_eq!(fill(7, &[claim(1, 9), claim(1, 9), claim(1, 9)]), [3, 2, 2]);
    }
}
