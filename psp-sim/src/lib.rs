//! A sandbox payment provider that speaks the TossPayments wire format, with faults on demand.
//!
//! For development, tests and drills only: it moves no money and keeps its book in memory. What a
//! customer sees is [`window`], what a merchant's server calls is [`toss`], what a drill steers is
//! [`faults`] through `/sim/*`, and what a referee reads is the [`book`]'s journal.

pub mod book;
pub mod clock;
pub mod control;
pub mod faults;
pub mod idempotency;
pub mod language;
pub mod merchant;
pub mod money;
pub mod refusal;
pub mod sandbox;
pub mod secret;
pub mod server;
pub mod stats;
pub mod toss;
pub mod webhook;
pub mod window;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::net::TcpListener;
use tokio::sync::watch;

use book::Book;
use clock::Clock;
use faults::{Facts, Faults, Plan};
use idempotency::Records;
use stats::Stats;
use webhook::{Timing, Webhooks};

/// Idempotency records kept for each session there may be: an authorization, a confirm and two
/// cancellations.
const RECORDS_PER_PAYMENT: usize = 4;
/// Largest request body.
const BODY_MAX: usize = 256 * 1024;
/// How often sessions are looked through for expiry.
const EXPIRY_STEP: Duration = Duration::from_secs(1);

/// How a simulator behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Every API call takes at least this long.
    pub latency: Duration,
    /// Bound of the book, see [`book`].
    pub max_payments: usize,
    /// What one minute of the webhook retry schedule lasts.
    pub webhook_minute: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            max_payments: 500_000,
            webhook_minute: Duration::from_secs(60),
        }
    }
}

/// One simulator.
#[derive(Debug)]
pub struct Sim {
    /// Its time.
    pub clock: Clock,
    /// Its money.
    pub book: Book,
    /// Its idempotency records.
    pub records: Arc<Records>,
    /// Its fault rules.
    pub faults: Faults,
    /// Its webhook sender.
    pub webhooks: Webhooks,
    /// Its counters.
    pub stats: Stats,
    latency: Duration,
    pages: window::Pages,
}

impl Sim {
    /// A simulator with an empty book. Needs a Tokio runtime once it sends webhooks.
    pub fn new(options: &Options) -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::default(),
            book: Book::new(options.max_payments),
            records: Arc::new(Records::new(
                options.max_payments.saturating_mul(RECORDS_PER_PAYMENT),
            )),
            faults: Faults::default(),
            webhooks: Webhooks::new(options.webhook_minute),
            stats: Stats::default(),
            latency: options.latency,
            pages: window::Pages::new(),
        })
    }

    /// Every route on one page.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .merge(toss::routes())
            .merge(sandbox::routes())
            .merge(window::routes())
            .merge(control::routes())
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(Arc::clone(self))
    }

    /// Serves until `stop` turns true.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: watch::Receiver<bool>) {
        let expiry = tokio::spawn(Arc::clone(&self).expire_forever());
        server::serve(listener, self.router(), stop).await;
        expiry.abort();
    }

    /// What goes wrong with a request, the default latency included.
    pub(crate) fn plan(&self, facts: &Facts<'_>) -> Plan {
        let mut plan = if self.faults.any() {
            self.faults.plan(facts, secret::dice)
        } else {
            Plan::default()
        };
        plan.wait_before += self.latency;
        plan
    }

    /// Moves overdue sessions to EXPIRED and tells their merchants.
    pub(crate) fn expire_due(&self) {
        let now = self.clock.now();
        for payment in self.book.expire_due(now) {
            self.webhooks.status_changed(
                &payment,
                now,
                Timing {
                    copies: 1,
                    delay: Duration::ZERO,
                },
            );
        }
    }

    async fn expire_forever(self: Arc<Self>) {
        let mut step = tokio::time::interval(EXPIRY_STEP);
        loop {
            step.tick().await;
            self.expire_due();
        }
    }
}
