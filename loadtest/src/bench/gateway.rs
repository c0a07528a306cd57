//! `drill bench gateway`: CPU time per request of this gateway with all its steps on, of a bare Pingora proxy
//! and of nginx, for a proxied request, for a direct answer (a queue poll against nginx's `return 200`) and for the
//! door of a room (joining, against the same).
//!
//! CPU time (user and system, all threads, from /proc) divided by answered requests is the one figure that
//! survives a noisy machine. Rounds of the contenders are interleaved, and each figure is a median, so that
//! a slow minute meets all of them. One serving thread each, on one core; load and origin have the other.

mod contender;
mod field;
mod table;
mod wrk;

use std::path::PathBuf;
use std::time::Duration;

use super::NoFigures;
use crate::machine;
use field::Field;
use table::Row;
pub use table::Table;
use wrk::Wrk;

/// What is measured, and with what.
#[derive(Clone, Debug)]
pub struct GatewayBench {
    /// Where `fluxgate` and `bare-pingora` are.
    pub binaries: PathBuf,
    /// The nginx program.
    pub nginx: PathBuf,
    /// The wrk program.
    pub wrk: PathBuf,
    /// Rounds; the median of each contender's rounds is shown.
    pub rounds: usize,
    /// How long each contender is loaded in a round.
    pub each: Duration,
    /// Keep-alive connections.
    pub connections: usize,
}

impl GatewayBench {
    /// Starts the contenders, loads them in turn, stops them. `tell` hears what is being done.
    ///
    /// # Errors
    /// When a contender does not start or answers anything but 200.
    pub async fn run(&self, tell: impl Fn(&str)) -> Result<Table, NoFigures> {
        let field = Field::start(self).await?;
        let wrk = Wrk {
            program: &self.wrk,
            connections: self.connections,
            each: self.each,
        };
        let mut rows: Vec<Row> = field.contenders.iter().map(Row::of).collect();
        for round in 0..=self.rounds {
            for (contender, row) in field.contenders.iter().zip(&mut rows) {
                tell(&format!(
                    "round {round} of {}: {}",
                    self.rounds, contender.name
                ));
                let before = machine::micros(contender.pid).map_err(NoFigures::machine("/proc"))?;
                let load = wrk.load(contender).await?;
                let after = machine::micros(contender.pid).map_err(NoFigures::machine("/proc"))?;
                // Round 0 warms caches, pools and branch predictors.
                if round > 0 {
                    row.add(after.saturating_sub(before), &load);
                }
            }
        }
        Ok(Table { rows })
    }
}
