//! Paths lead to the digest, and nothing else does.

use proptest::prelude::*;

use super::*;

/// RFC 6962, section 2.1, word by word.
fn by_the_book(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of([]),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            Hash::of([&[1], &by_the_book(left).0, &by_the_book(right).0])
        }
    }
}

fn leaf(index: u32) -> Hash {
    Hash::of([&[0], &index.to_be_bytes(), &tags().tag(index).0])
}

fn proof(count: u32, index: u32) -> Proof {
    let tree = tree(count);
    let draw = Draw::new(&secret(), &tree.digest(), None, count);
    tree.proof(index, &draw).expect("in the list")
}

/// A list's length and an index of it.
fn ticket() -> impl Strategy<Value = (u32, u32)> {
    (1_u32..300).prop_flat_map(|count| (Just(count), 0..count))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_digest_is_the_merkle_root_of_rfc_6962(count in 0_u32..300) {
        let leaves: Vec<_> = (0..count).map(leaf).collect();
        prop_assert_eq!(tree(count).digest(), by_the_book(&leaves));
        prop_assert_eq!(tree(count).count(), count);
    }

    #[test]
    fn every_path_leads_to_the_digest((count, index) in ticket()) {
        prop_assert!(proof(count, index).leads_to(&tree(count).digest(), count));
    }

    #[test]
    fn no_altered_ticket_does((count, index) in ticket(), at: usize, bit in 0_u32..8, other: u32) {
        let (digest, proof) = (tree(count).digest(), proof(count, index));
        let mut altered = proof.clone();
        altered.tag.0[at % 16] ^= 1 << bit;
        prop_assert!(!altered.leads_to(&digest, count), "tag");
        let altered = Proof { index: other, ..proof.clone() };
        prop_assert_eq!(altered.leads_to(&digest, count), other == index, "index");
        let mut altered = digest;
        altered.0[at % 32] ^= 1 << bit;
        prop_assert!(!proof.leads_to(&altered, count), "digest");
    }

    #[test]
    fn no_altered_path_does((count, index) in ticket(), at: usize, bit in 0_u32..8) {
        let (digest, proof) = (tree(count).digest(), proof(count, index));
        if !proof.path.is_empty() {
            let step = at % proof.path.len();
            let mut altered = proof.clone();
            altered.path[step].0[at % 32] ^= 1 << bit;
            prop_assert!(!altered.leads_to(&digest, count), "changed");
            altered.path.remove(step);
            prop_assert!(!altered.leads_to(&digest, count), "shortened");
        }
        let mut altered = proof;
        altered.path.insert(at % (altered.path.len() + 1), digest);
        prop_assert!(!altered.leads_to(&digest, count), "lengthened");
    }

    #[test]
    fn the_last_ticket_sees_a_list_of_another_length(count in 1_u32..300, other in 0_u32..300) {
        let proof = proof(count, count - 1);
        prop_assert_eq!(proof.leads_to(&tree(count).digest(), other), other == count);
    }
}

#[test]
fn there_is_no_path_for_who_is_not_in_the_list() {
    let draw = Draw::new(&secret(), &tree(33).digest(), None, 33);
    assert!(tree(33).proof(32, &draw).is_some());
    assert!(tree(33).proof(33, &draw).is_none());
    assert!(
        tree(32).proof(32, &draw).is_none(),
        "a draw of another list"
    );
    assert!(tree(33).proof(u32::MAX, &draw).is_none());
}
