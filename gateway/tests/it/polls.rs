//! Polls are answered on the connection itself, without a Pingora session: nobody must be able to tell.

use std::collections::BTreeMap;

use crate::browser::{JSON, site};
use crate::gateway::Gateway;
use crate::http::Answer;
use crate::origin::Origin;

const STATUS: &str = "/.fluxgate/sale/status";

fn poll(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n{JSON}{more}\r\n")
}

/// What an answer says whoever asks, by name.
fn said(answer: &Answer) -> (u16, BTreeMap<String, String>, Vec<String>) {
    let of_this_answer = [
        "x-request-id",
        "date",
        "set-cookie",
        "x-fluxgate-ticket",
        "content-length",
    ];
    let headers = answer.headers.iter().map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let value = match of_this_answer.contains(&name.as_str()) {
            true => String::new(),
            false => value.clone(),
        };
        (name, value)
    });
    let body = answer.json();
    let members = body.as_object().expect("an object").keys().cloned();
    (answer.status, headers.collect(), members.collect())
}

#[test]
fn a_poll_is_answered_like_every_other_request_and_on_the_same_connection() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 5 }", "{ kind: memory }");
    let quick = "http: { keepalive: 2s }\n";
    let gateway = Gateway::start(&format!("{quick}{}", site.rest));
    let mut client = gateway.client();
    // A query makes it a request like any other.
    let long = client.send(&poll(&format!("{STATUS}?long"), "")).read();
    let short = client.send(&poll(STATUS, "")).read();
    assert_eq!(said(&short), said(&long));
    assert_eq!(short.status, 200);
    let ids = [&long, &short].map(|answer| answer.header("x-request-id").map(str::to_owned));
    assert!(ids[0].is_some() && ids[0] != ids[1]);

    // In between come other requests, heads in two pieces, and two at once.
    assert_eq!(client.get("a.test", "/about").status, 200);
    let whole = poll(STATUS, "Connection: keep-alive\r\n");
    let (head, rest) = whole.split_at(whole.len() / 2);
    client.send(head);
    assert_eq!(client.send(rest).read().status, 200);
    assert_eq!(client.send(&whole).read().status, 200);
    let refused = client.send(&poll(STATUS, "X: a\r\n b\r\n")).read();
    assert_eq!(
        refused.status, 400,
        "a folded header is Pingora's to refuse"
    );

    // Each is counted and logged once.
    let mut client = gateway.client();
    let unknown = poll("/.fluxgate/none/status", "");
    assert_eq!(client.send(&unknown).read().status, 404);
    let id = client.send(&poll(STATUS, "")).read();
    let id = id.header("x-request-id").expect("an id").to_owned();
    let line = gateway.wait_printed(&id);
    assert!(
        line.contains(STATUS) && line.contains("\"status\":200"),
        "{line}"
    );
    assert_eq!(gateway.metric("fluxgate_unlogged_requests_total"), 0.0);
    assert!(
        client.is_ended(),
        "an idle connection ends after its keepalive"
    );
}

#[test]
fn whoever_asks_to_close_is_told_so_and_closed() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 5 }", "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let mut client = gateway.client();
    assert!(client.send(&poll(STATUS, "")).read().keeps_connection());
    let last = client.send(&poll(STATUS, "Connection: close\r\n")).read();
    assert!(!last.keeps_connection());
    assert!(client.is_ended());
    // The process ends while a connection is idle between two polls.
    let mut idle = gateway.client();
    assert!(idle.send(&poll(STATUS, "")).read().keeps_connection());
    gateway.terminate();
    assert!(idle.is_ended());
    assert!(gateway.ends_well(crate::http::PATIENCE));
}
