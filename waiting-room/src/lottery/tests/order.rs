//! The order is a permutation, a fair one, and hangs on every bit of what it is made from.

use proptest::prelude::*;

use super::*;

fn draw(seed: u64, count: u32) -> Draw {
    let digest = Hash::of([&seed.to_be_bytes()]);
    Draw::new(&secret(), &digest, None, count)
}

/// How far counts are from being all the same: chi-square.
fn chi_square(counts: &[u32]) -> f64 {
    let mean = counts.iter().map(|n| f64::from(*n)).sum::<f64>() / counts.len() as f64;
    counts
        .iter()
        .map(|n| (f64::from(*n) - mean).powi(2) / mean)
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_ticket_has_a_place_and_every_place_a_ticket(seed: u64, count in 0_u32..600) {
        let draw = draw(seed, count);
        let mut places: Vec<_> = (0..count).map(|index| draw.place(index)).collect();
        for (index, place) in (0..count).zip(&places) {
            prop_assert_eq!(place.and_then(|place| draw.index(place)), Some(index));
        }
        places.sort_unstable();
        prop_assert!(places.into_iter().eq((0..count).map(Some)));
    }

    #[test]
    fn long_lists_have_an_inverse_too(seed: u64, count in 1_u32.., share: u32) {
        let (draw, index) = (draw(seed, count), share % count);
        let place = draw.place(index).expect("in the list");
        prop_assert!(place < count);
        prop_assert_eq!(draw.index(place), Some(index));
    }

    #[test]
    fn nobody_beyond_the_end_has_a_place(seed: u64, count: u32, beyond: u32) {
        let outside = count.saturating_add(beyond);
        prop_assert_eq!(draw(seed, count).place(outside), None);
        prop_assert_eq!(draw(seed, count).index(outside), None);
    }

    #[test]
    fn one_bit_of_secret_list_or_beacon_changes_the_draw(bit in 0_usize..256) {
        let flipped = |mut bytes: [u8; 32]| {
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        let digest = tree(40).digest();
        let order = |secret: &Secret, digest: &Hash, beacon: &[u8]| -> Vec<_> {
            let beacon = Beacon::new(beacon.to_vec()).expect("32 bytes");
            let draw = Draw::new(secret, digest, Some(&beacon), 40);
            (0..40).map(|index| draw.place(index)).collect()
        };
        let public = [7; 32];
        let drawn = order(&secret(), &digest, &public);
        let other_secret = Secret(flipped(secret().reveal().0));
        prop_assert_ne!(&order(&other_secret, &digest, &public), &drawn);
        prop_assert_ne!(&order(&secret(), &Bytes(flipped(digest.0)), &public), &drawn);
        prop_assert_ne!(&order(&secret(), &digest, &flipped(public)), &drawn);
    }
}

#[test]
fn a_beacon_changes_the_draw_and_the_draw_says_what_it_is_of() {
    let digest = tree(40).digest();
    let with = Draw::new(&secret(), &digest, Some(&beacon()), 40);
    let without = Draw::new(&secret(), &digest, None, 40);
    assert_ne!(with.seed(), without.seed());
    assert_eq!(with.count(), 40);
}

/// Neighbours in the line, such as a bot's thousand joins within a second, land all over.
#[test]
fn a_run_of_arrivals_is_spread_evenly_over_a_long_line() {
    const COUNT: u32 = 1_000_000;
    for first in [0, 600_000, COUNT - 10_000] {
        let draw = draw(u64::from(first), COUNT);
        let mut tenths = [0; 10];
        for index in first..first + 10_000 {
            let place = draw.place(index).expect("in the list");
            tenths[(place / (COUNT / 10)) as usize] += 1;
        }
        // Nine degrees of freedom: once in ten thousand it is above 33.7.
        assert!(chi_square(&tenths) < 33.7, "{tenths:?}");
    }
}

/// Narrow halves are where a Feistel network is weakest: with four rounds this fails.
#[test]
fn a_handful_of_tickets_have_the_same_chance_of_every_place() {
    const DRAWS: u32 = 1_000;
    for count in 2..=6_u32 {
        let mut cells = vec![0_u32; (count * count) as usize];
        for seed in 0..DRAWS {
            let draw = draw(seed.into(), count);
            for index in 0..count {
                let place = draw.place(index).expect("in the list");
                cells[(index * count + place) as usize] += 1;
            }
        }
        let mean = f64::from(DRAWS) / f64::from(count);
        let deviation = (mean * (1.0 - 1.0 / f64::from(count))).sqrt();
        for cell in &cells {
            let off = (f64::from(*cell) - mean).abs() / deviation;
            assert!(off < 4.5, "{count} tickets, {off} deviations: {cells:?}");
        }
    }
}
