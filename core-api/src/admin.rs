//! The operators' listener: is the service ready, and how is it doing.

use crate::app::App;
use crate::saga;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use prometheus::{Encoder, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

/// `/healthz` and `/metrics`.
pub fn routes(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .with_state(app)
}

/// Ready when the database answers.
async fn health(State(app): State<App>) -> (StatusCode, &'static str) {
    match app.db.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        ),
    }
}

async fn metrics(State(app): State<App>) -> Response {
    let mut text = Vec::new();
    let gathered = gauges(&app).await.and_then(|gauges| {
        let encoder = TextEncoder::new();
        encoder.encode(&app.registry.gather(), &mut text)?;
        encoder.encode(&gauges.gather(), &mut text)
    });
    match gathered {
        Ok(()) => (
            [(
                header::CONTENT_TYPE,
                TextEncoder::new().format_type().to_owned(),
            )],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be gathered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What is true now rather than counted: asked for at each scrape.
async fn gauges(app: &App) -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    let in_flight = IntGauge::new(
        "fluxpay_payments_in_flight",
        "Payment commands running in this process.",
    )?;
    in_flight.set(i64::try_from(app.payments.in_flight()).unwrap_or(i64::MAX));
    registry.register(Box::new(in_flight))?;

    let (open, idle) = app.db.connections();
    let connections = IntGaugeVec::new(
        Opts::new("fluxpay_db_connections", "Connections to the database."),
        &["state"],
    )?;
    let idle = i64::try_from(idle).unwrap_or(i64::MAX);
    connections.with_label_values(&["idle"]).set(idle);
    connections
        .with_label_values(&["used"])
        .set(i64::from(open) - idle);
    registry.register(Box::new(connections))?;

    let waiting = IntGaugeVec::new(
        Opts::new(
            "fluxpay_open_steps",
            "Unfinished saga steps of all processes.",
        ),
        &["kind"],
    )?;
    let oldest = IntGaugeVec::new(
        Opts::new(
            "fluxpay_oldest_step_seconds",
            "Age of the oldest unfinished step.",
        ),
        &["kind"],
    )?;
    // Without the database these two are absent, which is what a scraper should see.
    for step in saga::open(&app.db).await.unwrap_or_default() {
        waiting.with_label_values(&[&step.kind]).set(step.waiting);
        oldest
            .with_label_values(&[&step.kind])
            .set(step.oldest_seconds);
    }
    registry.register(Box::new(waiting))?;
    registry.register(Box::new(oldest))?;
    Ok(registry)
}
