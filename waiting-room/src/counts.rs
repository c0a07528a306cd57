//! What a room counts, for metrics. Relaxed atomics; nothing here decides anything.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::token::TokenError;

/// Something worth counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A challenge was given to a stranger.
    Challenged,
    /// A number was given.
    Joined,
    /// A status was answered.
    Polled,
    /// A status was asked for before its time.
    PolledEarly,
    /// A called visitor came in.
    Claimed,
    /// The pass was fetched again by the same ticket.
    ClaimedAgain,
    /// A pass was renewed.
    Renewed,
    /// Somebody left by choice.
    Left,
    /// The store did not answer a visitor's request.
    StoreFailed,
    /// This gateway's tick was written.
    Ticked,
    /// Somebody else's tick was there first.
    Fenced,
    /// The store had forgotten something and was told again.
    Restored,
    /// An arrival was written down while the store was lost.
    Provisional,
    /// The origin kept a pass from ending.
    Extended,
    /// The origin said that a visit is over.
    Released,
    /// A place moved to another device.
    Moved,
    /// Somebody would have been held, but for the room's being in shadow.
    Shadowed,
    /// A challenge asked for work.
    WorkAsked,
    /// A number was given for work.
    WorkSolved,
    /// What was presented as work was none.
    WorkFailed,
    /// A number was given for waiting in the stead of work.
    WorkWaited,
    /// A newcomer was told to come again: the prefix had used up its budget.
    JoinRefused,
    /// Somebody came without an invitation where one is needed.
    Uninvited,
    /// An invitation was shown whose place is somebody's.
    InvitationUsed,
    /// A request went round the room by a rule.
    Bypassed,
    /// A request was refused by a rule.
    Denied,
}

impl Event {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 26] = [
        Self::Challenged,
        Self::Joined,
        Self::Polled,
        Self::PolledEarly,
        Self::Claimed,
        Self::ClaimedAgain,
        Self::Renewed,
        Self::Left,
        Self::StoreFailed,
        Self::Ticked,
        Self::Fenced,
        Self::Restored,
        Self::Provisional,
        Self::Extended,
        Self::Released,
        Self::Moved,
        Self::Shadowed,
        Self::WorkAsked,
        Self::WorkSolved,
        Self::WorkFailed,
        Self::WorkWaited,
        Self::JoinRefused,
        Self::Uninvited,
        Self::InvitationUsed,
        Self::Bypassed,
        Self::Denied,
    ];

    /// The name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Challenged => "challenged",
            Self::Joined => "joined",
            Self::Polled => "polled",
            Self::PolledEarly => "polled_early",
            Self::Claimed => "claimed",
            Self::ClaimedAgain => "claimed_again",
            Self::Renewed => "renewed",
            Self::Left => "left",
            Self::StoreFailed => "store_failed",
            Self::Ticked => "ticked",
            Self::Fenced => "fenced",
            Self::Restored => "restored",
            Self::Provisional => "provisional",
            Self::Extended => "extended",
            Self::Released => "released",
            Self::Moved => "moved",
            Self::Shadowed => "shadowed",
            Self::WorkAsked => "work_asked",
            Self::WorkSolved => "work_solved",
            Self::WorkFailed => "work_failed",
            Self::WorkWaited => "work_waited",
            Self::JoinRefused => "join_refused",
            Self::Uninvited => "uninvited",
            Self::InvitationUsed => "invitation_used",
            Self::Bypassed => "bypassed",
            Self::Denied => "denied",
        }
    }
}

const TOKEN_ERRORS: [TokenError; 6] = [
    TokenError::Malformed,
    TokenError::Kind,
    TokenError::Key,
    TokenError::Signature,
    TokenError::Expired,
    TokenError::Elsewhere,
];

/// The counters of one room since the process started.
#[derive(Debug, Default)]
pub struct Counts {
    events: [AtomicU64; Event::ALL.len()],
    bad_tokens: [AtomicU64; TOKEN_ERRORS.len()],
}

impl Counts {
    /// It happened once more.
    pub fn add(&self, event: Event) {
        self.events[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn bad_token(&self, error: TokenError) {
        self.bad_tokens[error as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often it happened.
    #[must_use]
    pub fn of(&self, event: Event) -> u64 {
        self.events[event as usize].load(Ordering::Relaxed)
    }

    /// Tokens that counted as none, by reason.
    pub fn bad_tokens(&self) -> impl Iterator<Item = (TokenError, u64)> + '_ {
        let counts = self
            .bad_tokens
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        TOKEN_ERRORS.into_iter().zip(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_the_order_of_their_enums() {
        assert!(
            Event::ALL
                .iter()
                .enumerate()
                .all(|(index, event)| *event as usize == index)
        );
        assert!(
            TOKEN_ERRORS
                .iter()
                .enumerate()
                .all(|(index, error)| *error as usize == index)
        );
    }

    #[test]
    fn every_event_is_in_the_guide() {
        let guide = include_str!("../../docs/metrics.md");
        let missing = Event::ALL
            .iter()
            .map(|event| format!("`{}`", event.name()))
            .find(|name| !guide.contains(name.as_str()));
        assert_eq!(missing, None);
    }
}
