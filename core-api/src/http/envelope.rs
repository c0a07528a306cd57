//! The shape of a success, and an answer as bytes that can be frozen and replayed.

use super::RequestMeta;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// When and under which name a request was answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// RFC 3339, UTC.
    #[schema(example = "2026-02-04T10:30:00Z")]
    timestamp: String,
    /// Quote it when asking for help.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: String,
}

impl Metadata {
    /// The metadata of an answer to the request `meta` names.
    pub fn of(meta: &RequestMeta) -> Self {
        Self {
            timestamp: meta.at.to_string(),
            trace_id: meta.trace_id.to_string(),
        }
    }
}

/// Every success.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// Always true.
    success: bool,
    data: T,
    metadata: Metadata,
}

impl<T: Serialize> Envelope<T> {
    /// Wraps `data` as the answer to the request `meta` names.
    pub fn answer(status: StatusCode, data: T, meta: &RequestMeta) -> Answer {
        Answer::json(
            status,
            &Self {
                success: true,
                data,
                metadata: Metadata::of(meta),
            },
        )
    }
}

/// Status and body of an answer. A frozen one is sent again byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// JSON.
    pub body: Bytes,
}

impl Answer {
    /// `body` as JSON.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body =
            serde_json::to_vec(body).expect("wire types have string keys and no failing fields");
        Self {
            status,
            body: body.into(),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let problem = self.status.is_client_error() || self.status.is_server_error();
        let kind = if problem {
            "application/problem+json"
        } else {
            "application/json"
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (self.status, headers, self.body).into_response()
    }
}
