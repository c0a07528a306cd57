//! Servers that fail, and clients that go.

use std::io::Write;

use crate::gateway::Gateway;
use crate::origin::{Origin, answer};

fn rest(servers: &[std::net::SocketAddr], settings: &str) -> String {
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    format!(
        "upstreams: {{ shop: {{ servers: [{}], balance: round_robin, {settings} }} }}\n\
         tenants: {{ acme: {{ hosts: [a.test], routes: [{{ match: {{ path: /** }}, to: shop }}] }} }}\n",
        servers.join(", ")
    )
}

const QUICK: &str = "timeout: 5s, passive_health: { failures: 2, eject: 1s }";

#[test]
fn a_dead_server_is_stepped_over_ejected_and_taken_back() {
    let (one, two) = (Origin::named("one"), Origin::named("two"));
    let address = one.address();
    let gateway = Gateway::start(&rest(&[address, two.address()], QUICK));
    let mut seen: Vec<String> = (0..4).map(|_| gateway.get("/").body).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["one", "two"]);
    drop(one);
    for _ in 0..8 {
        let answer = gateway.get("/");
        assert_eq!((answer.status, answer.body.as_str()), (200, "two"));
    }
    let ejected = format!(r#"fluxgate_upstream_ejected{{server="{address}",upstream="shop"}}"#);
    gateway.wait_metric(&ejected, 1.0);
    let _one = Origin::at(address, "one");
    let back = || (gateway.get("/").body == "one").then_some(());
    assert!(devkit::wait::until(crate::http::PATIENCE, back).is_some());
    gateway.wait_metric(&ejected, 0.0);
}

#[test]
fn a_post_is_tried_elsewhere_only_before_it_was_sent() {
    let dead = Origin::named("dead");
    let address = dead.address();
    drop(dead);
    let alive = Origin::named("alive");
    let gateway = Gateway::start(&rest(&[address, alive.address()], QUICK));
    let post = "POST /pay HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello";
    for _ in 0..4 {
        assert_eq!(gateway.client().send(post).read().body, "alive");
    }
    assert_eq!(alive.asked().len(), 4);
    assert!(alive.asked().iter().all(|asked| asked.body == "hello"));

    let breaking = Origin::replying(|_, stream| {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let gateway = Gateway::start(&rest(&[breaking.address(), alive.address()], QUICK));
    let before = alive.asked().len();
    let broken = gateway.client().send(post).read();
    assert_eq!(
        (broken.status, broken.json()["code"].clone()),
        (502, "bad_gateway".into())
    );
    assert_eq!(breaking.asked().len(), 1);
    assert_eq!(
        alive.asked().len(),
        before,
        "a payment that may have arrived is not sent again"
    );
}

#[test]
fn without_a_server_it_is_unavailable_and_says_when_to_return() {
    let dead = Origin::named("dead");
    let address = dead.address();
    drop(dead);
    let gateway = Gateway::start(&rest(&[address], QUICK));
    for _ in 0..4 {
        let answer = gateway.get("/");
        assert_eq!(answer.status, 503);
        assert_eq!(answer.json()["code"], "upstream_unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    let _alive = Origin::at(address, "alive");
    assert_eq!(
        gateway.get("/").status,
        200,
        "the last server is never given up"
    );
}

#[test]
fn a_silent_server_times_out() {
    let silent = Origin::replying(|_, _| {});
    let gateway = Gateway::start(&rest(&[silent.address()], "timeout: 300ms"));
    let answer = gateway.get("/");
    assert_eq!(answer.status, 504);
    assert_eq!(answer.json()["code"], "upstream_timeout");
    let series = r#"fluxgate_upstream_failures_total{kind="timeout",upstream="shop"}"#;
    gateway.wait_metric(series, 1.0);
}

#[test]
fn a_dribbled_answer_ends_at_the_deadline() {
    let dribbling = Origin::replying(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n");
        // Each byte comes well within a timeout for one read.
        while stream.write_all(b"x").is_ok() {
            let never = devkit::wait::until(std::time::Duration::from_millis(30), || None::<()>);
            assert!(never.is_none());
        }
    });
    let gateway = Gateway::start(&rest(&[dribbling.address()], "timeout: 500ms"));
    let mut client = gateway.client();
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(client.drain() < 1_000_000, "cut before the end");
    gateway.wait_printed(r#""outcome":"upstream_timeout""#);
}

#[test]
fn a_client_that_goes_away_is_counted_as_that() {
    let slow = Origin::replying(|_, _| {});
    let gateway = Gateway::start(&rest(&[slow.address()], "timeout: 5s"));
    let mut client = gateway.client();
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let arrived = || (!slow.asked().is_empty()).then_some(());
    assert!(devkit::wait::until(crate::http::PATIENCE, arrived).is_some());
    drop(client);
    gateway.wait_printed(r#""outcome":"client_gone""#);
    gateway.wait_metric("fluxgate_requests_in_flight", 0.0);
}

#[test]
fn routes_choose_the_upstream() {
    let (core, shop) = (Origin::named("core"), Origin::named("shop"));
    let rest = format!(
        "upstreams: {{ core: {{ servers: [{}] }}, shop: {{ servers: [{}] }} }}\n\
         tenants: {{ acme: {{ hosts: [a.test], routes: [{{ match: {{ path: /api/** }}, to: core }}, {{ match: {{ path: /** }}, to: shop }}] }} }}\n",
        core.address(),
        shop.address()
    );
    let gateway = Gateway::start(&rest);
    let mut client = gateway.client();
    assert_eq!(client.get("a.test", "/api/v1").body, "core");
    assert_eq!(client.get("a.test", "/apiary").body, "shop");
    assert_eq!(
        client.get("a.test", "/%61pi/v1").body,
        "core",
        "spelling does not change the route"
    );
}

#[test]
fn an_answer_from_the_origin_is_passed_on_as_it_is() {
    let teapot = Origin::replying(|_, stream| answer(stream, 418, "short and stout"));
    let gateway = Gateway::start(&rest(&[teapot.address()], QUICK));
    let said = gateway.get("/");
    assert_eq!((said.status, said.body.as_str()), (418, "short and stout"));
}
