//! The figures as text: medians, and ratios to nginx doing the same task in the same round.
//!
//! A shared machine is faster and slower by turns, for seconds on end: a ratio within a round meets both sides alike.

use std::fmt;

use super::contender::{Contender, Task};
use super::wrk::Load;

/// All contenders' figures.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) rows: Vec<Row>,
}

/// One contender's figures, a sample a round.
#[derive(Clone, Debug)]
pub(super) struct Row {
    name: &'static str,
    task: Task,
    micros: Vec<f64>,
    rates: Vec<f64>,
}

/// The peer that everything is compared with.
pub(super) const YARDSTICK: &str = "nginx";

impl Row {
    pub(super) fn of(contender: &Contender) -> Self {
        Self {
            name: contender.name,
            task: contender.task,
            micros: Vec::new(),
            rates: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, cpu_micros: u64, load: &Load) {
        self.micros
            .push(cpu_micros as f64 / load.requests.max(1) as f64);
        self.rates.push(load.per_second);
    }
}

impl Table {
    /// A row's figures as parts of nginx's in the same rounds.
    fn ratios(&self, row: &Row) -> Vec<f64> {
        let mut rows = self.rows.iter();
        let yardstick = rows.find(|other| other.task == row.task && other.name == YARDSTICK);
        let theirs = yardstick.map_or(&[][..], |row| &row.micros);
        let rounds = row.micros.iter().zip(theirs);
        rounds.map(|(ours, theirs)| ours / theirs).collect()
    }
}

/// The sample that this part of all is not above.
fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "CPU time a request (user + system, all threads), one serving thread on one core; medians of rounds,\n\
             ratios to nginx in the same round"
        )?;
        for (task, title) in [
            (Task::Proxied, "proxied to an origin"),
            (Task::Direct, "answered directly (a queue poll)"),
            (Task::Door, "the door (challenge, then number)"),
        ] {
            writeln!(
                f,
                "\n  {title:<34} {:>9} {:>9} {:>16} {:>12}",
                "CPU-us", "x nginx", "half of rounds", "requests/s"
            )?;
            for row in self.rows.iter().filter(|row| row.task == task) {
                let ratios = self.ratios(row);
                let [quarter, middle, three] =
                    [0.25, 0.5, 0.75].map(|part| quantile(&ratios, part));
                writeln!(
                    f,
                    "  {:<34} {:>9.1} {middle:>9.2} {:>16} {:>12.0}",
                    row.name,
                    quantile(&row.micros, 0.5),
                    format!("{quarter:.2} to {three:.2}"),
                    quantile(&row.rates, 0.5),
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_to_nginx_at_the_same_task_in_the_same_round() {
        let row = |name, task, micros: &[f64]| Row {
            name,
            task,
            micros: micros.to_vec(),
            rates: vec![1000.0],
        };
        let table = Table {
            rows: vec![
                row(YARDSTICK, Task::Proxied, &[10.0, 90.0, 20.0]),
                row("fluxgate", Task::Proxied, &[13.0, 108.0, 52.0]),
                row(YARDSTICK, Task::Direct, &[8.0]),
            ],
        };
        let text = table.to_string();
        let line = text.lines().find(|line| line.contains("fluxgate")).unwrap();
        assert!(
            line.contains(" 52.0 ") && line.contains(" 1.30 ") && line.contains("1.20 to 2.60"),
            "{text}"
        );
    }
}
