//! When visitors arrive: a burst when the sale opens, then the rest spread over a ramp. The times are drawn
//! before the run and kept whatever the servers do (open loop): slow answers do not thin out the crowd.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The shape of a crowd.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrivals {
    /// How many come.
    pub visitors: u32,
    /// The share that comes in the burst, 0 to 1.
    pub burst_share: f64,
    /// How long the burst lasts.
    pub burst: Duration,
    /// How long the rest takes, from the start.
    pub ramp: Duration,
}

impl Arrivals {
    /// Offsets from the start, ascending, one a visitor.
    pub fn schedule(&self, rng: &mut impl Rng) -> Vec<Duration> {
        let mut offset = |over: Duration| over.mul_f64(rng.random::<f64>());
        let burst = (f64::from(self.visitors) * self.burst_share).round() as u32;
        let mut offsets: Vec<Duration> = (0..self.visitors)
            .map(|number| {
                offset(if number < burst {
                    self.burst
                } else {
                    self.ramp
                })
            })
            .collect();
        offsets.sort_unstable();
        offsets
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn a_burst_comes_first_and_everybody_comes_in_time() {
        let shape = Arrivals {
            visitors: 1_000,
            burst_share: 0.4,
            burst: Duration::from_secs(1),
            ramp: Duration::from_secs(60),
        };
        let offsets = shape.schedule(&mut SmallRng::seed_from_u64(3));
        assert_eq!(offsets.len(), 1_000);
        assert!(offsets.is_sorted());
        assert!(offsets.iter().filter(|at| **at <= shape.burst).count() >= 400);
        assert!(offsets.last().is_some_and(|last| *last <= shape.ramp));
    }
}
