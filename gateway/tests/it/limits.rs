//! Rate limits: narrow before wide, told honestly, on a kept connection.

use crate::gateway::Gateway;
use crate::origin::Origin;

fn rest(origin: &Origin, limits: &str) -> String {
    let address = origin.address();
    format!(
        "trusted_proxies: [127.0.0.1]\nupstreams: {{ shop: {{ servers: [{address}] }} }}\n\
         tenants: {{ acme: {{ hosts: [a.test], limits: [{limits}], routes: [{{ match: {{ path: /** }}, to: shop }}] }} }}\n"
    )
}

fn from(client: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: {client}\r\n\r\n")
}

#[test]
fn a_refusal_names_its_policy_and_when_to_come_back() {
    let origin = Origin::named("shop");
    let limits = "{ name: per-visitor, key: client.address, quota: 1/h, burst: 2 }";
    let gateway = Gateway::start(&rest(&origin, limits));
    let mut client = gateway.client();
    for _ in 0..2 {
        assert_eq!(client.send(&from("203.0.113.1")).read().status, 200);
    }
    let answer = client.send(&from("203.0.113.1")).read();
    assert_eq!(answer.status, 429);
    assert!(answer.keeps_connection());
    let body = answer.json();
    assert_eq!(body["code"], "rate_limited");
    assert_eq!(body["policy"], "per-visitor");
    let wait = body["retry_after_ms"].as_u64().expect("a number");
    // An hour, less what has passed, and half as much again at most.
    assert!((3_500_000..=5_400_000).contains(&wait), "{wait}");
    let seconds: u64 = answer
        .header("retry-after")
        .expect("told")
        .parse()
        .expect("a number");
    assert_eq!(seconds, wait.div_ceil(1_000));
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"per-visitor\";q=1;w=3600")
    );
    let left = answer.header("ratelimit").expect("told");
    assert!(left.starts_with("\"per-visitor\";r=0;t="), "{left}");
    assert_eq!(
        client.send(&from("203.0.113.2")).read().status,
        200,
        "another visitor"
    );
    assert_eq!(origin.asked().len(), 3);
}

#[test]
fn a_refused_visitor_takes_nothing_from_the_tenant() {
    let origin = Origin::named("shop");
    // Written wide first; charged narrow first all the same.
    let limits = "{ name: all, key: tenant, quota: 1/h, burst: 3 }, \
                  { name: each, key: client.address, quota: 1/h, burst: 1 }";
    let gateway = Gateway::start(&rest(&origin, limits));
    let mut client = gateway.client();
    let mut ask = |visitor: &str| {
        let answer = client.send(&from(visitor)).read();
        let policy = answer.status == 429;
        policy.then(|| answer.json()["policy"].as_str().expect("named").to_owned())
    };
    assert_eq!(ask("203.0.113.1"), None);
    for _ in 0..5 {
        assert_eq!(ask("203.0.113.1").as_deref(), Some("each"));
    }
    assert_eq!(ask("203.0.113.2"), None);
    assert_eq!(ask("203.0.113.3"), None);
    assert_eq!(
        ask("203.0.113.4").as_deref(),
        Some("all"),
        "the fourth that counts"
    );
}

#[test]
fn buckets_survive_a_reload() {
    let origin = Origin::named("shop");
    let limits = "{ name: each, key: client.address, quota: 1/h, burst: 1 }";
    let gateway = Gateway::start(&rest(&origin, limits));
    assert_eq!(gateway.get("/").status, 200);
    assert_eq!(gateway.get("/").status, 429);
    gateway.reload(&rest(&origin, limits).replace("a.test]", "a.test, b.test]"));
    gateway.wait_metric("fluxgate_config_version", 2.0);
    assert_eq!(
        gateway.get("/").status,
        429,
        "a reload refills nobody's bucket"
    );
}

#[test]
fn a_limit_in_shadow_counts_and_refuses_nothing() {
    let origin = Origin::named("shop");
    let limits = "{ name: tight, key: client.address, quota: 1/h, burst: 1, shadow: true }";
    let gateway = Gateway::start(&rest(&origin, limits));
    for _ in 0..3 {
        assert_eq!(gateway.get("/").status, 200);
    }
    let refused = "fluxgate_limit_refused_total{limit=\"tight\",tenant=\"acme\"}";
    gateway.wait_metric(refused, 2.0);
}
