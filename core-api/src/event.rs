//! Events for others, written to the outbox by the statement that makes the move. An event's number
//! is its aggregate's version, so that a receiver who sees 2 after 0 knows what it lacks.

use serde_json::Value;
use uuid::Uuid;

/// What happened, for the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its own id, the same however often it is delivered.
    pub id: Uuid,
    /// `payment.approved` and the like.
    pub kind: &'static str,
    /// The aggregate after the move.
    pub data: Value,
}
