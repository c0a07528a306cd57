//! An answer the gateway gives itself: a refusal, a queue page, a status. Built by the steps, written
//! by [`crate::proxy`] in one place, which adds what every answer carries.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};

use crate::metrics::Outcome;

/// A complete answer. Its body is whole, so that its length is always said and the connection can stay.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Without `content-length`, `date`, `connection` and `x-request-id`: the writer adds those.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// What metrics and the log call it.
    pub(crate) outcome: Outcome,
}

impl Answer {
    /// An answer that no cache may keep: all that a gateway says is about one visitor and one moment.
    pub(crate) fn new(
        status: StatusCode,
        kind: HeaderValue,
        body: Bytes,
        outcome: Outcome,
    ) -> Self {
        let mut headers = Vec::with_capacity(6);
        headers.push((CONTENT_TYPE, kind));
        headers.push((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        Self {
            status,
            headers,
            body,
            outcome,
        }
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}
