use std::{sync::Arc, thread};

use proptest::prelude::*;

use super::*;

fn of(times_us: &[u64]) -> Latencies {
    let mut latencies = Latencies::default();
    for us in times_us {
        latencies.record(Duration::from_micros(*us));
    }
    latencies
}

#[test]
fn an_empty_one_knows_no_quantile() {
    assert_eq!(Latencies::default().quantile(0.95), None);
    assert_eq!(Latencies::default().count(), 0);
    assert!(Latencies::default().encode().is_empty());
}

#[test]
fn the_ends_of_the_scale_catch_what_is_beyond() {
    let shortest = of(&[0]).quantile(0.5).expect("one");
    let longest = of(&[u64::MAX / 1_000]).quantile(0.5).expect("one");
    assert!(shortest >= Duration::from_millis(1) && shortest < Duration::from_micros(1_040));
    assert!(longest > Duration::from_secs(60) && longest < Duration::from_secs(66));
    assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
}

#[test]
fn strange_shares_ask_for_the_ends() {
    let three = of(&[10_000, 20_000, 40_000]);
    let (first, last) = (three.quantile(0.1), three.quantile(1.0));
    assert_eq!(three.quantile(-1.0), first);
    assert_eq!(three.quantile(f64::NAN), first);
    assert_eq!(three.quantile(7.0), last);
    assert!(first < last);
}

#[test]
fn what_is_slower_than_a_bound_is_counted() {
    let four = of(&[100_000, 199_000, 230_000, 9_000_000]);
    assert_eq!(four.over(Duration::from_millis(215)), 2);
    assert_eq!(four.over(Duration::ZERO), 4);
    assert_eq!(four.over(Duration::MAX), 0);
}

#[test]
fn the_total_is_the_sum() {
    let total = of(&[100_000, 200_000, 700_000]).total().as_secs_f64();
    assert!((total - 1.0).abs() < 0.04, "{total}");
    assert_eq!(Latencies::default().total(), Duration::ZERO);
}

#[test]
fn a_full_bucket_stays_full() {
    let mut full = of(&[5_000]);
    full.counts[bucket(Duration::from_millis(5))] = u32::MAX;
    full.merge(&full.clone());
    full.record(Duration::from_millis(5));
    assert_eq!(full.count(), u64::from(u32::MAX));
}

#[test]
fn nothing_is_lost_or_doubled_between_threads_and_takes() {
    let shared = Arc::new(AtomicLatencies::default());
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                (0..5_000).for_each(|i| shared.record(Duration::from_micros(i * (writer + 1))));
            })
        })
        .collect();
    let mut taken = Latencies::default();
    while !writers.iter().all(thread::JoinHandle::is_finished) {
        taken.merge(&shared.take());
    }
    writers
        .into_iter()
        .for_each(|writer| writer.join().expect("no panic"));
    taken.merge(&shared.take());
    assert_eq!(taken.count(), 15_000);
    assert_eq!(shared.take(), Latencies::default());
}

#[test]
fn a_fleets_second_of_answers_fits_in_a_few_dozen_bytes() {
    // 2,000 answers between 20 and 60 ms.
    let times: Vec<u64> = (0..2_000).map(|i| 20_000 + i * 20).collect();
    let bytes = of(&times).encode();
    assert!(bytes.len() < 80, "{} bytes", bytes.len());
    let worst = Latencies {
        counts: [u32::MAX; BUCKETS],
    };
    assert!(worst.encode().len() <= 1_792);
}

proptest! {
    #[test]
    fn a_quantile_is_off_by_at_most_five_per_cent(
        mut times in proptest::collection::vec(1_000_u64..=60_000_000, 1..200), share in 0.0..=1.0_f64,
    ) {
        let told = of(&times).quantile(share).expect("not empty").as_secs_f64();
        times.sort_unstable();
        let rank = ((share * times.len() as f64).ceil() as usize).clamp(1, times.len());
        let exact = times[rank - 1] as f64 / 1e6;
        prop_assert!((told - exact).abs() <= exact * 0.05, "{told} for {exact}");
    }

    #[test]
    fn longer_times_are_never_in_a_lower_bucket(one_us in 0_u64..70_000_000, more_us in 0_u64..1_000_000) {
        let (one, more) = (Duration::from_micros(one_us), Duration::from_micros(one_us + more_us));
        prop_assert!(bucket(one) <= bucket(more));
        prop_assert_eq!(bucket(middle(bucket(one))), bucket(one));
    }

    #[test]
    fn merging_is_recording_together_and_both_survive_the_store(
        left in proptest::collection::vec(0_u64..70_000_000, 0..50),
        right in proptest::collection::vec(0_u64..70_000_000, 0..50),
    ) {
        let mut merged = of(&left);
        merged.merge(&of(&right));
        prop_assert_eq!(&merged, &of(&[left, right].concat()));
        prop_assert_eq!(Latencies::decode(&merged.encode()), Ok(merged));
    }

    #[test]
    fn hostile_bytes_are_refused_or_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(read) = Latencies::decode(&bytes) {
            prop_assert_eq!(Latencies::decode(&read.encode()), Ok(read));
        }
    }
}

#[test]
fn a_store_form_with_an_empty_or_an_unknown_bucket_is_refused() {
    assert_eq!(Latencies::decode(&[0, 0]), Err(CodecError));
    assert_eq!(Latencies::decode(&[0x80, 0x02, 1]), Err(CodecError));
    assert!(Latencies::decode(&[0xff, 0x01, 1]).is_ok());
    assert_eq!(Latencies::decode(&[3]), Err(CodecError));
    let wide = [&[0xff; 9][..], &[0x01, 1]].concat();
    assert_eq!(Latencies::decode(&wide), Err(CodecError));
    assert_eq!(
        Latencies::decode(&[0, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        Err(CodecError)
    );
}
