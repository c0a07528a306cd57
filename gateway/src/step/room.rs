//! Step 4: the waiting room. It answers for its own addresses and for visitors who must wait; those
//! admitted go on, with what the origin and the client are to be told.

use std::ops::ControlFlow;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use policies::matcher::Normal;

use crate::answer::Answer;
use crate::live::Tenant;
use crate::step::identify::Caller;

/// All that the room may know of a request.
#[derive(Debug)]
#[allow(dead_code, reason = "the room's own part reads them")]
pub(crate) struct Facts<'r> {
    pub(crate) head: &'r Parts,
    pub(crate) path: &'r Normal<'r>,
    pub(crate) tenant: &'r Arc<Tenant>,
    pub(crate) caller: &'r Caller,
}

/// What an admitted request takes along.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admission {
    /// For the origin: the signed pass.
    pub(crate) to_origin: Vec<(HeaderName, HeaderValue)>,
    /// For the client: a new or renewed token.
    pub(crate) to_client: Vec<(HeaderName, HeaderValue)>,
}

/// Lets the request through, or answers it.
pub(crate) async fn enter(_facts: &Facts<'_>) -> ControlFlow<Answer, Admission> {
    ControlFlow::Continue(Admission::default())
}
