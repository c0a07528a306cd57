//! Exact quantiles: a run has at most some millions of samples, which are cheaper to sort than to doubt.

use std::time::Duration;

/// A distribution in five numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many samples.
    pub count: usize,
    /// Half are at or below this.
    pub p50: Duration,
    /// Nine of ten are at or below this.
    pub p90: Duration,
    /// 95 of a hundred are at or below this.
    pub p95: Duration,
    /// 99 of a hundred are at or below this.
    pub p99: Duration,
    /// The largest.
    pub max: Duration,
}

/// The quantiles of `samples` by nearest rank; all zero without samples.
#[must_use]
pub fn quantiles(samples: impl Iterator<Item = Duration>) -> Quantiles {
    let mut samples: Vec<Duration> = samples.collect();
    samples.sort_unstable();
    let Some(max) = samples.last().copied() else {
        return Quantiles::default();
    };
    let at = |percent: usize| samples[(samples.len() * percent).div_ceil(100).max(1) - 1];
    Quantiles {
        count: samples.len(),
        p50: at(50),
        p90: at(90),
        p95: at(95),
        p99: at(99),
        max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_sample_by_nearest_rank() {
        let found = quantiles((1..=200).rev().map(Duration::from_millis));
        let millis =
            [found.p50, found.p90, found.p95, found.p99, found.max].map(|value| value.as_millis());
        assert_eq!((found.count, millis), (200, [100, 180, 190, 198, 200]));
        assert_eq!(
            quantiles([Duration::from_secs(1)].into_iter()).p50,
            Duration::from_secs(1)
        );
        assert_eq!(quantiles(std::iter::empty()), Quantiles::default());
    }
}
