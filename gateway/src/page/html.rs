//! The page for people: every language compiled at load, filled in per visit.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use sha2::{Digest as _, Sha256};

use super::{
    escape::{local, push_html},
    json,
    negotiate::Language,
    status::{Held, Refresh, State, Status, Visit},
    template::{Hole, Inline, Prepared},
    words::{self, Words},
};

/// The least that a page without JavaScript waits between two refreshes, in seconds: less takes the
/// page away from under a reader.
const REFRESH_FLOOR_S: u64 = 20;
/// What fills the holes is a few hundred bytes and the addresses, three times.
const USUAL_HOLES: usize = 1024;
/// The sources of the words.
const ENGLISH: &str = include_str!("en.json");
const KOREAN: &str = include_str!("ko.json");

/// Why a page could not be compiled: the fault of its author, and a retry changes nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// A word file is not what [`Words`] asks for.
    #[error("the queue page's words in {language} are not complete")]
    Words {
        /// The language's tag.
        language: &'static str,
        /// What is missing or unknown, with its line.
        source: serde_json::Error,
    },
    /// The template does not parse or names what does not exist.
    #[error("the queue page's template does not compile")]
    Template(#[from] minijinja::Error),
}

/// The queue page in every language. Made once, shared by all requests.
#[derive(Debug)]
pub(crate) struct Pages {
    english: Speaking,
    korean: Speaking,
}

/// The page in one language.
#[derive(Debug)]
struct Speaking {
    words: Words,
    prepared: Prepared,
    headers: [(HeaderName, HeaderValue); 5],
}

impl Pages {
    /// Compiles the built-in template.
    ///
    /// # Errors
    /// [`PageError`]; the built-in sources are tested to have none.
    pub(crate) fn compile() -> Result<Self, PageError> {
        let inline = Inline::prepare();
        Ok(Self {
            english: Speaking::compile("en", ENGLISH, &inline)?,
            korean: Speaking::compile("ko", KOREAN, &inline)?,
        })
    }

    /// The page for one visit.
    pub(crate) fn body(&self, language: Language, visit: &Visit<'_>) -> Bytes {
        let speaking = self.speaking(language);
        let original = local(visit.original);
        let page = Filling {
            words: &speaking.words,
            visit,
            original: &original,
        };
        let extra = USUAL_HOLES + 3 * (visit.original.len() + visit.room_name.len());
        Bytes::from(
            speaking
                .prepared
                .fill(extra, |out, hole| page.fill(out, hole)),
        )
    }

    /// The headers that belong to that page: content type and language, content security policy, and
    /// that nothing is sniffed or told to other sites. Caching, `Vary` and `Retry-After` are the
    /// answer's, not the page's.
    pub(crate) fn headers(&self, language: Language) -> &[(HeaderName, HeaderValue)] {
        &self.speaking(language).headers
    }

    fn speaking(&self, language: Language) -> &Speaking {
        match language {
            Language::English => &self.english,
            Language::Korean => &self.korean,
        }
    }
}

impl Speaking {
    fn compile(language: &'static str, words: &str, inline: &Inline) -> Result<Self, PageError> {
        let words: Words =
            serde_json::from_str(words).map_err(|source| PageError::Words { language, source })?;
        let prepared = Prepared::compile(language, &words, inline)?;
        let policy =
            HeaderValue::try_from(policy(inline)).expect("base64 and our own ASCII are a header's");
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (header::CONTENT_LANGUAGE, HeaderValue::from_static(language)),
            (header::CONTENT_SECURITY_POLICY, policy),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
            (
                header::REFERRER_POLICY,
                HeaderValue::from_static("same-origin"),
            ),
        ];
        Ok(Self {
            words,
            prepared,
            headers,
        })
    }
}

/// Only what the page itself carries may style it or run in it.
fn policy(inline: &Inline) -> String {
    let hash = |source: &str| STANDARD.encode(Sha256::digest(source));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(&inline.css),
        hash(&inline.js),
    )
}

/// One visit, as its holes ask for it.
struct Filling<'a> {
    words: &'a Words,
    visit: &'a Visit<'a>,
    /// The address to return to, made safe.
    original: &'a str,
}

impl Filling<'_> {
    fn fill(&self, out: &mut String, hole: Hole) {
        let visit = self.visit;
        let status = &visit.status;
        let says = self.words.script.of(status);
        match hole {
            Hole::View => out.push_str(words::view(status)),
            Hole::Title => self.title(out),
            Hole::Room => push_html(out, visit.room_name),
            Hole::Head => push_html(out, &says.head),
            Hole::Note => push_html(out, &says.note),
            Hole::Go => push_html(out, &says.go),
            Hole::Reason => push_html(out, self.words.script.why(status)),
            Hole::Position => push_count(out, status.position),
            Hole::Ahead => push_count(out, status.ahead),
            Hole::Behind => push_count(out, status.behind),
            Hole::Turn => self.turn(out),
            Hole::Clock => push_clock(out, status),
            Hole::Updated => push_time(out, "%H:%M:%S UTC", status.updated_at_ms),
            Hole::Ticket => push_html(out, status.ticket.unwrap_or("–")),
            Hole::StatusUrl => push_html(out, visit.status_url),
            Hole::ClaimUrl => push_html(out, visit.claim_url),
            Hole::LeaveUrl => push_html(out, visit.leave_url.unwrap_or_default()),
            Hole::LeaveHidden => push_hidden_unless(out, visit.leave_url.is_some()),
            Hole::Original => push_html(out, self.original),
            Hole::FormHidden => push_hidden_unless(out, visit.held == Held::Change),
            Hole::RefreshMeta => self.refresh_meta(out),
            Hole::RefreshingHidden => {
                push_hidden_unless(out, matches!(visit.refresh, Refresh::Itself { .. }))
            }
            Hole::StillUrl => {
                if let Refresh::Itself { stop } = visit.refresh {
                    push_html(out, stop);
                }
            }
            Hole::StatusJson => json::push(out, status, visit.held),
        }
    }

    /// The state first: a tab shows little more.
    fn title(&self, out: &mut String) {
        let status = &self.visit.status;
        match status.state {
            State::Called | State::Admitted => out.push_str("● "),
            state if state.is_in_line() && status.position.is_some() => {
                push_count(out, status.position);
                out.push_str(" · ");
            }
            _ => {}
        }
        push_html(out, self.words.script.of(status).title());
        out.push_str(" · ");
        push_html(out, self.visit.room_name);
    }

    /// A duration, because the server does not know the visitor's time zone; the script makes it a
    /// clock time.
    fn turn(&self, out: &mut String) {
        let status = &self.visit.status;
        let Some(eta) = status.eta.filter(|_| status.state == State::Waiting) else {
            return out.push('–');
        };
        let (from, to) = (eta.p50.div_ceil(60).max(1), eta.p90.div_ceil(60).max(1));
        let minutes = if from < to {
            format!("{from}–{to}")
        } else {
            to.to_string()
        };
        push_html(out, &self.words.minutes.replace("{m}", &minutes));
    }

    fn refresh_meta(&self, out: &mut String) {
        if self.visit.refresh == Refresh::OnRequest {
            return;
        }
        let seconds = self
            .visit
            .status
            .poll_after_ms
            .div_ceil(1000)
            .max(REFRESH_FLOOR_S);
        write!(out, "<meta http-equiv=\"refresh\" content=\"{seconds};url=")
            .expect("a String takes any write");
        push_html(out, self.original);
        out.push_str("\">");
    }
}

fn push_hidden_unless(out: &mut String, shown: bool) {
    if !shown {
        out.push_str(" hidden");
    }
}

/// A number as both languages write it, in groups of three.
fn push_count(out: &mut String, count: Option<u64>) {
    let Some(count) = count else {
        return out.push('–');
    };
    let digits = count.to_string();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
}

/// The time that matters next; the script turns it into a countdown.
fn push_clock(out: &mut String, status: &Status<'_>) {
    match (status.state, status.claim_deadline_ms, status.opens_at_ms) {
        (State::Called, Some(at_ms), _) | (State::NotOpen, _, Some(at_ms)) => {
            push_time(out, "%H:%M UTC", at_ms)
        }
        _ => {}
    }
}

fn push_time(out: &mut String, format: &str, at_ms: u64) {
    write!(out, "{}", json::timestamp(at_ms).strftime(format)).expect("a String takes any write");
}
