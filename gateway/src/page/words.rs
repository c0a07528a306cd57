//! The page's words in one language, from `en.json` and `ko.json`.
//!
//! A file that lacks a word is refused when the page is compiled; so is one too many, except among
//! the words that only the template names.

use std::collections::BTreeMap;

use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use super::status::{Chance, Method, State, Status};

/// One language's words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// What stands on the page in every state; the template names each.
    pub(super) page: BTreeMap<String, String>,
    /// Who goes in before whom, where the order is that of arrival.
    pub(super) fifo: String,
    /// For a page without JavaScript.
    pub(super) still: StillWords,
    /// What the script needs.
    pub(super) script: ScriptWords,
}

/// What only a page without JavaScript says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StillWords {
    /// It refreshes by itself.
    pub(super) refreshing: String,
    /// The link that ends that.
    pub(super) stop: String,
    /// The link to do it now.
    pub(super) now: String,
    /// The line asks for work, which only a script can do.
    pub(super) work: String,
}

/// The words that travel with the page, because the script chooses among them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptWords {
    /// By [`Status::view`].
    states: States,
    /// By the reason's name.
    reasons: Reasons,
    /// Who goes in before whom in a lottery: before the start (`{t}`), and after it.
    lottery: [String; 2],
    /// By the chance's name.
    chances: Chances,
    /// An estimate of under a minute.
    soon: String,
    /// Nine in ten are in by `{t}`.
    by: String,
    /// How far off the estimate was; `{t}` is a duration.
    past: String,
    /// `{n}` seconds, `{n}` minutes.
    units: [String; 2],
    /// What a screen reader hears now and then.
    say: String,
    /// The browser refuses cookies.
    cookies: String,
    /// Work is being done.
    work: String,
}

/// What is known of a page when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begins {
    /// [`Status::view`].
    pub(super) view: &'static str,
    pub(super) method: Method,
    /// Whether work is asked for.
    pub(super) works: bool,
}

impl Begins {
    pub(super) fn of(status: &Status<'_>) -> Self {
        Self {
            view: status.view(),
            method: status.method,
            works: status.work.is_some(),
        }
    }

    /// Whether the line has not begun to move, as far as the page knows.
    fn is_before(self) -> bool {
        matches!(self.view, "not_open" | "joining" | "drawing")
    }

    /// Whether a page that begins so may have to show that view without a new page.
    fn needs(self, view: &str) -> bool {
        let next: &[&str] = match self.view {
            // The number comes with a page of its own: this one brings the worker along instead.
            _ if self.works => &["left"],
            "not_open" => &["not_open", "waiting", "called", "admitted", "left", "moved"],
            "joining" => &[
                "not_open",
                "too_many_joins",
                "waiting",
                "called",
                "admitted",
                "left",
            ],
            "waiting" | "paused" | "called" => &[
                "waiting", "paused", "called", "admitted", "sold_out", "left", "moved",
            ],
            _ => &["waiting", "called", "admitted", "left"],
        };
        let is_drawn = view == "drawing" && self.is_before() && self.method == Method::Lottery;
        view == self.view || next.contains(&view) || is_drawn && !self.works
    }
}

/// What one state says. Written as `[title, head, note, go]`, without `go` where there is none: the names
/// would cost more than some of the words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateWords {
    /// In the window's title, where the heading alone would not tell the state.
    #[serde(default)]
    title: String,
    /// The heading.
    pub(super) head: String,
    /// The sentence under it.
    pub(super) note: String,
    /// The button, where there is somewhere to go.
    #[serde(default)]
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

impl Serialize for StateWords {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = [&self.title, &self.head, &self.note, &self.go];
        let said = if self.go.is_empty() {
            &all[..3]
        } else {
            &all[..]
        };
        let mut list = serializer.serialize_seq(Some(said.len()))?;
        for word in said {
            list.serialize_element(word)?;
        }
        list.end()
    }
}

/// A field for every [`Status::view`], so that none can be forgotten.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct States {
    not_open: StateWords,
    joining: StateWords,
    drawing: StateWords,
    too_many_joins: StateWords,
    invitation_required: StateWords,
    invitation_used: StateWords,
    waiting: StateWords,
    called: StateWords,
    admitted: StateWords,
    paused: StateWords,
    sold_out: StateWords,
    closed: StateWords,
    left: StateWords,
    moved: StateWords,
}

/// A field for every reason that needs a sentence; the others are views of their own.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Reasons {
    paused: String,
    origin_slow: String,
    limit_changed: String,
    store_lost: String,
    provisional: String,
    late_lane: String,
    new_number: String,
    slower: String,
}

/// What to hope for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Chances {
    likely: String,
    possible: String,
    unlikely: String,
    none_left: String,
}

impl Words {
    /// Who goes in before whom; `{t}` in it is the start.
    pub(super) fn rule(&self, status: &Status<'_>) -> &str {
        let [before, after] = &self.script.lottery;
        match (status.method, status.state) {
            (Method::Fifo, _) => &self.fifo,
            (Method::Lottery, State::NotOpen) => before,
            (Method::Lottery, _) => after,
        }
    }
}

impl ScriptWords {
    /// What a page that begins like that carries along, as JSON that may stand in a `<script>`: words for what
    /// may come next, so that nothing is asked for at the moment when everybody moves. Where another state
    /// comes all the same, the page is asked for again.
    pub(super) fn carried(&self, begins: Begins) -> String {
        let mut all = serde_json::to_value(self).expect("words are strings under string keys");
        let states = all["states"].as_object_mut().expect("it is a structure");
        states.retain(|name, _| begins.needs(name));
        let words = all.as_object_mut().expect("it is a structure");
        if begins.method == Method::Fifo || !begins.is_before() {
            words.remove("lottery");
        }
        if begins.view != "joining" {
            words.remove("cookies");
        }
        if begins.works {
            words.insert("reasons".to_owned(), json!({}));
            words.insert("chances".to_owned(), json!({}));
        } else {
            words.remove("work");
        }
        all.to_string().replace('<', "\\u003c")
    }

    /// What to say in a status's state.
    pub(super) fn of(&self, status: &Status<'_>) -> &StateWords {
        use super::Reason;
        match (status.reason, status.state) {
            (Some(Reason::Joining), _) => &self.states.joining,
            (Some(Reason::Drawing), _) => &self.states.drawing,
            (Some(Reason::TooManyJoins), _) => &self.states.too_many_joins,
            (Some(Reason::InvitationRequired), _) => &self.states.invitation_required,
            (Some(Reason::InvitationUsed), _) => &self.states.invitation_used,
            (Some(Reason::Moved), _) => &self.states.moved,
            (_, State::NotOpen) => &self.states.not_open,
            (_, State::Waiting) => &self.states.waiting,
            (_, State::Called) => &self.states.called,
            (_, State::Admitted) => &self.states.admitted,
            (_, State::Paused) => &self.states.paused,
            (_, State::SoldOut) => &self.states.sold_out,
            (_, State::Closed) => &self.states.closed,
            (_, State::Left) => &self.states.left,
        }
    }

    /// The sentence for what the visitor waits for besides its turn; empty if there is nothing to explain.
    pub(super) fn why(&self, status: &Status<'_>) -> &str {
        use super::Reason;
        if status.work.is_some() {
            return &self.work;
        }
        match status.reason {
            None
            | Some(
                Reason::Joining
                | Reason::Drawing
                | Reason::TooManyJoins
                | Reason::InvitationRequired
                | Reason::InvitationUsed
                | Reason::Moved,
            ) => "",
            Some(Reason::Paused) => &self.reasons.paused,
            Some(Reason::OriginSlow) => &self.reasons.origin_slow,
            Some(Reason::LimitChanged) => &self.reasons.limit_changed,
            Some(Reason::StoreLost) => &self.reasons.store_lost,
            Some(Reason::Provisional) => &self.reasons.provisional,
            Some(Reason::LateLane) => &self.reasons.late_lane,
            Some(Reason::NewNumber) => &self.reasons.new_number,
            Some(Reason::Slower) => &self.reasons.slower,
        }
    }

    /// What stock allows to hope for; empty where it is not known.
    pub(super) fn chance(&self, status: &Status<'_>) -> &str {
        match status.chance {
            None => "",
            Some(Chance::Likely) => &self.chances.likely,
            Some(Chance::Possible) => &self.chances.possible,
            Some(Chance::Unlikely) => &self.chances.unlikely,
            Some(Chance::NoneLeft) => &self.chances.none_left,
        }
    }

    /// How far off the estimate was; empty where nobody knows, or while none is given.
    pub(super) fn past(&self, status: &Status<'_>) -> String {
        let given = status
            .eta
            .is_some_and(|eta| status.state == State::Waiting && eta.p90 >= 60);
        match status.past_error_s.filter(|_| given) {
            None => String::new(),
            Some(seconds) => self.past.replace("{t}", &self.duration(seconds)),
        }
    }

    /// A duration in words, in seconds up to 99 and in minutes from there, as the script says it too.
    pub(super) fn duration(&self, seconds: u64) -> String {
        let [in_seconds, in_minutes] = &self.units;
        match seconds {
            0..=99 => in_seconds.replace("{n}", &seconds.to_string()),
            _ => in_minutes.replace("{n}", &(seconds.saturating_add(30) / 60).to_string()),
        }
    }

    /// About so many minutes, or from so many to so many.
    pub(super) fn minutes(&self, count: &str) -> String {
        self.units[1].replace("{n}", count)
    }
}
