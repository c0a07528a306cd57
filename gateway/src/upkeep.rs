//! What must be done from time to time, and when the operator sends SIGHUP. Runs on a runtime of its
//! own, so that it never stands in a request's way.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::live::Live;
use crate::reload::Reloader;

/// How often full rate-limit buckets are forgotten. A storm of new addresses adds at most this many
/// seconds of them to memory: at 50,000 a second some 500,000 buckets of about 64 bytes.
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// The background task.
#[derive(Debug)]
pub(crate) struct Upkeep {
    pub(crate) live: Arc<ArcSwap<Live>>,
    pub(crate) reloader: Reloader,
}

#[async_trait]
impl BackgroundService for Upkeep {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let mut hangup = signal(SignalKind::hangup()).expect("a process may listen for signals");
        let mut forget = interval(FORGET_EVERY);
        forget.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = hangup.recv() => self.reloader.reload(),
                _ = forget.tick() => self.forget_idle(),
                _ = shutdown.changed() => return,
            }
        }
    }
}

impl Upkeep {
    fn forget_idle(&self) {
        for tenant in self.live.load().tenants() {
            for limiter in &tenant.limiters {
                limiter.forget_idle();
            }
        }
    }
}
