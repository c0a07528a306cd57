//! A small origin for drills whose capacity is known: so many workers, first come first served, each answer worked on
//! for an exponential time, which can be changed while it runs. With no work it answers at once.
//!
//! An M/M/c queue is honest in that nobody is refused or speeded up: beyond its capacity requests pile up, and the
//! time they take is all in the queue.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use rand::RngExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::clock::Clock;

/// A running origin; it stops when dropped.
#[derive(Debug)]
pub struct Origin {
    shop: Arc<Shop>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shop {
    clock: Clock,
    workers: Semaphore,
    /// The mean work on one request, in microseconds.
    work: AtomicU64,
    /// Answered, and how long its workers were busy with these, in microseconds; since it was last asked.
    answered: AtomicU64,
    busy: AtomicU64,
    /// Requests that are here: worked on or waiting.
    crowd: AtomicU64,
    /// How long each was here that was answered since it was last asked.
    answers: Mutex<Vec<Duration>>,
}

impl Origin {
    /// Listens at `address` with so many workers, each of which takes `work` for a request in the mean.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub async fn start(address: SocketAddr, workers: usize, work: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let shop = Arc::new(Shop {
            clock: Clock::start(),
            workers: Semaphore::new(workers),
            work: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            crowd: AtomicU64::new(0),
            answers: Mutex::default(),
        });
        shop.set_work(work);
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shop));
        let serving = tokio::spawn(async move {
            // It serves until it is stopped; there is nobody to tell why it could not.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { shop, serving })
    }

    /// From now on requests take so long in the mean.
    pub fn set_work(&self, work: Duration) {
        self.shop.set_work(work);
    }

    /// How many requests it has answered since this was last asked, and how long its workers were busy with them.
    #[must_use]
    pub fn take_done(&self) -> (u64, Duration) {
        let of = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        (
            of(&self.shop.answered),
            Duration::from_micros(of(&self.shop.busy)),
        )
    }

    /// From arrival to answer, for each answer since this was last asked.
    #[must_use]
    pub fn take_answers(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.shop.answers())
    }

    /// Requests that are worked on or wait.
    #[must_use]
    pub fn crowd(&self) -> u64 {
        self.shop.crowd.load(Ordering::Relaxed)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shop {
    fn set_work(&self, work: Duration) {
        let micros = u64::try_from(work.as_micros()).unwrap_or(u64::MAX);
        self.work.store(micros, Ordering::Relaxed);
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Duration>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One more request is here, until this is dropped: a client may go away in the middle.
struct Here<'a>(&'a Shop);

impl<'a> Here<'a> {
    fn comes(shop: &'a Shop) -> Self {
        shop.crowd.fetch_add(1, Ordering::Relaxed);
        Self(shop)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.crowd.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve(State(shop): State<Arc<Shop>>) -> &'static str {
    let _here = Here::comes(&shop);
    let came = shop.clock.now();
    let mean = shop.work.load(Ordering::Relaxed) as f64;
    if mean > 0.0 {
        let _worker = shop.workers.acquire().await;
        // As fast as the origin is now that its turn came.
        let mean = shop.work.load(Ordering::Relaxed) as f64;
        let began = shop.clock.now();
        let time = Duration::from_micros((-mean * (1.0 - rand::rng().random::<f64>()).ln()) as u64);
        shop.clock.sleep_until(began.plus(time)).await;
        let ended = shop.clock.now();
        let took = u64::try_from(ended.since(began).as_micros()).unwrap_or(0);
        shop.busy.fetch_add(took, Ordering::Relaxed);
        shop.answers().push(ended.since(came));
    }
    shop.answered.fetch_add(1, Ordering::Relaxed);
    "the page\n"
}
