//! The queue page before a server that says what the test wants said.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::origin::{Asked, Origin};
use crate::preview::written;

/// Where the written pages lead.
pub(crate) const SALE: &str = "/sale/autumn-collection/2026?utm_source=newsletter&utm_medium=email";

pub(crate) struct Stage {
    origin: Origin,
    said: Arc<Mutex<Said>>,
}

/// What the server says.
pub(crate) struct Said {
    /// The status code of polls.
    pub(crate) code: u16,
    /// What is said of the visitor; the time is added.
    pub(crate) status: Value,
    /// Whether the visitor is in.
    pub(crate) admitted: bool,
}

impl Stage {
    /// Shows the page written for `state`, which asks again after `poll_ms`; then says what `status` says.
    pub(crate) fn showing(state: &str, poll_ms: u32, status: Value) -> Self {
        let file = written().join(format!("en-{state}.html"));
        let page = std::fs::read_to_string(file).expect("written");
        let page = page.replace(
            "\"poll_after_ms\":86400000",
            &format!("\"poll_after_ms\":{poll_ms}"),
        );
        let said = Arc::new(Mutex::new(Said {
            code: 200,
            status,
            admitted: false,
        }));
        let of_origin = Arc::clone(&said);
        let origin = Origin::replying(move |asked, stream| {
            let (code, kind, body) = of_origin.lock().expect("not poisoned").reply(asked, &page);
            let answered = write!(
                stream,
                "HTTP/1.1 {code} X\r\nContent-Type: {kind}\r\nCache-Control: no-store\r\nRetry-After: 1\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            // A browser that leaves a page breaks its polls off.
            drop(answered);
        });
        Self { origin, said }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.origin.address())
    }

    /// Changes what is said from now on.
    pub(crate) fn say(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said.lock().expect("not poisoned"));
    }

    /// The polls so far.
    pub(crate) fn polls(&self) -> usize {
        self.count("GET /.fluxgate/preview/status ")
    }

    /// How many requests began like that.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.origin
            .asked()
            .iter()
            .filter(|asked| asked.line.starts_with(line))
            .count()
    }
}

impl Said {
    fn reply(&mut self, asked: &Asked, page: &str) -> (u16, &'static str, String) {
        let (html, known) = ("text/html; charset=utf-8", &asked.line);
        if known.starts_with("GET /.fluxgate/preview/status ") {
            return (self.code, "application/json", self.status());
        }
        if known.starts_with("POST /.fluxgate/preview/claim ") {
            self.admitted = self.status["state"] == "called";
            let code = if self.admitted { 200 } else { 409 };
            return (code, "application/json", self.status());
        }
        if known.starts_with("GET /sale") && !self.admitted {
            return (503, html, page.to_owned());
        }
        if known.starts_with("GET /sale") {
            return (
                200,
                html,
                "<title>shop</title><p>The shop <a id=item href=/item>item</a>".to_owned(),
            );
        }
        (200, html, "<title>elsewhere</title><p>Elsewhere".to_owned())
    }

    fn status(&mut self) -> String {
        let mut status = self.status.clone();
        if self.admitted {
            status = json!({ "room": "preview", "state": "admitted", "poll_after_ms": 30_000 });
        }
        status["updated_at"] = json!(jiff::Timestamp::now().to_string());
        status.to_string()
    }
}

/// Somebody in line, in that place.
pub(crate) fn waiting(position: u32) -> Value {
    json!({
        "room": "preview", "state": "waiting", "position": position, "ahead": position - 1, "behind": 9,
        "eta_seconds": { "p50": 742, "p90": 1_268 }, "poll_after_ms": 300, "ticket": "K7QM2X", "method": "fifo",
    })
}

/// Somebody who is called, for that many seconds.
pub(crate) fn called(seconds: i64) -> Value {
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    json!({
        "room": "preview", "state": "called", "claim_deadline": until.to_string(), "poll_after_ms": 300, "ticket": "K7QM2X",
    })
}
