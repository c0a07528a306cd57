//! The report of the adaptive drill: as text with every second, as a page with charts, and what of it is off.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::{AdaptiveDrill, Second, best_rate};
use crate::chart::{self, Chart, Series};

/// The law's promise: the p95 is under its target again so soon after the origin slowed.
const BACK_WITHIN: usize = 15;
/// And so much of what the origin can do under that target is done.
const GOOD_SHARE: f64 = 0.9;
/// What is not yet steady after the start and after each change.
const SETTLES: [usize; 3] = [60, 20, 40];
/// A p95 of two seconds is off by some per cent by chance.
const CHANCE: f64 = 1.03;

/// What the drill measured.
#[derive(Clone, Debug)]
pub struct AdaptiveReport {
    pub(super) drill: AdaptiveDrill,
    pub(super) seconds: Vec<Second>,
    /// The mean work on a request before, while and after the origin was slow, as the origin did it.
    pub(super) works: [Duration; 3],
    pub(super) admitted: u64,
    pub(super) troubles: u64,
}

/// A stretch of the drill.
#[derive(Clone, Copy, Debug)]
struct Phase {
    name: &'static str,
    /// What the origin can do: on the whole, and with its p95 under the target.
    most: f64,
    best: f64,
    /// What it did, answers a second, and how many of these within the target.
    answers: f64,
    good: f64,
    p95: Duration,
    inside: f64,
}

impl AdaptiveReport {
    /// What is off, a sentence each.
    #[must_use]
    pub fn flaws(&self) -> Vec<String> {
        let mut flaws = Vec::new();
        match self.back_after() {
            Some(back) if back <= BACK_WITHIN => {}
            Some(back) => flaws.push(format!("the p95 was under its target only after {back} s")),
            None => flaws.push("the p95 never came under its target again".to_owned()),
        }
        for phase in self.phases() {
            if phase.good < GOOD_SHARE * phase.best {
                let share = 100.0 * phase.good / phase.best;
                flaws.push(format!(
                    "{}: {share:.0}% of what the origin can do",
                    phase.name
                ));
            }
        }
        if self.troubles > 0 {
            flaws.push(format!(
                "{} requests without a proper answer",
                self.troubles
            ));
        }
        flaws
    }

    /// Seconds from the slowing until the p95 of two seconds was under the target, and stayed so over the next five.
    fn back_after(&self) -> Option<usize> {
        let from = self.index(self.drill.halved_at);
        let until = self.index(self.drill.whole_at).saturating_sub(5);
        let target = self.drill.target.mul_f64(CHANCE);
        // It takes a second until the first slow answers end.
        (from + 2..until)
            .find(|at| self.p95(at - 1..at + 1) <= target && self.p95(*at..at + 5) <= target)
            .map(|at| at - from)
    }

    fn index(&self, at: Duration) -> usize {
        self.seconds
            .partition_point(|second| second.at < at.as_secs_f64())
    }

    fn p95(&self, seconds: Range<usize>) -> Duration {
        let part = self.seconds.get(seconds).unwrap_or_default();
        let mut answers: Vec<Duration> = part
            .iter()
            .flat_map(|second| &second.answers)
            .copied()
            .collect();
        answers.sort_unstable();
        let at = (answers.len() * 95).div_ceil(100).max(1) - 1;
        answers.get(at).copied().unwrap_or_default()
    }

    fn phases(&self) -> Vec<Phase> {
        let edges = [
            Duration::ZERO,
            self.drill.halved_at,
            self.drill.whole_at,
            self.drill.ends_at,
        ]
        .map(|at| self.index(at));
        let names = ["whole", "half as fast", "whole again"];
        let mut phases = Vec::new();
        for (phase, name) in names.into_iter().enumerate() {
            let from = edges[phase] + SETTLES[phase];
            if from < edges[phase + 1] {
                phases.push(self.phase(name, from..edges[phase + 1], self.works[phase]));
            }
        }
        phases
    }

    fn phase(&self, name: &'static str, seconds: Range<usize>, work: Duration) -> Phase {
        let part = &self.seconds[seconds.clone()];
        let length = part.last().map_or(1.0, |last| last.at)
            - part.first().map_or(0.0, |first| first.at - 1.0);
        let answers: usize = part.iter().map(|second| second.answers.len()).sum();
        let good: usize = part.iter().map(|second| self.good(second)).sum();
        let inside: u64 = part.iter().map(|second| second.inside).sum();
        let (workers, work) = (self.drill.workers, work.as_secs_f64());
        Phase {
            name,
            most: workers as f64 / work,
            best: best_rate(workers, work, self.drill.target.as_secs_f64()),
            answers: answers as f64 / length,
            good: good as f64 / length,
            p95: self.p95(seconds),
            inside: inside as f64 / part.len() as f64,
        }
    }

    fn good(&self, second: &Second) -> usize {
        second
            .answers
            .iter()
            .filter(|took| **took <= self.drill.target)
            .count()
    }

    /// The report as one HTML file.
    #[must_use]
    pub fn page(&self) -> String {
        let at: Vec<f64> = self.seconds.iter().map(|second| second.at).collect();
        let marks = vec![
            (
                self.drill.halved_at.as_secs_f64(),
                "half as fast".to_owned(),
            ),
            (self.drill.whole_at.as_secs_f64(), "whole again".to_owned()),
        ];
        let each = |name: &str, of: &dyn Fn(&Second) -> f64| {
            Series::new(name, self.seconds.iter().map(of))
        };
        let chart = |title: &str, series: Vec<Series>, level| Chart {
            title: title.into(),
            at: at.clone(),
            series,
            level,
            marks: marks.clone(),
        };
        let p95s = (0..self.seconds.len())
            .map(|at| self.p95(at.saturating_sub(1)..at + 1).as_secs_f64() * 1e3);
        let target = self.drill.target.as_secs_f64() * 1e3;
        let charts = [
            chart(
                "p95 at the origin over two seconds, ms",
                vec![Series::new("p95", p95s)],
                Some((target, "target".into())),
            ),
            chart(
                "Answers a second",
                vec![
                    each("answers", &|second| second.answers.len() as f64),
                    each("within the target", &|second| self.good(second) as f64),
                    Series::new(
                        "what the origin can do under the target",
                        self.seconds.iter().map(|second| self.best_at(second.at)),
                    ),
                ],
                None,
            ),
            chart(
                "People",
                vec![
                    each("inside", &|second| second.inside as f64),
                    each("requests at the origin", &|second| second.crowd as f64),
                ],
                None,
            ),
        ];
        chart::page(
            "An origin that becomes half as fast",
            &self.to_string(),
            &charts,
        )
    }

    fn best_at(&self, at: f64) -> f64 {
        let phase = usize::from(at >= self.drill.halved_at.as_secs_f64())
            + usize::from(at >= self.drill.whole_at.as_secs_f64());
        best_rate(
            self.drill.workers,
            self.works[phase].as_secs_f64(),
            self.drill.target.as_secs_f64(),
        )
    }
}

impl fmt::Display for AdaptiveReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drill = &self.drill;
        writeln!(
            f,
            "Adaptive: {} workers of {:.0} ms, half as fast from {:.0} s to {:.0} s; target p95 {:.0} ms; {} admitted, {} troubles",
            drill.workers,
            drill.work.as_secs_f64() * 1e3,
            drill.halved_at.as_secs_f64(),
            drill.whole_at.as_secs_f64(),
            drill.target.as_secs_f64() * 1e3,
            self.admitted,
            self.troubles
        )?;
        match self.back_after() {
            Some(back) => writeln!(
                f,
                "  p95 under its target again {back} s after the origin slowed (at most {BACK_WITHIN})"
            )?,
            None => writeln!(f, "  p95 never under its target again")?,
        }
        writeln!(
            f,
            "  The origin can do: M/M/c with the work it really did; under the target: its p95 there."
        )?;
        writeln!(
            f,
            "    {:<14} {:>9} {:>13} {:>10} {:>8} {:>9} {:>9} {:>7}",
            "settled", "can/s", "under target", "answers/s", "good/s", "of target", "p95", "inside"
        )?;
        for phase in self.phases() {
            writeln!(
                f,
                "    {:<14} {:>9.0} {:>13.0} {:>10.0} {:>8.0} {:>8.1}% {:>6.0} ms {:>7.0}",
                phase.name,
                phase.most,
                phase.best,
                phase.answers,
                phase.good,
                100.0 * phase.good / phase.best,
                phase.p95.as_secs_f64() * 1e3,
                phase.inside
            )?;
        }
        writeln!(
            f,
            "    {:>6} {:>9} {:>7} {:>8} {:>7} {:>10}",
            "second", "answers", "good", "p95, ms", "inside", "at origin"
        )?;
        for (at, second) in self.seconds.iter().enumerate() {
            writeln!(
                f,
                "    {:>6.0} {:>9} {:>7} {:>8.0} {:>7} {:>10}",
                second.at,
                second.answers.len(),
                self.good(second),
                self.p95(at..at + 1).as_secs_f64() * 1e3,
                second.inside,
                second.crowd
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(slow_for: usize) -> AdaptiveReport {
        let second = |at: usize| {
            let is_slow = (100..100 + slow_for).contains(&at);
            let took = Duration::from_millis(if is_slow { 400 } else { 100 });
            Second {
                at: at as f64 + 1.0,
                answers: vec![took; 190],
                inside: 200,
                crowd: 8,
            }
        };
        AdaptiveReport {
            drill: AdaptiveDrill {
                gateways: Vec::new(),
                room: String::new(),
                path: String::new(),
                origin: ([127, 0, 0, 1], 1).into(),
                workers: 8,
                work: Duration::from_millis(20),
                target: Duration::from_millis(200),
                crowd: 1,
                stay: Duration::from_secs(8),
                think: Duration::from_secs(1),
                halved_at: Duration::from_secs(101),
                whole_at: Duration::from_secs(200),
                ends_at: Duration::from_secs(210),
                seed: 1,
            },
            seconds: (0..210).map(second).collect(),
            works: [20, 40, 20].map(Duration::from_millis),
            admitted: 1,
            troubles: 0,
        }
    }

    #[test]
    fn the_way_back_is_timed_and_what_is_left_undone_is_off() {
        assert_eq!(report(10).back_after(), Some(11));
        assert!(report(30).flaws()[0].contains("only after 31 s"));
        assert!(report(99).flaws()[0].contains("never"));
        let flaws = report(10).flaws();
        // 190 a second are nearly all that the slow origin can do, and half of what the whole one can.
        assert_eq!(flaws.len(), 1, "{flaws:?}");
        assert!(flaws[0].starts_with("whole: "), "{flaws:?}");
    }
}
