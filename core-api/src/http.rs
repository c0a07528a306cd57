//! How every answer looks and every request is read; knows no domain.
//!
//! [`frame`] is the one place that finishes an answer: it names the request (trace id), turns a
//! [`Problem`] into its body, catches a panic, and writes one log line and one metric.

pub mod body;
pub mod card;
pub mod code;
pub mod envelope;
pub mod fields;
pub mod idempotency;
pub mod paging;
pub mod problem;
pub mod trace;

pub use body::{Checked, Params};
pub use code::Code;
pub use envelope::{Answer, Envelope};
pub use fields::Fields;
pub use problem::Problem;
pub use trace::RequestMeta;

use crate::clock::Clock;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue};
use prometheus::{HistogramVec, IntCounterVec};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What [`frame`] needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Tells the time of answers.
    pub clock: Clock,
    /// `fluxpay_http_requests_total{method,route,status}`; routes are templates, so labels are bounded.
    pub requests: IntCounterVec,
    /// `fluxpay_http_request_seconds{route}`.
    pub seconds: HistogramVec,
}

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps every route, the outermost layer.
pub async fn frame(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    let meta = RequestMeta::of(request.headers(), &frame.clock);
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched".into(), |path| Arc::from(path.as_str()));
    request.extensions_mut().insert(meta.clone());

    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        Problem::new(Code::Internal)
            .detail("The request could not be finished.")
            .into_response()
    });
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        problem.log(&meta);
        response = problem.finish(&meta);
    }
    if let Ok(value) = HeaderValue::from_str(&meta.trace_id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }

    let status = response.status();
    let took = frame.clock.now().since(meta.at);
    frame
        .requests
        .with_label_values(&[bounded_method(&method), &*route, status.as_str()])
        .inc();
    frame
        .seconds
        .with_label_values(&[&*route])
        .observe(took.as_secs_f64());
    tracing::info!(%method, %route, status = status.as_u16(), micros = took.as_micros(), trace_id = %meta.trace_id, "request");
    response
}

/// A client may send any word as a method; a label may not be any word.
fn bounded_method(method: &http::Method) -> &'static str {
    match *method {
        http::Method::GET => "GET",
        http::Method::POST => "POST",
        http::Method::HEAD => "HEAD",
        _ => "other",
    }
}

/// No such route.
pub async fn not_found() -> Problem {
    Problem::new(Code::NotFound).detail("There is nothing at this path.")
}

/// A route, but not for this method.
pub async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed).detail("This path does not take this method.")
}
