//! Who has to show something before a number is given, who is kept out and who goes round: bots, crowds from one
//! network, people without scripts, thieves.

use std::collections::BTreeSet;
use std::thread;

use devkit::{Redis, RedisOptions};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::browser::{Browser, JSON, PAGE, Site, site};
use crate::gateway::Gateway;
use crate::http::{Answer, Client};
use crate::origin::Origin;

const MEMORY: &str = "{ kind: memory }";
pub(crate) const STATUS: &str = "GET /.fluxgate/sale/status";

fn event(name: &str) -> String {
    format!(r#"fluxgate_room_events_total{{event="{name}",room="sale",tenant="acme"}}"#)
}

/// The file that the site's secrets are in.
pub(crate) fn secret_of(site: &Site) -> String {
    let file = site.rest.split("secret: { file: ").nth(1);
    let file = file.and_then(|rest| rest.split(' ').next());
    file.expect("a path").to_owned()
}

/// The same site behind a proxy that is believed, so that a test can come from anywhere.
fn behind_proxy(site: &Site) -> String {
    format!("trusted_proxies: [127.0.0.1]\n{}", site.rest)
}

fn from(address: &str) -> String {
    format!("{JSON}X-Forwarded-For: {address}\r\n")
}

/// What the page's worker does.
fn solve(work: &Value) -> String {
    let (nonce, bits) = (work["nonce"].as_str(), work["bits"].as_u64());
    let (nonce, bits) = (nonce.expect("a nonce"), bits.expect("bits"));
    let proves = |counter: &String| {
        let digest = Sha256::digest(format!("{nonce}.{counter}"));
        let front = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        u64::from(front.leading_zeros()) >= bits
    };
    let mut counters = (0_u64..).map(|counter| counter.to_string());
    counters.find(proves).expect("there always is one")
}

/// Asks until the room knows its line, and so asks for work.
fn asked_to_work(browser: &mut Browser) -> Value {
    browser.until("asked to work", |browser| {
        let status = browser.status();
        status["work"].is_object().then_some(status)
    })
}

/// Asks until there is a place or a call, with `headers`.
pub(crate) fn wait_in_line(browser: &mut Browser, headers: &str) -> Value {
    browser.until("in line", |browser| {
        let status = browser.ask(STATUS, headers).json();
        let is_in = status["position"].is_number() || status["state"] == "called";
        is_in.then_some(status)
    })
}

#[test]
fn only_who_brings_the_cookie_back_gets_a_number() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&site(&origin, "capacity: { active: 1 }", MEMORY).rest);
    Browser::at(&gateway).come_in();
    for _ in 0..50 {
        let answer = Browser::at(&gateway).visit();
        assert_eq!(answer.status, 503);
    }
    assert!((gateway.metric(&event("joined")) - 1.0).abs() < f64::EPSILON);
    let mut keeps = Browser::at(&gateway);
    keeps.visit();
    assert_eq!(keeps.wait_in_line()["position"], 1, "nobody is before it");
}

#[test]
fn a_number_costs_work_and_the_page_brings_the_worker_along() {
    let origin = Origin::named("shop");
    let room = "capacity: { active: 1 }, work: { at_rest: 8, most: 12, wait: 5m }";
    let gateway = Gateway::start(&site(&origin, room, MEMORY).rest);
    let mut browser = Browser::at(&gateway);
    let page = browser.visit();
    assert!(page.body.contains("id=work>"), "the worker");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("worker-src blob:"), "{policy}");
    let asked = asked_to_work(&mut browser);
    assert_eq!(
        (&asked["reason"], &asked["work"]["bits"]),
        (&Value::from("joining"), &Value::from(8))
    );
    let challenge = browser.cookies.clone();
    for bad in ["", "-", "1e3", "18446744073709551616000"] {
        let headers = format!("{JSON}X-Fluxgate-Work: {bad}\r\n");
        let status = browser.ask(STATUS, &headers).json();
        assert_eq!(status["work"], asked["work"], "{bad:?}");
    }
    assert_eq!(browser.cookies, challenge, "the same work still");
    let proof = format!("{JSON}X-Fluxgate-Work: {}\r\n", solve(&asked["work"]));
    let status = wait_in_line(&mut browser, &proof);
    assert_eq!(status["work"], Value::Null, "{status}");
    // Another challenge is other work.
    let mut other = Browser::at(&gateway);
    other.visit();
    let theirs = other.ask(STATUS, &proof).json();
    assert!(theirs["work"].is_object() || theirs["position"].is_number());
    assert_ne!(theirs["work"]["nonce"], asked["work"]["nonce"]);
    for name in ["work_asked", "work_solved", "work_failed"] {
        assert!(gateway.metric(&event(name)) >= 1.0, "{name}");
    }
}

#[test]
fn who_has_no_scripts_waits_a_little_and_is_in_line() {
    let origin = Origin::named("shop");
    let room = "capacity: { active: 1 }, work: { at_rest: 10, most: 12, wait: 4s }";
    let gateway = Gateway::start(&site(&origin, room, MEMORY).rest);
    let mut browser = Browser::at(&gateway);
    let page = browser.visit();
    assert!(page.body.contains("<noscript>"));
    assert!(page.body.contains("just stay on this page"), "it says how");
    browser.come_in();
    assert!((gateway.metric(&event("work_waited")) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn one_proof_is_one_place_at_all_gateways_of_a_fleet() {
    let redis = Redis::start(RedisOptions::default()).expect("a Redis");
    let origin = Origin::named("shop");
    let store = format!("{{ kind: redis, url: {} }}", redis.url());
    let room = "capacity: { active: 1 }, work: { at_rest: 8, most: 12, wait: 5m }";
    let site = site(&origin, room, &store);
    let gateways = [Gateway::start(&site.rest), Gateway::start(&site.rest)];
    let mut seated = Browser::at(&gateways[0]);
    seated.visit();
    let proof = solve(&asked_to_work(&mut seated)["work"]);
    wait_in_line(&mut seated, &format!("{JSON}X-Fluxgate-Work: {proof}\r\n"));
    let mut first = Browser::at(&gateways[0]);
    first.visit();
    let proof = solve(&asked_to_work(&mut first)["work"]);
    let headers = format!("{JSON}X-Fluxgate-Work: {proof}\r\n");
    let tickets: Vec<Value> = thread::scope(|scope| {
        let one = |index: usize| {
            let mut browser = Browser::at(&gateways[index % 2]);
            browser.cookies = first.cookies.clone();
            let headers = headers.as_str();
            scope.spawn(move || wait_in_line(&mut browser, headers)["ticket"].clone())
        };
        let all: Vec<_> = (0..20).map(one).collect();
        all.into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    let names: BTreeSet<_> = tickets.iter().map(Value::as_str).collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_crowd_from_one_network_is_told_to_come_again_and_others_are_not() {
    let origin = Origin::named("shop");
    let room = "capacity: { active: 1 }, joins: { per_prefix: 2/h }";
    let gateway = Gateway::start(&behind_proxy(&site(&origin, room, MEMORY)));
    let join = |address: &str| {
        let mut browser = Browser::at(&gateway);
        browser.ask("GET /sale/", &from(address));
        (wait_or_refused(&mut browser, &from(address)), browser)
    };
    for address in ["192.0.2.1", "192.0.2.77"] {
        assert_ne!(join(address).0["reason"], "too_many_joins");
    }
    let (refused, mut browser) = join("192.0.2.200");
    assert_eq!(
        (&refused["state"], &refused["reason"]),
        (&Value::from("waiting"), &Value::from("too_many_joins"))
    );
    assert_eq!(refused["position"], Value::Null);
    let page = browser.ask(
        "GET /sale/",
        &format!("{PAGE}X-Forwarded-For: 192.0.2.200\r\n"),
    );
    let wait: u64 = page
        .header("retry-after")
        .and_then(|seconds| seconds.parse().ok())
        .expect("when to come");
    assert!((1_000..4_000).contains(&wait), "{wait} s of half an hour");
    assert!(
        page.body.contains("your part of the network"),
        "it says why"
    );
    assert!(
        page.body.contains("class=\"too_many_joins\""),
        "no place is shown"
    );
    for elsewhere in ["192.0.3.1", "2001:db8::1"] {
        assert_ne!(join(elsewhere).0["reason"], "too_many_joins");
    }
    // The same visitor from elsewhere: the challenge is not bound to the network.
    let status = wait_or_refused(&mut browser, &from("198.51.100.1"));
    assert!(status["position"].is_number(), "{status}");
    assert!(gateway.metric(&event("join_refused")) >= 2.0);
}

/// Asks until there is a place, a call or a refusal.
fn wait_or_refused(browser: &mut Browser, headers: &str) -> Value {
    browser.until("answered", |browser| {
        let status = browser.ask(STATUS, headers).json();
        let is_in = status["position"].is_number() || status["state"] == "called";
        (is_in || status["reason"] == "too_many_joins").then_some(status)
    })
}

fn site_with_rules(origin: &Origin) -> Site {
    let mut site = site(origin, "capacity: { active: 1 }, RULES", MEMORY);
    let secret = secret_of(&site);
    let rules = format!(
        "deny: [{{ agent: EvilBot }}, {{ address: 203.0.113.0/24 }}, {{ header: x-scan, equals: yes-it-is }}], \
         bypass: [{{ path: /sale/assets/**, method: GET }}, {{ address: 198.51.100.7 }}, \
         {{ path: /sale/hooks/**, header: x-hook, secret: {{ file: {secret} }} }}]"
    );
    site.rest = site.rest.replace("RULES", &rules);
    site
}

#[test]
fn rules_refuse_and_let_pass_before_the_room() {
    let origin = Origin::named("shop");
    let site = site_with_rules(&origin);
    let gateway = Gateway::start(&behind_proxy(&site));
    let ask = |line: &str, headers: &str| -> Answer { Browser::at(&gateway).ask(line, headers) };
    let denied = [
        (
            "GET /sale/",
            "User-Agent: Mozilla (evilbot/2)\r\n".to_owned(),
        ),
        ("GET /sale/assets/x.css", from("203.0.113.9")),
        ("GET /sale/", "X-Scan: yes-it-is\r\n".to_owned()),
        (STATUS, from("203.0.113.9")),
    ];
    for (line, headers) in denied {
        let answer = ask(line, &headers);
        assert_eq!(answer.status, 403, "{line} {headers}");
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/problem+json"));
        assert_eq!(answer.json()["code"], "denied");
        assert!(answer.keeps_connection());
    }
    assert!(origin.asked().is_empty());
    let key = "X-Hook: 0123456789abcdef0123456789abcdef\r\n";
    let passed = [
        ("GET /sale/assets/x.css", String::new()),
        ("GET /sale/a//../", String::new()),
        ("GET /sale/", from("198.51.100.7")),
        (
            "POST /sale/hooks/paid",
            format!("{key}Content-Length: 0\r\n"),
        ),
    ];
    for (line, headers) in &passed[..1] {
        assert_eq!(ask(line, headers).status, 200, "{line}");
    }
    assert_eq!(
        ask(passed[1].0, &passed[1].1).status,
        400,
        "no way round by spelling"
    );
    for (line, headers) in &passed[2..] {
        assert_eq!(ask(line, headers).status, 200, "{line}");
        assert_eq!(
            origin.last().header("x-fluxgate-pass"),
            None,
            "nobody vouches for it"
        );
    }
    let held = [
        (
            "POST /sale/assets/x.css",
            "Content-Length: 0\r\n".to_owned(),
        ),
        ("GET /sale/hooks/paid", "X-Hook: guess\r\n".to_owned()),
        ("GET /sale/hooks/paid", format!("{key}{key}")),
        ("GET /sale/", key.to_owned()),
        ("GET /sale/", "X-Scan: no\r\n".to_owned()),
    ];
    for (line, headers) in held {
        assert_eq!(ask(line, &headers).status, 503, "{line} {headers}");
    }
    assert!((gateway.metric(&event("denied")) - 4.0).abs() < f64::EPSILON);
    assert!((gateway.metric(&event("bypassed")) - 3.0).abs() < f64::EPSILON);
}

/// A hundred requests at once with the same cookies, each on its own connection.
fn at_once(gateway: &Gateway, cookies: &str, headers: &str) -> Vec<Answer> {
    let head = format!("GET /sale/ HTTP/1.1\r\nHost: a.test\r\n{headers}Cookie: {cookies}\r\n\r\n");
    thread::scope(|scope| {
        let ask = |_| scope.spawn(|| Client::connect(gateway.http).send(&head).read());
        let all: Vec<_> = (0..100).map(ask).collect();
        all.into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    })
}

/// A browser that is called and has not come in yet, and its cookie.
fn called(gateway: &Gateway, headers: &str) -> (Browser, String) {
    let mut browser = Browser::at(gateway);
    browser.ask("GET /sale/", headers);
    browser.until("called", |browser| {
        let status = browser.ask(STATUS, headers).json();
        (status["state"] == "called").then_some(())
    });
    let ticket = held_by(&browser);
    (browser, ticket)
}

/// The one token that a browser holds, as it would send it.
fn held_by(browser: &Browser) -> String {
    let (name, token) = browser.cookies.first().expect("a token");
    format!("{name}={token}")
}

#[test]
fn a_ticket_that_a_hundred_clients_hold_is_one_claim_and_one_seat() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&site(&origin, "capacity: { active: 3 }", MEMORY).rest);
    let (_owner, cookie) = called(&gateway, JSON);
    let answers = at_once(&gateway, &cookie, PAGE);
    assert!(answers.iter().all(|answer| answer.status == 200));
    let numbers: BTreeSet<String> = origin
        .asked()
        .iter()
        .filter_map(|asked| asked.header("x-fluxgate-pass").map(number_in))
        .collect();
    assert_eq!(numbers.len(), 1, "the origin sees one visitor: {numbers:?}");
    assert!((gateway.metric(&event("claimed")) - 1.0).abs() < f64::EPSILON);
    assert!((gateway.metric(&event("claimed_again")) - 99.0).abs() < f64::EPSILON);
    // Two of three seats are still there for others; the fourth waits.
    let (_, _) = (called(&gateway, JSON), called(&gateway, JSON));
    let mut fourth = Browser::at(&gateway);
    fourth.visit();
    assert_eq!(fourth.wait_in_line()["position"], 1);
}

/// `n=…` of what the origin is told.
fn number_in(pass: &str) -> String {
    let number = pass.split(';').find(|part| part.starts_with("n="));
    number.expect("a number").to_owned()
}

#[test]
fn a_bound_ticket_or_pass_is_worth_nothing_in_another_network() {
    let origin = Origin::named("shop");
    let room = "capacity: { active: 3 }, session: { bind: agent }";
    let gateway = Gateway::start(&behind_proxy(&site(&origin, room, MEMORY)));
    let home = |address: &str, agent: &str| format!("{}User-Agent: {agent}\r\n", from(address));
    let here = home("192.0.2.1", "Phone");
    let mut owner = Browser::at(&gateway);
    owner.ask("GET /sale/", &here);
    let challenge = held_by(&owner);
    owner.until("called", |owner| {
        let status = owner.ask(STATUS, &here).json();
        (status["state"] == "called").then_some(())
    });
    let ticket = held_by(&owner);
    let thefts = [home("192.0.3.1", "Phone"), home("192.0.2.1", "Script")];
    let stolen_in_vain = |cookies: &str| {
        for theft in &thefts {
            let answers = at_once(&gateway, cookies, theft);
            assert!(answers.iter().all(|answer| answer.status == 503));
        }
    };
    stolen_in_vain(&ticket);
    let neighbour = home("192.0.2.99", "Phone");
    let inside = owner.ask("GET /sale/", &neighbour);
    assert_eq!(inside.status, 200, "the same network, another address");
    let pass = held_by(&owner);
    assert!(pass.len() < 110, "with its name: {}", pass.len());
    stolen_in_vain(&pass);
    // Nor what the ticket was given for: it would be the same place again.
    stolen_in_vain(&challenge);
    assert_eq!(owner.ask("GET /sale/", &here).status, 200);
    let label = r#"tenant="acme""#;
    let counted =
        format!(r#"fluxgate_room_bad_tokens_total{{reason="elsewhere",room="sale",{label}}}"#);
    assert!((gateway.metric(&counted) - 600.0).abs() < f64::EPSILON);
}
