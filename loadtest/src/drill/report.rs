//! A drill's report: figures as text and JSON, and the flaws that make the exit code non-zero.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::figures::{Figures, Limits, Quantiles};
use crate::record::Outcome;

/// What a drill measured.
#[derive(Clone, Debug)]
pub struct Report {
    /// The figures.
    pub figures: Figures,
    /// What was allowed.
    pub limits: Limits,
    /// From the first arrival to the last goodbye.
    pub took: Duration,
    /// How many should have come.
    pub visitors: u32,
}

/// A figure that is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Somebody never arrived.
    Missing(u64),
    /// Pairs served in the wrong order.
    Inversions(u64),
    /// More passes, or passes and calls, than seats.
    OverCapacity(u64),
    /// More calls in a minute than allowed.
    OverRate(u64),
    /// A position rose in front of its visitor's eyes.
    PositionRose(u64),
    /// Visits that failed or did not end in time.
    Unfinished(u64),
    /// Things that went wrong without a network to blame.
    Troubles(u64),
    /// Requests without an answer.
    Network(u64),
    /// Nobody paid.
    NobodyPaid,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(count) => write!(f, "{count} visitors never arrived"),
            Self::Inversions(count) => write!(f, "{count} pairs were called in the wrong order"),
            Self::OverCapacity(count) => write!(
                f,
                "{count} more seats were taken than capacity.active allows"
            ),
            Self::OverRate(count) => write!(
                f,
                "{count} more calls in a minute than capacity.per_minute allows"
            ),
            Self::PositionRose(count) => write!(f, "a shown position rose {count} times"),
            Self::Unfinished(count) => write!(f, "{count} visits failed or did not end in time"),
            Self::Troubles(count) => write!(f, "{count} unexplained errors"),
            Self::Network(count) => write!(f, "{count} requests without an answer"),
            Self::NobodyPaid => write!(f, "nobody paid"),
        }
    }
}

impl Report {
    /// Every figure that is off.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        let figures = &self.figures;
        let ended = |outcome| figures.outcomes.get(&outcome).copied().unwrap_or(0);
        let troubles = |network: bool| {
            figures
                .troubles
                .iter()
                .filter(|((_, _, net), _)| *net == network)
                .map(|(_, count)| count)
                .sum::<u64>()
        };
        let over = figures
            .seats
            .most
            .max(figures.live_passes.most)
            .saturating_sub(self.limits.active);
        let counted = [
            Flaw::Missing(u64::from(self.visitors).saturating_sub(figures.arrived)),
            Flaw::Inversions(figures.inversions.pairs),
            Flaw::OverCapacity(over),
            Flaw::OverRate(figures.calls.most.saturating_sub(self.limits.per_minute)),
            Flaw::PositionRose(figures.position_rises),
            Flaw::Unfinished(ended(Outcome::Failed) + ended(Outcome::OutOfTime)),
            Flaw::Troubles(troubles(false)),
            Flaw::Network(troubles(true)),
        ];
        let mut flaws: Vec<Flaw> = counted
            .into_iter()
            .filter(|flaw| flaw.count() > 0)
            .collect();
        if figures.payments == 0 {
            flaws.push(Flaw::NobodyPaid);
        }
        flaws
    }

    /// For a report file.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let figures = &self.figures;
        json!({
            "visitors": self.visitors,
            "arrived": figures.arrived,
            "joined": figures.joined,
            "admitted": figures.admitted,
            "seconds": self.took.as_secs_f64(),
            "waited_seconds": quantiles_json(&figures.waited),
            "order_inversions": figures.inversions.pairs,
            "overtaken": figures.inversions.overtaken.len(),
            "polled_late": figures.tardy,
            "position_rises": figures.position_rises,
            "capacity": {
                "active": self.limits.active,
                "live_passes_peak": figures.live_passes.most,
                "seats_peak": figures.seats.most,
                "per_minute": self.limits.per_minute,
                "calls_in_busiest_minute": figures.calls.most,
            },
            "payments": figures.payments,
            "limited": figures.limited,
            "outcomes": figures.outcomes.iter().map(|(outcome, count)| (outcome.name().to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
            "troubles": figures.troubles.iter().map(|((step, kind, network), count)| json!({
                "step": step.name(), "kind": kind, "network": network, "count": count,
            })).collect::<Vec<_>>(),
            "latency_seconds": figures.latencies.iter().map(|(step, latency)| (step.name().to_owned(), quantiles_json(latency))).collect::<serde_json::Map<_, _>>(),
            "flaws": self.flaws().iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }
}

impl Flaw {
    const fn count(&self) -> u64 {
        match self {
            Self::Missing(count)
            | Self::Inversions(count)
            | Self::OverCapacity(count)
            | Self::OverRate(count)
            | Self::PositionRose(count)
            | Self::Unfinished(count)
            | Self::Troubles(count)
            | Self::Network(count) => *count,
            Self::NobodyPaid => 1,
        }
    }
}

fn quantiles_json(of: &Quantiles) -> Value {
    let [p50, p90, p95, p99, max] =
        [of.p50, of.p90, of.p95, of.p99, of.max].map(|value| value.as_secs_f64());
    json!({ "count": of.count, "p50": p50, "p90": p90, "p95": p95, "p99": p99, "max": max })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (figures, limits) = (&self.figures, &self.limits);
        let waited = figures.waited;
        writeln!(
            f,
            "Drill: {} visitors in {:.1} s",
            self.visitors,
            self.took.as_secs_f64()
        )?;
        writeln!(
            f,
            "  arrived {}   joined {}   admitted {}   payments {}",
            figures.arrived, figures.joined, figures.admitted, figures.payments
        )?;
        writeln!(f, "  waited            {}", spread(&waited))?;
        writeln!(
            f,
            "  order inversions  {} pairs, {} overtaken   (polled late and left out: {})",
            figures.inversions.pairs,
            figures.inversions.overtaken.len(),
            figures.tardy
        )?;
        for seen in &figures.examples {
            write!(
                f,
                "    visitor {} was called before visitor {}, who had a place first and was called at {}",
                seen.overtaken.by,
                seen.overtaken.first,
                shown(seen.called)
            )?;
            if let Some((sent, took)) = seen.slowest.map(|(sent, took)| (shown(sent), shown(took)))
            {
                write!(f, "; its slowest poll was sent at {sent} and took {took}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "  positions risen   {}", figures.position_rises)?;
        writeln!(
            f,
            "  seats             {} at once of {} ({} of them certain passes)",
            figures.seats.most, limits.active, figures.live_passes.most
        )?;
        writeln!(
            f,
            "  calls             {} in the busiest minute of {}",
            figures.calls.most, limits.per_minute
        )?;
        writeln!(f, "  polite refusals   {}", figures.limited)?;
        self.fmt_steps(f)
    }
}

impl Report {
    /// How visits ended, how long each step took, and what went wrong.
    fn fmt_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = &self.figures;
        let outcomes: Vec<String> = figures
            .outcomes
            .iter()
            .map(|(outcome, count)| format!("{} {count}", outcome.name()))
            .collect();
        writeln!(f, "  ended             {}", outcomes.join("   "))?;
        writeln!(
            f,
            "  latency           {:>9} {:>9} {:>9} {:>9} {:>9}",
            "count", "p50", "p95", "p99", "max"
        )?;
        for (step, latency) in &figures.latencies {
            let [p50, p95, p99, max] =
                [latency.p50, latency.p95, latency.p99, latency.max].map(shown);
            writeln!(
                f,
                "    {:<15} {:>9} {p50:>9} {p95:>9} {p99:>9} {max:>9}",
                step.name(),
                latency.count
            )?;
        }
        for ((step, kind, network), count) in &figures.troubles {
            let whose = if *network { " (network)" } else { "" };
            writeln!(
                f,
                "  error             {count} x {}: {kind}{whose}",
                step.name()
            )?;
        }
        Ok(())
    }
}

/// A distribution a person reads at a glance.
pub(crate) fn spread(of: &Quantiles) -> String {
    let Quantiles {
        p50, p90, p99, max, ..
    } = *of;
    let [p50, p90, p99, max] = [p50, p90, p99, max].map(shown);
    format!("p50 {p50}   p90 {p90}   p99 {p99}   max {max}")
}

/// A duration a person reads at a glance.
pub(crate) fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.001 {
        format!("{:.2} ms", seconds * 1e3)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}
