//! `drill bench payments`: how many payments a second the core makes, and how long one takes, beside what
//! pgbench gets out of the same PostgreSQL in the same run.
//!
//! One payment is one `POST /api/v1/payments` with a paymentKey that was authorised in bulk before. First as
//! many at once as the connections allow (the maximum), then at a fixed rate whose times are drawn
//! beforehand (open loop): latency counts from when a payment was due, however late it was sent.

mod load;
mod sandbox;
mod yardstick;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::NoFigures;
use crate::clock::Clock;
use crate::drill::shown;
use crate::figures::Quantiles;
use load::{Load, Pacing};
use sandbox::Sandbox;
use yardstick::Yardstick;

/// What is measured, and where.
#[derive(Clone)]
pub struct PaymentsBench {
    /// psp-sim, as `http://host:port`.
    pub psp: String,
    /// The tenant's secret at the PSP.
    pub psp_secret: String,
    /// The core, as `http://host:port`.
    pub core: String,
    /// A superuser's address of the core's PostgreSQL.
    pub database: String,
    /// The tenant's secret API key.
    pub key: String,
    /// The pgbench program.
    pub pgbench: PathBuf,
    /// Connections to the core.
    pub connections: usize,
    /// Payments a second in the open-loop part.
    pub rate: u32,
    /// How long each part takes.
    pub each: Duration,
}

impl fmt::Debug for PaymentsBench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = (&self.core, &self.connections, &self.rate, &self.each);
        f.debug_tuple("PaymentsBench").field(&shown).finish()
    }
}

/// What one part measured.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Approved payments a second.
    pub per_second: f64,
    /// Latency of approved payments.
    pub latency: Quantiles,
    /// Everything else that was answered, by status or fault.
    pub others: Vec<(String, u64)>,
}

/// The figures of a run.
#[derive(Clone, Debug)]
pub struct PaymentFigures {
    /// pgbench before and after.
    pub yardstick: [f64; 2],
    /// Maximum and open loop.
    pub parts: Vec<Part>,
}

/// Payments that warm up connections, prepared statements and caches, and are not counted.
const WARM_UP: usize = 500;
/// More than any machine of ours makes in a second, so that the maximum never runs out of keys.
const CEILING: usize = 4_000;

impl PaymentsBench {
    /// Measures. `tell` hears what is being done.
    ///
    /// # Errors
    /// When a server cannot be asked; a refused payment is a figure, not an error.
    pub async fn run(&self, tell: impl Fn(&str)) -> Result<PaymentFigures, NoFigures> {
        let yardstick = Yardstick::prepare(&self.database, &self.pgbench).await?;
        let sandbox = Sandbox {
            url: self.psp.clone(),
            secret: self.psp_secret.clone(),
        };
        let clock = Clock::start();
        let load = Arc::new(Load::new(&self.core, &self.key, clock, self.connections)?);
        tell("pgbench, before");
        let before = yardstick.measure().await?;
        tell("warming up");
        load.run(
            sandbox.authorise(WARM_UP).await?,
            Pacing::Closed { lasts: self.each },
        )
        .await;
        tell("as many as it can");
        let seconds = usize::try_from(self.each.as_secs()).unwrap_or(1).max(1);
        let keys = sandbox.authorise(CEILING * seconds).await?;
        let maximum = load.run(keys, Pacing::Closed { lasts: self.each }).await;
        tell(&format!("{} a second", self.rate));
        let keys = sandbox.authorise(self.rate as usize * seconds).await?;
        let paced = load.run(keys, Pacing::Open { rate: self.rate }).await;
        tell("pgbench, after");
        let after = yardstick.measure().await?;
        yardstick.clear().await?;
        let parts = vec![
            maximum.part(format!("maximum, {} connections", self.connections)),
            paced.part(format!("open loop at {}/s", self.rate)),
        ];
        Ok(PaymentFigures {
            yardstick: [before, after],
            parts,
        })
    }
}

impl fmt::Display for PaymentFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, after] = self.yardstick;
        writeln!(
            f,
            "Payments: one POST each, psp-sim, core, PostgreSQL and load on one machine"
        )?;
        writeln!(
            f,
            "  pgbench -N (simple update, 32 clients, prepared)   {before:.0}/s before, {after:.0}/s after"
        )?;
        for part in &self.parts {
            let latency = part.latency;
            let ratio = part.per_second / ((before + after) / 2.0);
            writeln!(
                f,
                "  {:<34} {:>7.0} payments/s ({ratio:.2} of pgbench)",
                part.name, part.per_second
            )?;
            let [p50, p95, p99, max] =
                [latency.p50, latency.p95, latency.p99, latency.max].map(shown);
            writeln!(
                f,
                "  {:<34} p50 {p50}   p95 {p95}   p99 {p99}   max {max}",
                ""
            )?;
            for (what, count) in &part.others {
                writeln!(f, "  {:<34} {count} x {what}", "")?;
            }
        }
        Ok(())
    }
}
