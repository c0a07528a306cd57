//! One of very many visitors: where it is in its visit, what it was told, and the request it makes next. No I/O and no
//! clock; a few hundred bytes.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Deserialize;

use super::http::Answer;
use crate::clock::Moment;
use crate::record::Exchange;

/// The least pause between two polls, whatever an answer says: a drill must not become a flood.
const SHORTEST: Duration = Duration::from_millis(50);
/// After an answer that no visitor should get, and when there was none.
const AGAIN: Duration = Duration::from_secs(1);

/// Where in the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Has not asked for anything yet.
    New,
    /// Holds a challenge or a number and polls.
    Waiting,
    /// Was told of a call and comes in.
    Called,
    /// Has a pass and asks for the page.
    Entering,
    /// Is in, until it leaves.
    Inside,
    /// Has given the seat back, or was sent away.
    Done,
    /// Went away silently while it waited.
    Gone,
}

/// An estimate as it was shown. Times in milliseconds since the drill began, and as long as the wait was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) at_ms: u32,
    pub(crate) p50_s: u32,
    pub(crate) p90_s: u32,
}

/// One visitor.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) number: u32,
    pub(crate) stage: Stage,
    ticket: Box<str>,
    pass: Box<str>,
    /// Goes away silently then, if still waiting.
    pub(crate) leaves_at: Option<Moment>,
    pub(crate) joined: Option<Exchange>,
    pub(crate) called: Option<Moment>,
    /// When the newest call was first told.
    pub(crate) seen: Option<Moment>,
    pub(crate) call_until: Option<Moment>,
    /// The claim's answer.
    pub(crate) claimed: Option<Moment>,
    /// When the seat was given back: the request to do so was sent then.
    pub(crate) left: Option<Moment>,
    pub(crate) ahead: Option<u32>,
    pub(crate) rises: u16,
    /// Polled much later than it was told to.
    pub(crate) is_tardy: bool,
    pub(crate) shown: Vec<Shown>,
}

/// The gateway's JSON, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Status<'a> {
    state: &'a str,
    #[serde(default)]
    ticket: Option<&'a str>,
    #[serde(default)]
    ahead: Option<u32>,
    #[serde(default)]
    eta_seconds: Option<Eta>,
    poll_after_ms: u64,
    #[serde(default)]
    called_at: Option<&'a str>,
    #[serde(default)]
    claim_deadline: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
struct Eta {
    p50: u32,
    p90: u32,
}

/// What an answer means for the drill's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Arrived,
    Joined,
    Polled,
    Called,
    Admitted,
    Left,
    /// An answer that no visitor should get.
    Trouble,
    Nothing,
}

/// What makes a request besides its visitor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) host: &'a str,
    pub(crate) room: &'a str,
    pub(crate) path: &'a str,
}

impl Visitor {
    pub(crate) fn new(number: u32) -> Self {
        Self {
            number,
            stage: Stage::New,
            ticket: Box::default(),
            pass: Box::default(),
            leaves_at: None,
            joined: None,
            called: None,
            seen: None,
            call_until: None,
            claimed: None,
            left: None,
            ahead: None,
            rises: 0,
            is_tardy: false,
            shown: Vec::new(),
        }
    }

    /// Writes the next request into `out`.
    pub(crate) fn request(&self, place: Place<'_>, out: &mut Vec<u8>) {
        let Place { host, room, path } = place;
        let mut text = String::with_capacity(512);
        let line = match self.stage {
            Stage::New | Stage::Entering => format!("GET {path}"),
            Stage::Called => format!("POST /.fluxgate/{room}/claim"),
            Stage::Inside => format!("POST /.fluxgate/{room}/leave"),
            Stage::Waiting | Stage::Done | Stage::Gone => format!("GET /.fluxgate/{room}/status"),
        };
        let from = Ipv4Addr::from((10 << 24) | (self.number & 0x00ff_ffff));
        write!(
            text,
            "{line} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\nX-Forwarded-For: {from}\r\n"
        )
        .expect("a String takes any write");
        for (name, token) in [("Ticket", &self.ticket), ("Pass", &self.pass)] {
            if !token.is_empty() {
                write!(text, "X-Fluxgate-{name}: {token}\r\n").expect("a String takes any write");
            }
        }
        if line.starts_with("POST") {
            text.push_str("Content-Length: 0\r\n");
        }
        text.push_str("\r\n");
        out.clear();
        out.extend_from_slice(text.as_bytes());
    }

    /// Takes an answer in. Gives what it means, and when the next request is due (`None`: never, or for `Inside`
    /// whenever the visitor wants to leave).
    pub(crate) fn told(
        &mut self,
        answer: &Answer,
        exchange: Exchange,
        start: Moment,
    ) -> (Event, Option<Moment>) {
        if let Some(ticket) = &answer.ticket {
            self.ticket.clone_from(ticket);
        }
        if let Some(pass) = &answer.pass {
            self.pass.clone_from(pass);
        }
        let now = exchange.answered;
        let trouble = (Event::Trouble, Some(now.plus(AGAIN)));
        match self.stage {
            Stage::New if answer.status == 503 && !self.ticket.is_empty() => {
                self.stage = Stage::Waiting;
                (Event::Arrived, Some(now))
            }
            Stage::Waiting if answer.status == 200 => match serde_json::from_slice(&answer.body) {
                Ok(status) => self.waits(&status, exchange, start),
                Err(_) => trouble,
            },
            Stage::Called if answer.status == 200 && !self.pass.is_empty() => {
                self.stage = Stage::Entering;
                self.claimed = Some(now);
                (Event::Admitted, Some(now))
            }
            // The call had lapsed: back to waiting, in the late lane.
            Stage::Called if answer.status == 409 => {
                self.stage = Stage::Waiting;
                (Event::Nothing, Some(now.plus(AGAIN)))
            }
            Stage::Entering if answer.status == 200 => {
                self.stage = Stage::Inside;
                (Event::Nothing, None)
            }
            Stage::Inside if answer.status == 200 => {
                self.stage = Stage::Done;
                self.left = Some(exchange.sent);
                (Event::Left, None)
            }
            Stage::New | Stage::Waiting | Stage::Called | Stage::Entering | Stage::Inside => {
                trouble
            }
            Stage::Done | Stage::Gone => (Event::Nothing, None),
        }
    }

    fn waits(
        &mut self,
        status: &Status<'_>,
        exchange: Exchange,
        start: Moment,
    ) -> (Event, Option<Moment>) {
        let now = exchange.answered;
        let event = match self.joined {
            Some(_) => Event::Polled,
            None if status.ticket.is_some() || status.state == "called" => {
                self.joined = Some(exchange);
                Event::Joined
            }
            None => Event::Nothing,
        };
        let again = now.plus(Duration::from_millis(status.poll_after_ms).max(SHORTEST));
        match status.state {
            "called" => {
                let moment = |text: Option<&str>| text.and_then(Moment::from_rfc3339);
                let (at, until) = (moment(status.called_at), moment(status.claim_deadline));
                let (Some(at), Some(until)) = (at, until) else {
                    return (Event::Trouble, Some(again));
                };
                self.stage = Stage::Called;
                // Whoever misses this call is told the place among the late comers.
                self.ahead = None;
                self.called.get_or_insert(at);
                self.seen = Some(now);
                self.call_until = Some(until);
                // The joining answer may be the call at once; it counts as both.
                let told = if event == Event::Joined {
                    event
                } else {
                    Event::Called
                };
                (told, Some(now))
            }
            "waiting" | "paused" | "not_open" => {
                self.observe(status, exchange, start);
                (event, Some(again))
            }
            "sold_out" | "closed" => {
                self.stage = Stage::Done;
                (event, None)
            }
            _ => (Event::Trouble, Some(again)),
        }
    }

    fn observe(&mut self, status: &Status<'_>, exchange: Exchange, start: Moment) {
        if let Some(ahead) = status.ahead {
            let has_risen = self.ahead.is_some_and(|before| ahead > before);
            self.rises = self.rises.saturating_add(u16::from(has_risen));
            self.ahead = Some(ahead);
        }
        if let Some(eta) = &status.eta_seconds {
            let since = exchange.answered.since(start).as_millis();
            self.shown.push(Shown {
                at_ms: u32::try_from(since).unwrap_or(u32::MAX),
                p50_s: eta.p50,
                p90_s: eta.p90,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place {
        host: "shop",
        room: "sale",
        path: "/sale/",
    };

    fn at(second: u64) -> Moment {
        Moment::from_micros(second * 1_000_000)
    }

    fn answer(status: u16, token: Option<&str>, body: &'static str) -> Answer {
        Answer {
            status,
            ticket: token.map(Into::into),
            pass: (body == "pass").then(|| "p".into()),
            body: body.into(),
            ..Answer::default()
        }
    }

    fn text(visitor: &Visitor) -> String {
        let mut out = Vec::new();
        visitor.request(PLACE, &mut out);
        String::from_utf8(out).expect("requests are text")
    }

    #[test]
    fn a_visit_goes_from_the_page_to_the_seat_and_back() {
        let mut visitor = Visitor::new(258);
        let tell = |visitor: &mut Visitor, second, told| {
            let exchange = Exchange {
                sent: at(second),
                answered: at(second),
            };
            visitor.told(&told, exchange, at(0))
        };
        assert!(text(&visitor).starts_with("GET /sale/ HTTP/1.1\r\n"));
        assert!(text(&visitor).contains("X-Forwarded-For: 10.0.1.2\r\n"));
        let challenged = tell(&mut visitor, 1, answer(503, Some("c"), "{}"));
        assert_eq!(challenged, (Event::Arrived, Some(at(1))));
        assert!(text(&visitor).contains("X-Fluxgate-Ticket: c\r\n"));
        let waiting = r#"{"state":"waiting","ticket":"7K","ahead":9,"poll_after_ms":30000,"eta_seconds":{"p50":60,"p90":90}}"#;
        assert_eq!(
            tell(&mut visitor, 1, answer(200, Some("t"), waiting)),
            (Event::Joined, Some(at(31)))
        );
        assert_eq!(
            visitor.shown,
            [Shown {
                at_ms: 1_000,
                p50_s: 60,
                p90_s: 90
            }]
        );
        let called = r#"{"state":"called","ticket":"7K","poll_after_ms":2000,"called_at":"1970-01-01T00:00:20Z","claim_deadline":"1970-01-01T00:02:20Z"}"#;
        assert_eq!(
            tell(&mut visitor, 31, answer(200, None, called)),
            (Event::Called, Some(at(31)))
        );
        assert_eq!(
            (visitor.called, visitor.call_until),
            (Some(at(20)), Some(at(140)))
        );
        assert!(text(&visitor).starts_with("POST /.fluxgate/sale/claim"));
        assert_eq!(
            tell(&mut visitor, 32, answer(200, None, "pass")),
            (Event::Admitted, Some(at(32)))
        );
        assert!(text(&visitor).contains("X-Fluxgate-Pass: p\r\n"));
        assert_eq!(
            tell(&mut visitor, 33, answer(200, None, "shop")),
            (Event::Nothing, None)
        );
        assert!(text(&visitor).starts_with("POST /.fluxgate/sale/leave"));
        assert_eq!(
            tell(&mut visitor, 60, answer(200, None, "{}")),
            (Event::Left, None)
        );
        assert_eq!((visitor.stage, visitor.left), (Stage::Done, Some(at(60))));
    }

    #[test]
    fn a_risen_place_and_a_wrong_answer_are_noticed() {
        let mut visitor = Visitor {
            stage: Stage::Waiting,
            ..Visitor::new(1)
        };
        let exchange = Exchange {
            sent: at(1),
            answered: at(1),
        };
        for body in [
            r#"{"state":"waiting","ticket":"7K","ahead":5,"poll_after_ms":1000}"#,
            r#"{"state":"waiting","ticket":"7K","ahead":6,"poll_after_ms":1000}"#,
        ] {
            visitor.told(&answer(200, None, body), exchange, at(0));
        }
        assert_eq!(visitor.rises, 1);
        let refused = visitor.told(&answer(429, None, "{}"), exchange, at(0));
        assert_eq!(refused, (Event::Trouble, Some(at(2))));
    }
}
