//! What went wrong, as an RFC 9457 problem. Public and internal text are two fields: `detail` is
//! written for the caller, the source is logged and never sent.

use super::envelope::{Answer, Metadata};
use super::{Code, RequestMeta};
use crate::db::DbError;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use std::error::Error;
use std::sync::Arc;
use utoipa::ToSchema;

/// One field that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where, as an RFC 6901 JSON pointer into the body (`/amount`), or the name of a header or parameter.
    pub pointer: String,
    /// Why, in words.
    pub reason: String,
}

/// The payment or order a problem is about, so that a refusal can be traced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
}

/// A refusal or failure on its way to the caller. Boxed, because it is the rare half of results.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    subject: Subject,
    retry_after_s: Option<u32>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The problem as it travels.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody<'a> {
    /// The code as a URN; docs/api/errors.md explains each.
    #[serde(rename = "type")]
    kind: String,
    /// The same sentence for every occurrence of the code.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// The stable name to branch on.
    code: &'a str,
    /// What happened this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// Always false.
    success: bool,
    /// Whether the same request with the same idempotency key may succeed later.
    retryable: bool,
    /// Each field that cannot be accepted.
    errors: &'a [FieldError],
    #[serde(flatten)]
    #[schema(ignore)]
    subject: &'a Subject,
    metadata: Metadata,
}

impl Problem {
    /// A problem with its code's own words.
    pub fn new(code: Code) -> Self {
        Self(Box::new(Parts {
            code,
            detail: None,
            errors: Vec::new(),
            subject: Subject::default(),
            retry_after_s: None,
            source: None,
        }))
    }

    /// Fields that cannot be accepted, all at once.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(Code::InvalidRequest);
        problem.0.errors = errors;
        problem
    }

    /// One field that cannot be accepted.
    pub fn field(pointer: impl Into<String>, reason: impl ToString) -> Self {
        Self::fields(vec![FieldError {
            pointer: pointer.into(),
            reason: reason.to_string(),
        }])
    }

    /// What happened this time, for the caller to read.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The payment it is about.
    pub fn about_payment(mut self, id: impl ToString) -> Self {
        self.0.subject.payment_id = Some(id.to_string());
        self
    }

    /// The order it is about, by the tenant's reference.
    pub fn about_order(mut self, reference: impl ToString) -> Self {
        self.0.subject.order_id = Some(reference.to_string());
        self
    }

    /// When to come back, in seconds.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// The cause, for the log only.
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Status and body, as sent and as frozen for replays.
    pub fn render(&self, meta: &RequestMeta) -> Answer {
        let body = ProblemBody {
            kind: format!("urn:fluxpay:error:{}", self.0.code.as_str()),
            title: self.0.code.title(),
            status: self.0.code.status().as_u16(),
            code: self.0.code.as_str(),
            detail: self.0.detail.as_deref(),
            success: false,
            retryable: self.0.code.is_retryable(),
            errors: &self.0.errors,
            subject: &self.0.subject,
            metadata: Metadata::of(meta),
        };
        Answer::json(self.0.code.status(), &body)
    }

    /// Logs an internal cause, once, here where it is handled.
    pub(super) fn log(&self, meta: &RequestMeta) {
        if let Some(source) = &self.0.source {
            let chain = chain(source.as_ref());
            tracing::error!(code = self.0.code.as_str(), trace_id = %meta.trace_id, error = chain, "request failed");
        }
    }

    pub(super) fn finish(&self, meta: &RequestMeta) -> Response {
        let mut response = self.render(meta).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// An error and its causes in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text.push_str(": ");
        text.push_str(&deeper.to_string());
        cause = deeper.source();
    }
    text
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        if error.is_transient() {
            return Self::new(Code::DatabaseUnavailable)
                .retry_after(1)
                .because(error);
        }
        Self::new(Code::Internal).because(error)
    }
}

/// Hands the problem to [`super::frame`], which knows the request's name.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
