//! What one visit puts into the page's holes.

use std::fmt::Write as _;

use waiting_room::journal::Noted;

use super::{
    escape::push_html,
    hole::Hole,
    html::Code,
    json,
    status::{Held, Refresh, State, Status, Visit},
    words::Words,
};
use crate::text::push_json;

/// The least that a page without JavaScript waits between two refreshes, in seconds: less takes the
/// page away from under a reader (WCAG F40, F41).
const REFRESH_FLOOR_S: u64 = 20;
/// Places from here on take a smaller size, to fit a narrow phone.
const BIG: u64 = 100_000;
/// Characters of a hash that are shown where the whole of it would only be noise.
const SHORT_HASH: usize = 8;

/// One visit, as its holes ask for it.
pub(super) struct Filling<'a> {
    pub(super) words: &'a Words,
    pub(super) code: &'a Code,
    pub(super) visit: &'a Visit<'a>,
    /// The address to return to, made safe.
    pub(super) original: &'a str,
}

impl Filling<'_> {
    pub(super) fn fill(&self, out: &mut String, hole: Hole) {
        let status = &self.visit.status;
        let words = &self.words.script;
        let says = words.of(status);
        match hole {
            Hole::View => self.view(out),
            Hole::Title => self.title(out),
            Hole::Room => push_html(out, self.visit.room_name),
            Hole::Head => push_html(out, &says.head),
            Hole::Note => push_html(out, &says.note),
            Hole::Go => push_html(out, &says.go),
            Hole::Reason => push_html(out, words.why(status)),
            Hole::Position if status.position.is_none() => {}
            Hole::Position => push_count(out, status.position),
            Hole::Ahead => push_count(out, status.ahead),
            Hole::Behind => push_count(out, status.behind),
            Hole::Turn => self.turn(out),
            Hole::Past => push_html(out, &words.past(status)),
            Hole::Chance => push_html(out, words.chance(status)),
            Hole::Message => push_html(out, status.message.unwrap_or_default()),
            Hole::Rule => push_html(
                out,
                &self.words.rule(status).replace("{t}", &opening(status)),
            ),
            Hole::Clock => self.clock(out),
            Hole::Opens if status.state == State::NotOpen => out.push_str(&opening(status)),
            Hole::Opens => {}
            Hole::Updated => push_time(out, "%H:%M:%S UTC", status.updated_at_ms),
            Hole::Ticket => push_html(out, status.ticket.unwrap_or_default()),
            Hole::Seal => push_html(out, short(status.commitment)),
            Hole::Commitment => push_html(out, status.commitment.unwrap_or_default()),
            Hole::Log => push_html(out, noted(status.log_head)),
            Hole::LogUrl => self.beside_status(out, "log"),
            Hole::LotteryUrl => self.beside_status(out, "lottery"),
            Hole::HandoffUrl => self.beside_status(out, "handoff"),
            Hole::LeaveUrl => push_html(out, self.visit.leave_url.unwrap_or_default()),
            Hole::Original => push_html(out, self.original),
            Hole::FormHidden => {
                push_hidden_unless(out, Some(()).filter(|()| self.visit.held == Held::Change))
            }
            Hole::LeaveHidden => push_hidden_unless(out, self.visit.leave_url),
            Hole::MoveHidden => push_hidden_unless(out, status.handoff_url),
            Hole::SealHidden => push_hidden_unless(out, status.commitment),
            Hole::Refresh => self.refresh(out),
            Hole::WithoutScript => self.without_script(out),
            Hole::Script => self.script(out),
        }
    }

    /// The view, and what some views have in common.
    fn view(&self, out: &mut String) {
        let status = &self.visit.status;
        out.push_str(status.view());
        out.push_str(match (status.reason, status.state) {
            (Some(reason), state) if reason.is_view() && state != State::Left => "",
            (_, State::Waiting | State::Paused) => " line",
            (_, State::NotOpen | State::Called) => "",
            (_, State::Admitted | State::SoldOut | State::Closed | State::Left) => " end",
        });
        if status.position.is_some_and(|position| position >= BIG) {
            out.push_str(" big");
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
        push_html(out, &self.words.script.minutes(&minutes));
    }

    /// How long the place is held; the script turns it into a countdown.
    fn clock(&self, out: &mut String) {
        let status = &self.visit.status;
        if let (State::Called, Some(until_ms)) = (status.state, status.claim_deadline_ms) {
            let seconds = until_ms.saturating_sub(status.updated_at_ms) / 1000;
            push_html(out, &self.words.script.duration(seconds));
        }
    }

    /// The line's public log lies beside its status.
    fn beside_status(&self, out: &mut String, name: &str) {
        let url = self.visit.status_url;
        push_html(out, url.strip_suffix("status").unwrap_or(url));
        out.push_str(name);
    }

    fn refresh(&self, out: &mut String) {
        if self.visit.refresh == Refresh::OnRequest {
            return;
        }
        let seconds = self
            .visit
            .status
            .poll_after_ms
            .div_ceil(1000)
            .max(REFRESH_FLOOR_S);
        write!(
            out,
            "<noscript><meta http-equiv=\"refresh\" content=\"{seconds};url="
        )
        .expect("a String takes any write");
        push_html(out, self.original);
        out.push_str("\"></noscript>");
    }

    /// Tells that the page refreshes by itself, how to stop that, and how to do it by hand.
    fn without_script(&self, out: &mut String) {
        let words = &self.words.still;
        out.push_str("<noscript>");
        if self.visit.status.work.is_some() {
            push_all(out, &["<p>", &words.work, "</p>"]);
        }
        if let Refresh::Itself { stop } = self.visit.refresh {
            push_all(out, &["<p>", &words.refreshing, " <a href=\""]);
            push_html(out, stop);
            push_all(out, &["\">", &words.stop, "</a></p>"]);
        }
        if self.visit.refresh == Refresh::OnRequest {
            out.push_str("<p><a href=\"");
            push_html(out, self.original);
            push_all(out, &["\">", &words.now, "</a></p>"]);
        }
        out.push_str("</noscript>");
    }

    /// What the page knows and what it runs. Only the last of these elements is a script to the browser; the
    /// others are data, which the policy need not name.
    fn script(&self, out: &mut String) {
        let (visit, code) = (self.visit, self.code);
        push_all(
            out,
            &[
                "<script type=\"application/json\" id=words>",
                code.words(&visit.status),
            ],
        );
        out.push_str("</script><script type=\"application/json\" id=status>[");
        json::push_for_script(out, &visit.status);
        for url in [visit.status_url, visit.claim_url] {
            out.push(',');
            push_json(out, url);
        }
        out.push_str("]</script>");
        if visit.status.work.is_some() {
            push_all(
                out,
                &[
                    "<script type=\"text/plain\" id=work>",
                    &code.worker,
                    "</script>",
                ],
            );
        }
        push_all(out, &["<script>", &code.script, "</script>"]);
    }
}

fn push_all(out: &mut String, parts: &[&str]) {
    out.extend(parts.iter().copied());
}

fn push_hidden_unless<T>(out: &mut String, shown: Option<T>) {
    if shown.is_none() {
        out.push_str(" hidden");
    }
}

/// What of a log's head is enough to prove later that it was there: its place, and 32 digits.
fn noted(head: Option<&str>) -> &str {
    let head = head.unwrap_or_default();
    let hash = head.find(':').map_or(0, |colon| colon + 1);
    head.get(..hash + Noted::FEWEST_DIGITS).unwrap_or(head)
}

/// The first characters of a hash.
fn short(hash: Option<&str>) -> &str {
    let hash = hash.unwrap_or_default();
    let end = hash.char_indices().nth(SHORT_HASH);
    end.map_or(hash, |(end, _)| &hash[..end])
}

/// When the room opens, where it says so.
fn opening(status: &Status<'_>) -> String {
    status.opens_at_ms.map_or_else(String::new, |at_ms| {
        json::timestamp(at_ms)
            .strftime("%Y-%m-%d %H:%M UTC")
            .to_string()
    })
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

fn push_time(out: &mut String, format: &str, at_ms: u64) {
    write!(out, "{}", json::timestamp(at_ms).strftime(format)).expect("a String takes any write");
}
