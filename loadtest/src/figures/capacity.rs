//! Over-admission: how many were in at once, and how many were called within one sliding window.

use std::time::Duration;

use crate::clock::Moment;

/// The most intervals that overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// How many.
    pub most: u64,
    /// Since when, for the log; `None` without any interval.
    pub at: Option<Moment>,
}

/// The most moments within one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busiest {
    /// How many.
    pub most: u64,
    /// The window's first moment.
    pub from: Option<Moment>,
}

/// The most of `intervals` (from, until; `until` excluded) that hold at one moment. An end at the moment of
/// another's start does not overlap it, so the count is never above the truth.
#[must_use]
pub fn peak(intervals: Vec<(Moment, Moment)>) -> Peak {
    let real = intervals.into_iter().filter(|(from, until)| from < until);
    let mut edges: Vec<(Moment, bool)> = real
        .flat_map(|(from, until)| [(from, true), (until, false)])
        .collect();
    edges.sort_unstable();
    let (mut open, mut peak) = (0u64, Peak::default());
    for (at, starts) in edges {
        open = if starts { open + 1 } else { open - 1 };
        if open > peak.most {
            peak = Peak {
                most: open,
                at: Some(at),
            };
        }
    }
    peak
}

/// The most of `moments` that lie within less than `window` of each other.
#[must_use]
pub fn busiest_window(mut moments: Vec<Moment>, window: Duration) -> Busiest {
    moments.sort_unstable();
    let (mut first, mut busiest) = (0, Busiest::default());
    for (last, at) in moments.iter().enumerate() {
        while at.since(moments[first]) >= window {
            first += 1;
        }
        let count = (last - first + 1) as u64;
        if count > busiest.most {
            busiest = Busiest {
                most: count,
                from: Some(moments[first]),
            };
        }
    }
    busiest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(micros: u64) -> Moment {
        Moment::from_micros(micros)
    }

    #[test]
    fn a_seat_given_on_at_the_same_moment_is_not_counted_twice() {
        assert_eq!(
            peak(vec![(at(0), at(10)), (at(10), at(20)), (at(5), at(5))]).most,
            1
        );
        assert_eq!(
            peak(vec![(at(0), at(10)), (at(9), at(20))]),
            Peak {
                most: 2,
                at: Some(at(9))
            }
        );
        assert_eq!(peak(Vec::new()), Peak::default());
    }

    #[test]
    fn a_call_a_full_minute_later_is_in_the_next_window() {
        let minute = Duration::from_secs(60);
        assert_eq!(busiest_window(vec![at(0), at(60_000_000)], minute).most, 1);
        assert_eq!(busiest_window(vec![at(60_000_000), at(1)], minute).most, 2);
    }

    proptest! {
        #[test]
        fn the_peak_agrees_with_asking_at_every_start(spans in prop::collection::vec((0u64..50, 0u64..20), 0..40)) {
            let spans: Vec<_> = spans.into_iter().map(|(from, length)| (at(from), at(from + length))).collect();
            let naive = spans.iter().map(|(from, _)| {
                spans.iter().filter(|(start, end)| start <= from && from < end).count()
            }).max().unwrap_or(0);
            prop_assert_eq!(peak(spans).most, naive as u64);
        }

        #[test]
        fn the_busiest_window_agrees_with_counting_from_every_moment(
            moments in prop::collection::vec(0u64..100, 0..40), window in 1u64..30
        ) {
            let naive = moments.iter().map(|from| {
                moments.iter().filter(|other| (*from..from + window).contains(other)).count()
            }).max().unwrap_or(0);
            let moments = moments.iter().copied().map(at).collect();
            prop_assert_eq!(busiest_window(moments, Duration::from_micros(window)).most, naive as u64);
        }
    }
}
