//! The page's words in one language, from `en.json` and `ko.json`.
//!
//! A file that lacks a word is refused when the page is compiled; so is one too many, except among
//! the words that only the template names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::status::{State, Status};

/// One language's words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// What stands on the page in every state; the template names each.
    pub(super) page: BTreeMap<String, String>,
    /// How a page without JavaScript gives the estimate; `{m}` is minutes.
    pub(super) minutes: String,
    /// What the script needs.
    pub(super) script: ScriptWords,
}

/// The words that travel with the page, because the script chooses among them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptWords {
    /// By [`view`].
    states: States,
    /// By the reason's name.
    reasons: Reasons,
    /// An estimate of under a minute.
    soon: String,
    /// Nine in ten are in by `{t}`.
    by: String,
    /// What a screen reader hears now and then.
    say: String,
    /// The browser refuses cookies.
    cookies: String,
}

/// What one state says.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateWords {
    /// In the window's title, where the heading alone would not tell the state.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    title: String,
    /// The heading.
    pub(super) head: String,
    /// The sentence under it.
    pub(super) note: String,
    /// The button, where there is somewhere to go.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) go: String,
}

impl StateWords {
    /// What the window's title says.
    pub(super) fn title(&self) -> &str {
        if self.title.is_empty() {
            &self.head
        } else {
            &self.title
        }
    }
}

/// A field for every [`view`], so that none can be forgotten.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct States {
    not_open: StateWords,
    joining: StateWords,
    waiting: StateWords,
    called: StateWords,
    admitted: StateWords,
    paused: StateWords,
    sold_out: StateWords,
    closed: StateWords,
    left: StateWords,
}

/// A field for every reason that needs a sentence; joining is a [`view`] of its own.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Reasons {
    paused: String,
    origin_slow: String,
    drawing: String,
    limit_changed: String,
    store_lost: String,
    late_lane: String,
    new_number: String,
}

/// How a status looks: the class of `<html>`, the same that the script sets.
pub(super) fn view(status: &Status<'_>) -> &'static str {
    if status.is_joining() {
        "joining"
    } else {
        status.state.name()
    }
}

impl ScriptWords {
    /// What to say in a status's state.
    pub(super) fn of(&self, status: &Status<'_>) -> &StateWords {
        if status.is_joining() {
            return &self.states.joining;
        }
        match status.state {
            State::NotOpen => &self.states.not_open,
            State::Waiting => &self.states.waiting,
            State::Called => &self.states.called,
            State::Admitted => &self.states.admitted,
            State::Paused => &self.states.paused,
            State::SoldOut => &self.states.sold_out,
            State::Closed => &self.states.closed,
            State::Left => &self.states.left,
        }
    }

    /// The sentence for a status's reason; empty if there is nothing to explain.
    pub(super) fn why(&self, status: &Status<'_>) -> &str {
        use super::Reason;
        match status.reason {
            None | Some(Reason::Joining) => "",
            Some(Reason::Paused) => &self.reasons.paused,
            Some(Reason::OriginSlow) => &self.reasons.origin_slow,
            Some(Reason::Drawing) => &self.reasons.drawing,
            Some(Reason::LimitChanged) => &self.reasons.limit_changed,
            Some(Reason::StoreLost) => &self.reasons.store_lost,
            Some(Reason::LateLane) => &self.reasons.late_lane,
            Some(Reason::NewNumber) => &self.reasons.new_number,
        }
    }
}
