//! The figures as text: medians, and ratios to nginx doing the same task.

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
    fn yardstick(&self, task: Task) -> f64 {
        let row = self
            .rows
            .iter()
            .find(|row| row.task == task && row.name == YARDSTICK);
        row.map_or(f64::NAN, |row| median(&row.micros))
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "CPU time a request (user + system, all threads), one serving thread on one core; medians of rounds"
        )?;
        for (task, title) in [
            (Task::Proxied, "proxied to an origin"),
            (Task::Direct, "answered directly (a queue poll)"),
            (Task::Door, "the door (challenge, then number)"),
        ] {
            writeln!(
                f,
                "\n  {title:<34} {:>9} {:>9} {:>12} {:>20}",
                "CPU-us", "x nginx", "requests/s", "rounds, CPU-us"
            )?;
            for row in self.rows.iter().filter(|row| row.task == task) {
                let micros = median(&row.micros);
                let ratio = micros / self.yardstick(task);
                let rounds: Vec<String> = row
                    .micros
                    .iter()
                    .map(|sample| format!("{sample:.1}"))
                    .collect();
                writeln!(
                    f,
                    "  {:<34} {micros:>9.1} {ratio:>9.2} {:>12.0} {:>20}",
                    row.name,
                    median(&row.rates),
                    rounds.join(" ")
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
    fn ratios_are_of_medians_to_nginx_at_the_same_task() {
        let row = |name, task, micros: &[f64]| Row {
            name,
            task,
            micros: micros.to_vec(),
            rates: vec![1000.0],
        };
        let table = Table {
            rows: vec![
                row(YARDSTICK, Task::Proxied, &[10.0, 90.0, 20.0]),
                row("fluxgate", Task::Proxied, &[26.0]),
                row(YARDSTICK, Task::Direct, &[8.0]),
            ],
        };
        let text = table.to_string();
        let line = text.lines().find(|line| line.contains("fluxgate")).unwrap();
        assert!(line.contains(" 26.0 ") && line.contains(" 1.30 "), "{text}");
    }
}
