//! How good the estimates were. Each poll of a waiting visitor shows two times: `p50` ("as likely earlier as later")
//! and `p90` ("nine times in ten earlier"). So of the actual waits half should be at or under `p50`, nine tenths at or
//! under `p90`, and four tenths between the two.
//!
//! Which estimates count is decided by what was shown, never by what came of it: those whose `p90` ends before the
//! drill does. A visitor who was still not called then waited longer than `p90`; taking only those who were called
//! would flatter every estimate near the end.

/// The least actual wait of which an error is taken in per cent: times are shown in whole seconds, and of a wait of
/// two seconds a rounding is already half.
const LEAST_WAIT_MS: u64 = 10_000;
/// Bounds of the rows by length of the actual wait, in seconds.
const ROWS: [(u64, u64); 5] = [(10, 30), (30, 60), (60, 120), (120, 300), (300, u64::MAX)];

/// An estimate and what came of it. Times in milliseconds since the drill began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// When it was shown.
    pub at: u64,
    /// The wait that is as likely shorter as longer.
    pub p50: u64,
    /// The wait that is shorter in nine of ten.
    pub p90: u64,
    /// When the visitor was called, if that was before the end.
    pub called: Option<u64>,
}

/// What a set of estimates comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Estimates that count.
    pub estimates: u64,
    /// Of these, of visitors who were still not called at the end.
    pub overdue: u64,
    /// Share of the actual waits at or under `p50`; 0.5 would be perfect.
    pub within_p50: f64,
    /// Share at or under `p90`; 0.9 would be perfect.
    pub within_p90: f64,
    /// Share above `p50` and at or under `p90`; 0.4 would be perfect.
    pub between: f64,
    /// Mean of |p50 - actual| / actual, over actual waits of 10 s and more.
    pub mean_error: f64,
    /// Mean of (p50 - actual) / actual: above zero the line was faster than promised.
    pub bias: f64,
}

/// One row by the length of the actual wait, in seconds from and to.
pub type Row = ((u64, u64), Accuracy);

/// Judges the estimates that count before `end`; all together, and by how long the wait really was.
#[must_use]
pub fn accuracy(estimates: &[Estimate], end: u64) -> (Accuracy, Vec<Row>) {
    let counted: Vec<&Estimate> = estimates
        .iter()
        .filter(|estimate| estimate.at + estimate.p90 <= end)
        .collect();
    let rows = ROWS.map(|(from, to)| {
        let fits = |estimate: &&&Estimate| {
            actual(estimate).is_some_and(|wait| (from..to).contains(&(wait / 1_000)))
        };
        let part: Vec<&Estimate> = counted.iter().filter(fits).copied().collect();
        ((from, to), judge(&part))
    });
    let rows = rows.into_iter().filter(|(_, row)| row.estimates > 0);
    (judge(&counted), rows.collect())
}

fn actual(estimate: &Estimate) -> Option<u64> {
    Some(estimate.called?.saturating_sub(estimate.at))
}

fn judge(estimates: &[&Estimate]) -> Accuracy {
    let all = estimates.len() as f64;
    let share = |holds: &dyn Fn(&Estimate, u64) -> bool| {
        let held = estimates
            .iter()
            .filter(|estimate| actual(estimate).is_some_and(|wait| holds(estimate, wait)));
        held.count() as f64 / all.max(1.0)
    };
    let errors: Vec<f64> = estimates
        .iter()
        .filter_map(|estimate| {
            let wait = actual(estimate).filter(|wait| *wait >= LEAST_WAIT_MS)?;
            Some((estimate.p50 as f64 - wait as f64) / wait as f64)
        })
        .collect();
    let mean = |of: &dyn Fn(f64) -> f64| {
        errors.iter().map(|error| of(*error)).sum::<f64>() / (errors.len() as f64).max(1.0)
    };
    let within_p50 = share(&|estimate, wait| wait <= estimate.p50);
    let within_p90 = share(&|estimate, wait| wait <= estimate.p90);
    Accuracy {
        estimates: estimates.len() as u64,
        overdue: estimates
            .iter()
            .filter(|estimate| estimate.called.is_none())
            .count() as u64,
        within_p50,
        within_p90,
        between: within_p90 - within_p50,
        mean_error: mean(&f64::abs),
        bias: mean(&|error| error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(at_s: u64, p50_s: u64, p90_s: u64, called_s: Option<u64>) -> Estimate {
        let ms = |seconds: u64| seconds * 1_000;
        Estimate {
            at: ms(at_s),
            p50: ms(p50_s),
            p90: ms(p90_s),
            called: called_s.map(ms),
        }
    }

    #[test]
    fn shares_and_errors_are_of_the_actual_wait() {
        let seen = [
            estimate(0, 100, 130, Some(80)),
            estimate(0, 100, 130, Some(125)),
            estimate(0, 100, 130, Some(200)),
            estimate(0, 100, 130, None),
        ];
        let (all, rows) = accuracy(&seen, 300_000);
        assert_eq!((all.estimates, all.overdue), (4, 1));
        assert_eq!(
            (all.within_p50, all.within_p90, all.between),
            (0.25, 0.5, 0.25)
        );
        // 25% too long, 20% and 50% too short.
        assert!((all.mean_error - (0.25 + 0.2 + 0.5) / 3.0).abs() < 1e-9);
        assert!((all.bias - (0.25 - 0.2 - 0.5) / 3.0).abs() < 1e-9);
        assert_eq!(
            rows.iter()
                .map(|(_, row)| row.estimates)
                .collect::<Vec<_>>(),
            [1, 2]
        );
    }

    #[test]
    fn who_was_promised_a_call_after_the_end_does_not_count() {
        let lucky = estimate(200, 100, 130, Some(250));
        assert_eq!(accuracy(&[lucky], 300_000).0.estimates, 0);
    }

    #[test]
    fn a_wait_of_seconds_has_no_error_in_per_cent() {
        let (all, rows) = accuracy(&[estimate(0, 2, 3, Some(1))], 60_000);
        assert_eq!(
            (all.estimates, all.within_p50, all.mean_error),
            (1, 1.0, 0.0)
        );
        assert!(rows.is_empty());
    }
}
