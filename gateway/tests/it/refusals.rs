//! Messages that are refused, how they are told, and what becomes of their connection.

use crate::gateway::{Gateway, one_tenant};
use crate::http::Answer;
use crate::origin::Origin;

const SMALL: &str = "http: { max_header_bytes: 1KiB, max_uri_bytes: 128B, max_body_bytes: 1KiB }\n";

fn gateway(origin: &Origin) -> Gateway {
    Gateway::start(&format!("{SMALL}{}", one_tenant(origin)))
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["code"], code);
    assert_eq!(body["status"], status);
    assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("server"), None);
}

#[test]
fn refusals_say_why_and_keep_the_connection() {
    let origin = Origin::named("shop");
    let gateway = gateway(&origin);
    let mut client = gateway.client();
    let long = "x".repeat(200);
    let cases = [
        (
            "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n".to_owned(),
            421,
            "unknown_host",
        ),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400, "bad_request"),
        (
            format!("GET /{long} HTTP/1.1\r\nHost: a.test\r\n\r\n"),
            414,
            "uri_too_long",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: a.test\r\nX: {}\r\n\r\n",
                long.repeat(10)
            ),
            431,
            "header_too_large",
        ),
        (
            "GET /a/%2e%2e/b HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
        (
            "GET /a%2fb HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
        (
            "POST / HTTP/1.1\r\nHost: b.test\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
            421,
            "unknown_host",
        ),
    ];
    for (request, status, code) in cases {
        let answer = client.send(&request).read();
        assert_refused(&answer, status, code);
        assert!(answer.keeps_connection(), "{request}");
    }
    assert_eq!(
        client.get("a.test", "/").body,
        "shop",
        "still the same connection"
    );
    assert_eq!(
        origin.asked().len(),
        1,
        "nothing refused reached the origin"
    );
}

#[test]
fn a_head_request_is_refused_without_a_body() {
    let origin = Origin::named("shop");
    let gateway = gateway(&origin);
    let mut client = gateway.client();
    let head = client
        .send("HEAD / HTTP/1.1\r\nHost: b.test\r\n\r\n")
        .read_head();
    assert_eq!(head.status, 421);
    assert_ne!(
        head.header("content-length"),
        Some("0"),
        "as long as GET's would be"
    );
    // A body would now be taken for the beginning of this answer.
    assert_eq!(client.get("a.test", "/").body, "shop");
}

#[test]
fn an_old_client_is_not_kept_waiting_for_a_connection_it_did_not_ask_for() {
    let origin = Origin::named("shop");
    let gateway = gateway(&origin);
    for host in ["a.test", "b.test"] {
        let mut client = gateway.client();
        let answer = client
            .send(&format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n"))
            .read();
        assert!(!answer.keeps_connection(), "{answer:?}");
        assert!(client.is_ended());
    }
}

#[test]
fn smuggling_shapes_are_refused() {
    let origin = Origin::named("shop");
    let gateway = gateway(&origin);
    let both = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\
        Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answer = gateway.client().send(both).read();
    assert_refused(&answer, 400, "bad_request");
    assert!(!answer.keeps_connection());
    let hosts = "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n";
    assert_eq!(gateway.client().send(hosts).read().status, 400);
    assert!(origin.asked().is_empty());
}

#[test]
fn announced_bodies_over_the_limit_never_reach_the_origin() {
    let origin = Origin::named("shop");
    let gateway = gateway(&origin);
    let request = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000000000\r\n\r\n";
    let mut client = gateway.client();
    let answer = client.send(request).read();
    assert_refused(&answer, 413, "body_too_large");
    assert!(
        !answer.keeps_connection(),
        "a terabyte is not worth reading"
    );
    assert!(client.is_ended());
    let fits = format!(
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1024\r\n\r\n{}",
        "x".repeat(1024)
    );
    assert_eq!(gateway.client().send(&fits).read().status, 200);
    assert_eq!(origin.asked().len(), 1);
}

#[test]
fn chunked_bodies_over_the_limit_are_cut() {
    let origin = Origin::named("shop");
    let gateway = gateway(&origin);
    let chunk = format!("200\r\n{}\r\n", "x".repeat(0x200));
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(3)
    );
    let answer = gateway.client().send(&request).read();
    assert_refused(&answer, 413, "body_too_large");
    assert!(!answer.keeps_connection());
}

#[test]
fn what_no_route_takes_is_not_found() {
    let origin = Origin::named("shop");
    let rest = one_tenant(&origin).replace("/**", "/shop/**");
    let gateway = Gateway::start(&rest);
    assert_refused(&gateway.get("/other"), 404, "no_route");
    assert_eq!(gateway.get("/shop/x").status, 200);
}
