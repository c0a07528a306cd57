//! Webhooks: `PAYMENT_STATUS_CHANGED` to the address a merchant registered.
//!
//! As the provider sends them: unsigned, only for DONE, CANCELED, PARTIAL_CANCELED, ABORTED and
//! EXPIRED, delivered when the answer is 200 and nothing else, else again after 1, 4, 16, 64, 256,
//! 1024 and 4096 minutes. A drill shortens those waits with one factor. A deliberate duplicate
//! carries the same transmission id, so that a receiver's de-duplication is what is tested.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::RwLock;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::book::{Payment, Status};
use crate::clock::seoul_without_offset;
use crate::merchant::Merchant;
use crate::secret;
use crate::toss::payment_value;

/// Minutes between attempts: seven retries, until 3 days and 19 hours.
const RETRY_MINUTES: [u32; 7] = [1, 4, 16, 64, 256, 1024, 4096];
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts on the wire at once.
const CONCURRENT: usize = 64;
/// Deliveries waiting or on the wire, at about 2 kB each; beyond it new ones are lost and counted.
const PENDING_MAX: usize = 100_000;

/// When and how often the events of one change leave.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How many times in all.
    pub copies: u32,
    /// How late.
    pub delay: Duration,
}

/// The sender.
#[derive(Debug)]
pub struct Webhooks {
    targets: RwLock<HashMap<Merchant, reqwest::Url>>,
    outbox: Arc<Outbox>,
}

#[derive(Debug)]
struct Outbox {
    client: reqwest::Client,
    places: Semaphore,
    pending: AtomicUsize,
    delivered: AtomicU64,
    attempts_failed: AtomicU64,
    given_up: AtomicU64,
    lost: AtomicU64,
    /// What a minute between attempts lasts.
    minute: Duration,
}

#[derive(Clone, Debug)]
struct Delivery {
    url: reqwest::Url,
    id: String,
    at: String,
    body: Arc<str>,
}

impl Webhooks {
    /// A sender whose retry waits are scaled: `minute` is what one minute of the schedule lasts.
    pub fn new(minute: Duration) -> Self {
        let client = reqwest::Client::builder()
            .timeout(ATTEMPT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client without a proxy or own certificates always builds");
        let outbox = Outbox {
            client,
            places: Semaphore::new(CONCURRENT),
            pending: AtomicUsize::new(0),
            delivered: AtomicU64::new(0),
            attempts_failed: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            minute,
        };
        Self {
            targets: RwLock::default(),
            outbox: Arc::new(outbox),
        }
    }

    /// Sends this merchant's events to `url` from now on; `None` stops them.
    pub fn register(&self, merchant: Merchant, url: Option<reqwest::Url>) {
        let mut targets = self.targets.write();
        match url {
            Some(url) => targets.insert(merchant, url),
            None => targets.remove(&merchant),
        };
    }

    /// A payment reached a status: tells its merchant, if the status is one that is told.
    pub fn status_changed(&self, payment: &Arc<Payment>, now: Timestamp, timing: Timing) {
        if matches!(payment.status, Status::Ready | Status::InProgress) {
            return;
        }
        let Some(url) = self.targets.read().get(&payment.merchant).cloned() else {
            return;
        };
        let at = seoul_without_offset(now);
        let event = json!({
            "eventType": "PAYMENT_STATUS_CHANGED",
            "createdAt": at,
            "data": payment_value(payment),
        });
        let delivery = Delivery {
            url,
            id: secret::letters(32),
            at,
            body: event.to_string().into(),
        };
        for _ in 0..timing.copies {
            self.outbox.dispatch(delivery.clone(), timing.delay);
        }
    }

    /// Counters as JSON.
    pub fn to_json(&self) -> Value {
        let outbox = &self.outbox;
        json!({
            "pending": outbox.pending.load(Ordering::Relaxed),
            "delivered": outbox.delivered.load(Ordering::Relaxed),
            "attemptsFailed": outbox.attempts_failed.load(Ordering::Relaxed),
            "givenUp": outbox.given_up.load(Ordering::Relaxed),
            "lost": outbox.lost.load(Ordering::Relaxed),
        })
    }
}

impl Outbox {
    fn dispatch(self: &Arc<Self>, delivery: Delivery, delay: Duration) {
        if self.pending.fetch_add(1, Ordering::Relaxed) >= PENDING_MAX {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let outbox = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            outbox.deliver(&delivery).await;
            outbox.pending.fetch_sub(1, Ordering::Relaxed);
        });
    }

    async fn deliver(&self, delivery: &Delivery) {
        for (retried, wait) in std::iter::once(&0).chain(&RETRY_MINUTES).enumerate() {
            tokio::time::sleep(self.minute * *wait).await;
            if self.attempt(delivery, retried).await {
                self.delivered.fetch_add(1, Ordering::Relaxed);
                return;
            }
            self.attempts_failed.fetch_add(1, Ordering::Relaxed);
        }
        self.given_up.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            transmission = delivery.id,
            "webhook given up after its last retry"
        );
    }

    /// One POST; true when the receiver said 200.
    async fn attempt(&self, delivery: &Delivery, retried: usize) -> bool {
        let _place = self
            .places
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let sent = self
            .client
            .post(delivery.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("tosspayments-webhook-transmission-time", &delivery.at)
            .header("tosspayments-webhook-transmission-retried-count", retried)
            .header("tosspayments-webhook-transmission-id", &delivery.id)
            .body(delivery.body.to_string())
            .send()
            .await;
        sent.is_ok_and(|response| response.status() == 200)
    }
}
