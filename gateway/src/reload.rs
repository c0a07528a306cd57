//! Reloading the configuration: validate, compare, swap. A file that is wrong changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::config::{Config, ConfigError, needs_restart};
use crate::live::Live;
use crate::metrics::Metrics;

mod difference;

use difference::Difference;

/// Why the running configuration stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{} cannot change while the gateway runs: restart it to apply the file", keys.join(", "))]
    NeedsRestart { keys: Vec<&'static str> },
}

/// Swaps configurations.
#[derive(Debug)]
pub(crate) struct Reloader {
    file: PathBuf,
    live: Arc<ArcSwap<Live>>,
    metrics: Arc<Metrics>,
    running: Mutex<Config>,
}

impl Reloader {
    /// Takes over the configuration that the process began with.
    pub(crate) fn new(
        file: PathBuf,
        config: Config,
        live: Arc<ArcSwap<Live>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        metrics.config_good.set(1);
        show_version(&metrics, &live.load());
        Self {
            file,
            live,
            metrics,
            running: Mutex::new(config),
        }
    }

    /// Reads the file and applies it, or leaves everything as it is. The result is logged and counted.
    pub(crate) fn reload(&self) {
        let result = self.try_reload();
        let (label, good) = match &result {
            Ok((version, difference)) => {
                tracing::info!(version, %difference, "configuration applied");
                ("applied", 1)
            }
            Err(error) => {
                tracing::error!(%error, "configuration refused; the running one stays");
                ("refused", 0)
            }
        };
        self.metrics.reloads.with_label_values(&[label]).inc();
        self.metrics.config_good.set(good);
    }

    fn try_reload(&self) -> Result<(u64, Difference), ReloadError> {
        let wanted = Config::load(&self.file)?;
        let mut running = self.running.lock();
        let keys = needs_restart(&running, &wanted);
        if !keys.is_empty() {
            return Err(ReloadError::NeedsRestart { keys });
        }
        let difference = Difference::between(&running, &wanted);
        let next = Live::build(&wanted, Some(&self.live.load()), &self.metrics);
        let version = next.version;
        show_version(&self.metrics, &next);
        self.live.store(Arc::new(next));
        *running = wanted;
        Ok((version, difference))
    }
}

fn show_version(metrics: &Metrics, live: &Live) {
    let version = i64::try_from(live.version).unwrap_or(i64::MAX);
    metrics.config_version.set(version);
}
