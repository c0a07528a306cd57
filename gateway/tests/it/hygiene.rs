//! What the origin gets to see, and what the client does not.

use crate::gateway::{Gateway, one_tenant};
use crate::origin::Origin;

#[test]
fn spoofed_identity_never_reaches_the_origin() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&one_tenant(&origin));
    let request = "GET /x?q=1 HTTP/1.1\r\nHost: A.test:8080\r\n\
        X-Forwarded-For: 6.6.6.6\r\nx_forwarded_for: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\
        X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\n\
        X-Fluxgate-Tenant: evil\r\nX-Fluxgate-Pass: v1\r\nX-Request-Id: mine\r\n\
        Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\n\
        Cookie: a=1; fg_t_sale=x; b=2\r\nX-Tenant-Id: acme\r\n\r\n";
    let answer = gateway.client().send(request).read();
    assert_eq!(answer.status, 200);
    let asked = origin.last();
    assert_eq!(asked.line, "GET /x?q=1 HTTP/1.1");
    assert_eq!(asked.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(asked.header("x-forwarded-proto"), Some("http"));
    assert_eq!(asked.header("x-forwarded-host"), Some("A.test:8080"));
    assert_eq!(asked.header("x-fluxgate-tenant"), Some("acme"));
    assert_eq!(asked.header("cookie"), Some("a=1; b=2"));
    assert_eq!(
        asked.header("x-tenant-id"),
        Some("acme"),
        "not ours to drop"
    );
    let dropped = [
        "x_forwarded_for",
        "x-real-ip",
        "forwarded",
        "x-fluxgate-pass",
        "x-secret",
        "te",
    ];
    for name in dropped {
        assert_eq!(asked.header(name), None, "{name}");
    }
    let id = asked.header("x-request-id").expect("an id");
    assert_ne!(id, "mine");
    assert_eq!(answer.header("x-request-id"), Some(id));
    assert_eq!(answer.header("server"), None);
}

#[test]
fn only_what_was_judged_reaches_the_origin() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&one_tenant(&origin));
    let asked = |target: &str, host: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        gateway.client().send(&request).read().status
    };
    // A path for the gateway, and something else for some origins.
    for target in [
        "sale/x",
        "%73ale/x",
        "../../etc/passwd",
        "?x",
        ".fluxgate/sale/status",
    ] {
        assert_eq!(asked(target, "a.test"), 400, "{target}");
    }
    assert_eq!(asked("http://b.test/x", "a.test"), 400, "two hosts");
    // Links are built from it.
    for host in ["a.test:\"><script>", "a.test:80, evil", "evil.com#.a.test"] {
        assert_eq!(asked("/x", host), 400, "{host}");
    }
    assert_eq!(asked("/first", "a.test"), 200);
    assert_eq!(
        origin.last().line,
        "GET /first HTTP/1.1",
        "the first that came"
    );
    assert_eq!(asked("http://a.test/x?y", "a.test"), 200);
    assert_eq!(origin.last().line, "GET /x?y HTTP/1.1");
}

#[test]
fn a_trusted_proxy_is_believed() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&format!(
        "trusted_proxies: [127.0.0.1]\n{}",
        one_tenant(&origin)
    ));
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.7\r\n\
         X-Forwarded-Proto: https\r\nX-Request-Id: from-proxy\r\ntraceparent: {trace}\r\n\
         tracestate: v=1\r\n\r\n"
    );
    let answer = gateway.client().send(&request).read();
    assert_eq!(answer.header("x-request-id"), Some("from-proxy"));
    let asked = origin.last();
    assert_eq!(asked.header("x-forwarded-for"), Some("203.0.113.7"));
    assert_eq!(asked.header("x-forwarded-proto"), Some("https"));
    assert_eq!(asked.header("tracestate"), Some("v=1"));
    let continued = asked.header("traceparent").expect("a trace");
    assert_eq!(continued[..36], trace[..36]);
    assert_ne!(continued, trace, "our own span");
}

#[test]
fn every_request_leaves_one_line_without_its_query() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&one_tenant(&origin));
    let answer = gateway.client().get("a.test", "/paid?paymentKey=s3cret");
    let id = answer.header("x-request-id").expect("an id").to_owned();
    let line = gateway.wait_printed(&id);
    let line: serde_json::Value = serde_json::from_str(&line).expect("json");
    assert_eq!(line["path"], "/paid");
    assert_eq!(line["outcome"], "proxied");
    assert_eq!(line["tenant"], "acme");
    assert_eq!(line["upstream"], "shop");
    assert!(!gateway.printed().contains("s3cret"));
    let series = r#"fluxgate_requests_total{class="2xx",outcome="proxied",tenant="acme"}"#;
    gateway.wait_metric(series, 1.0);
    assert!(gateway.metric("fluxgate_unlogged_requests_total").abs() < f64::EPSILON);
}

#[test]
fn bodies_go_through_both_ways() {
    let origin = Origin::replying(|asked, stream| {
        crate::origin::answer(stream, 201, &asked.body.to_uppercase());
    });
    let gateway = Gateway::start(&one_tenant(&origin));
    let body = "x".repeat(100_000);
    let request = format!(
        "POST /orders HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = gateway.client();
    for _ in 0..2 {
        let answer = client.send(&request).read();
        assert_eq!((answer.status, answer.body), (201, body.to_uppercase()));
    }
}
