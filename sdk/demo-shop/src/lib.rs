//! A tenant's own origin: a limited edition that is sold behind the waiting room and paid through
//! the payment core.
//!
//! It shows what any shop has to do, and nothing else: check the gateway's pass ([`pass`]), hold
//! stock atomically ([`shelf`]), follow the payment window's flow ([`sale`]), and let the core
//! decide about money ([`till`], [`settle`]). Pages are rendered on the server and need no script.

pub mod clock;
pub mod config;
pub mod form;
pub mod front;
pub mod language;
pub mod notices;
pub mod order;
pub mod pages;
pub mod pass;
pub mod sale;
pub mod settle;
pub mod shelf;
pub mod till;
pub mod visitor;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use minijinja::{Value, context};
use tokio::net::TcpListener;
use tokio::sync::watch;

use config::{Config, Product, Psp};
use form::Forms;
use pages::Pages;
use pass::PassCheck;
use shelf::{Shelf, Stock};
use till::Till;
use visitor::Visitor;

/// The only body is a form with one token.
const BODY_MAX: usize = 8 * 1024;
/// How long running requests may take after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// One instance of the shop.
#[derive(Debug)]
pub struct Shop {
    /// Tells Unix seconds.
    pub clock: fn() -> u64,
    pub(crate) pass: PassCheck,
    pub(crate) forms: Forms,
    pub(crate) pages: Pages,
    /// Its stock and purchases.
    pub shelf: Shelf,
    pub(crate) till: Till,
    pub(crate) psp: Psp,
    pub(crate) product: Product,
    pub(crate) public_url: Option<String>,
}

impl Shop {
    /// Opens the shop: connects to its database and makes the tables.
    pub async fn open(config: Config) -> Result<Arc<Self>, sqlx::Error> {
        let shelf = Shelf::open(&config.database_url, config.product.stock).await?;
        Ok(Arc::new(Self {
            clock: clock::unix_now,
            forms: Forms::new(&config.pass.secret),
            pages: Pages::new(&config.psp.window_url),
            shelf,
            till: Till::new(&config),
            pass: config.pass,
            psp: config.psp,
            product: config.product,
            public_url: config.public_url,
        }))
    }

    /// Every route on one page.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .merge(front::routes())
            .merge(sale::routes(self))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(Arc::clone(self))
    }

    /// Serves until `stop` turns true, then lets running requests finish.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<()> {
        let caretaker = tokio::spawn(settle::caretaker(Arc::clone(&self), stop.clone()));
        let (mut drain, mut overdue) = (stop.clone(), stop);
        let serving = axum::serve(listener, self.router()).with_graceful_shutdown(async move {
            // A sender that is gone asks for a stop as well.
            let _ = drain.wait_for(|stop| *stop).await;
        });
        let served = tokio::select! {
            served = serving => served,
            () = async {
                let _ = overdue.wait_for(|stop| *stop).await;
                tokio::time::sleep(DRAIN).await;
            } => Ok(()),
        };
        caretaker.abort();
        served
    }

    /// The page for a database that cannot be reached; logged here, once.
    pub(crate) fn trouble(&self, visitor: &Visitor, error: &sqlx::Error) -> Response {
        tracing::error!(%error, "the shop's database failed");
        self.pages.notice(visitor, notices::TROUBLE)
    }

    /// The edition's figures for a template.
    pub(crate) fn stock_value(&self, stock: Stock) -> Value {
        context! {
            total => stock.total,
            available => stock.available,
            sold => stock.sold,
            held => stock.held(),
            remaining => stock.remaining(),
        }
    }
}
