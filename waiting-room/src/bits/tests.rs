use std::collections::BTreeSet;

use proptest::{collection::btree_set, prelude::*};

use super::*;

const BASE: u64 = 1_790_000_000_123;

fn numbers() -> impl Strategy<Value = BTreeSet<u64>> {
    btree_set(BASE..BASE + 20_000, 0..300)
}

proptest! {
    #[test]
    fn rank_and_advance_agree_with_a_plain_set(set in numbers(), from in 0_u64..20_000, want in 0_u32..400) {
        let bits: Bits = set.iter().copied().map(Number).collect();
        let (start, end) = (Number(BASE), Number(BASE + 20_000));
        let index = RankIndex::build(start..end, |chunk| *bits.words(chunk));
        let from = Number(BASE + from);
        prop_assert_eq!(index.rank(from) as usize, set.range(..from.0).count());
        prop_assert_eq!(index.has(from), set.contains(&from.0));
        let (to, got) = index.advance(from, want, end);
        let taken: Vec<_> = set.range(from.0..).take(want as usize).collect();
        prop_assert_eq!(got as usize, taken.len());
        if taken.len() == want as usize {
            prop_assert_eq!(to.0, taken.last().map_or(from.0, |last| *last + 1));
        } else {
            prop_assert_eq!(to, end);
        }
    }

    #[test]
    fn store_form_is_the_one_of_setbit(set in numbers()) {
        let bits: Bits = set.iter().copied().map(Number).collect();
        let mut back = Bits::new();
        for chunk in bits.chunks() {
            let bytes = bits.bytes(chunk);
            for number in set.range(chunk * CHUNK_NUMBERS..(chunk + 1) * CHUNK_NUMBERS) {
                let within = (number % CHUNK_NUMBERS) as usize;
                prop_assert_ne!(bytes[within / 8] & (0x80 >> (within % 8)), 0);
            }
            back.merge_bytes(chunk, &bytes);
        }
        prop_assert_eq!(back.iter().map(|n| n.0).collect::<Vec<_>>(), set.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_mask_holds_its_range_and_nothing_else(start in 0_u64..9_000, length in 0_u64..9_000) {
        let range = Number(start)..Number(start + length);
        let mut masked = Bits::new();
        for (chunk, words) in masked_chunks(range) {
            masked.merge_words(chunk, &words);
        }
        prop_assert_eq!(masked.count(), length);
        prop_assert!(masked.iter().all(|n| n.0 >= start && n.0 < start + length));
    }
}

#[test]
fn a_flush_takes_what_changed_and_a_failed_one_takes_it_again() {
    let bits = AtomicBits::default();
    bits.add(Number(7));
    bits.add(Number(BASE));
    assert_eq!(bits.take_dirty().len(), 2);
    bits.add(Number(7));
    assert!(
        bits.take_dirty().is_empty(),
        "a repeated bit changes nothing"
    );
    bits.soil();
    assert_eq!(
        bits.take_dirty()
            .iter()
            .map(|(_, words)| ones(words))
            .sum::<u64>(),
        2
    );
}
