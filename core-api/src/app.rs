//! The wiring: from a configuration to running listeners, and back down in order.

use crate::clock::Clock;
use crate::config::{Cache, Config, ConfigError};
use crate::db::{Db, DbError};
use crate::http::Frame;
use crate::http::idempotency::{AnswerCache, CacheError};
use crate::id;
use crate::payment::commands::Parts;
use crate::payment::{PaymentMetrics, PaymentRules, Payments};
use crate::psp::account::PspAccounts;
use crate::psp::webhook::Webhooks;
use crate::psp::{Connections, PspTimeouts};
use crate::saga::{self, Holder, Wake};
use crate::tenant::KeyRing;
use crate::worker::Worker;
use crate::{admin, router};
use axum::extract::FromRef;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long a shutdown waits for payments in flight: a PSP's answer and the writing of it.
const DRAIN: Duration = Duration::from_secs(15);

/// Why the service does not start or run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database, at the start.
    #[error("the database cannot be used: is it running, and has `fluxpay migrate` been run?")]
    Database(#[from] DbError),
    /// A port that is taken.
    #[error(
        "cannot listen on {address}: another process may hold the port; stop it or change `listen`"
    )]
    Listen {
        address: SocketAddr,
        #[source]
        cause: std::io::Error,
    },
    /// The cache's address.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The HTTP client.
    #[error("the HTTP client cannot be made")]
    Client(#[from] reqwest::Error),
    /// A metric registered twice.
    #[error("the metrics cannot be made")]
    Metrics(#[from] prometheus::Error),
    /// A listener broke.
    #[error("a listener failed")]
    Serve(#[source] std::io::Error),
}

/// Everything handlers need, each taking only its part. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) keys: KeyRing,
    pub(crate) payments: Payments,
    pub(crate) webhooks: Webhooks,
    pub(crate) frame: Frame,
    pub(crate) registry: Registry,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl App {
    /// Builds the service. Nothing runs yet.
    pub fn build(config: &Config, clock: Clock) -> Result<(Self, Worker), AppError> {
        let registry = Registry::new();
        let db = Db::open(&config.database.url()?, config.database.connections()?)?;
        let answers = match &config.cache {
            Cache::Memory => AnswerCache::memory(),
            Cache::Redis(url) => AnswerCache::redis(url)?,
        };
        let limits = &config.payment;
        let timeouts = PspTimeouts {
            connect: limits.psp_connect()?,
            answer: limits.psp_answer()?,
        };
        let connections = Connections::new(timeouts, psp_seconds(&registry)?)?;
        let psps = PspAccounts::new(db.clone(), clock.clone(), config.master_key()?, connections);
        let (holder, wake) = (Holder(id::fresh(clock.now())), Wake::default());
        let rules = PaymentRules {
            answer_within: limits.answer_within()?,
            psp_answer: timeouts.answer,
            in_flight: limits.in_flight()?,
            look_ups: limits.look_ups()?,
        };
        let metrics = PaymentMetrics::register(&registry)?;
        let parts = Parts {
            db: db.clone(),
            clock: clock.clone(),
            answers,
            holder,
            wake: wake.clone(),
            metrics,
            rules,
        };
        let payments = Payments::new(parts, psps);
        let worker = Worker {
            db: db.clone(),
            holder,
            wake: wake.clone(),
            payments: payments.clone(),
        };
        let app = Self {
            keys: KeyRing::new(db.clone(), clock.clone()),
            webhooks: Webhooks {
                db: db.clone(),
                wake,
            },
            frame: frame(&registry, clock)?,
            db,
            payments,
            registry,
        };
        Ok((app, worker))
    }

    /// Serves until `stop` turns true, then drains.
    pub async fn serve(
        self,
        worker: Worker,
        config: &Config,
        stop: watch::Receiver<bool>,
    ) -> Result<(), AppError> {
        // Seen alive before the first payment is leased; it also proves that the schema is there.
        saga::beat(&self.db, worker.holder).await?;
        let public = listen(config.listen.http).await?;
        let admin = listen(config.listen.admin).await?;
        tracing::info!(http = %config.listen.http, admin = %config.listen.admin, "fluxpay serves");

        let (quit, quitting) = watch::channel(false);
        let beating = tokio::spawn(worker.clone().beat(quitting.clone()));
        let working = tokio::spawn(worker.run(stop.clone()));
        let admin_routes = admin::routes(self.clone());
        let admin = tokio::spawn(async move {
            axum::serve(admin, admin_routes)
                .with_graceful_shutdown(stopped(quitting))
                .await
        });

        let (db, payments) = (self.db.clone(), self.payments.clone());
        let served = axum::serve(public, router::public(self))
            .with_graceful_shutdown(stopped(stop))
            .await;

        payments.drain(DRAIN).await;
        // The heartbeat ends last: until here this process finishes what it holds.
        quit.send_replace(true);
        for task in [beating, working] {
            if let Err(panicked) = task.await {
                tracing::error!(%panicked, "a background task failed");
            }
        }
        db.close().await;
        let admin = admin
            .await
            .unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)));
        tracing::info!("fluxpay has stopped");
        served.and(admin).map_err(AppError::Serve)
    }
}

/// Lets handlers name the part they need.
macro_rules! part {
    ($($field:ident: $part:ty),*) => {
        $(impl FromRef<App> for $part {
            fn from_ref(app: &App) -> Self {
                app.$field.clone()
            }
        })*
    };
}
part!(db: Db, keys: KeyRing, payments: Payments, webhooks: Webhooks);

async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender lives as long as the process; its loss means the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn listen(address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| AppError::Listen { address, cause })
}

fn psp_seconds(registry: &Registry) -> Result<HistogramVec, prometheus::Error> {
    let options = HistogramOpts::new(
        "fluxpay_psp_seconds",
        "Time a PSP took to answer, by call and outcome.",
    )
    .buckets(vec![
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ]);
    let seconds = HistogramVec::new(options, &["call", "outcome"])?;
    registry.register(Box::new(seconds.clone()))?;
    Ok(seconds)
}

fn frame(registry: &Registry, clock: Clock) -> Result<Frame, prometheus::Error> {
    let requests = Opts::new(
        "fluxpay_http_requests_total",
        "Requests answered, by method, route and status.",
    );
    let requests = IntCounterVec::new(requests, &["method", "route", "status"])?;
    let seconds = HistogramOpts::new("fluxpay_http_request_seconds", "Time to answer, by route.")
        .buckets(vec![
            0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 3.0, 10.0,
        ]);
    let seconds = HistogramVec::new(seconds, &["route"])?;
    registry.register(Box::new(requests.clone()))?;
    registry.register(Box::new(seconds.clone()))?;
    Ok(Frame {
        clock,
        requests,
        seconds,
    })
}
