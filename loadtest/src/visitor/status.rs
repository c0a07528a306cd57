//! The gateway's JSON about a place in line, as documented; unknown members are ignored as an app would.

use serde::Deserialize;

use crate::clock::Moment;
use crate::wire::Answer;

/// Where the visitor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    NotOpen,
    Waiting,
    Called,
    Admitted,
    Paused,
    SoldOut,
    Closed,
}

/// What the page's script reads.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Status {
    pub(super) state: State,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) ticket: Option<String>,
    #[serde(default)]
    pub(super) ahead: Option<u64>,
    pub(super) poll_after_ms: u64,
    #[serde(default)]
    pub(super) called_at: Option<String>,
    #[serde(default)]
    pub(super) claim_deadline: Option<String>,
}

impl Status {
    /// Reads an answer of the status or claim address; `Err` names what is wrong with it.
    pub(super) fn read(answer: &Answer) -> Result<Self, String> {
        serde_json::from_slice(&answer.body)
            .map_err(|_| format!("status {} is not queue JSON", answer.status))
    }

    /// True when the visitor has a number rather than only the invitation to take one: who waits with a
    /// number has a ticket's code. Whose arrival is written down, since the store is lost, has a place by that.
    pub(super) fn has_place(&self) -> bool {
        match self.state {
            State::Called | State::Admitted => true,
            _ => self.ticket.is_some() || self.reason.as_deref() == Some("provisional"),
        }
    }

    /// When the number came up and until when its holder may come in.
    pub(super) fn call(&self) -> Option<(Moment, Moment)> {
        let moment = |text: &Option<String>| Moment::from_rfc3339(text.as_deref()?);
        Some((moment(&self.called_at)?, moment(&self.claim_deadline)?))
    }
}
