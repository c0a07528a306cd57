//! Waiting rooms through the real gateway: arriving, waiting, coming in, leaving; what apps, forms and
//! origins see; what a forged token is worth; one line over two gateways.

use devkit::{Redis, RedisOptions, Scratch, wait};
use serde_json::Value;

use crate::browser::{Browser, JSON, PAGE, site};
use crate::gateway::Gateway;
use crate::http::PATIENCE;
use crate::origin::Origin;

const MEMORY: &str = "{ kind: memory }";
/// Whether the last reload was taken.
const RELOADED: &str = "fluxgate_config_last_reload_successful";

#[test]
fn a_visitor_of_an_idle_room_is_in_with_the_second_request() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 5 }", MEMORY);
    let gateway = Gateway::start(&site.rest);
    let mut browser = Browser::at(&gateway);
    let first = browser.visit();
    assert_eq!(first.status, 503, "a stranger is asked to come back");
    assert!(first.body.contains("<html"), "{first:?}");
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert_eq!(first.header("retry-after"), Some("1"));
    assert!(
        first
            .header("vary")
            .is_some_and(|vary| vary.contains("Cookie"))
    );
    assert!(first.keeps_connection());
    assert!(
        origin.asked().is_empty(),
        "the origin hears of nobody who waits"
    );

    let inside = browser.come_in();
    assert_eq!(inside.body, "shop");
    assert!(browser.has("fg_p_sale") && !browser.has("fg_t_sale"));
    let asked = origin.last();
    assert_eq!(asked.line, "GET /sale/shoes?size=42 HTTP/1.1");
    assert_eq!(asked.header("x-fluxgate-tenant"), Some("acme"));
    let pass = asked
        .header("x-fluxgate-pass")
        .expect("proof for the origin");
    assert!(pass.starts_with("v1;t=acme;r=sale;n="), "{pass}");
    browser.visit();
    assert_eq!(
        origin.last().header("cookie"),
        Some("theme=dark"),
        "tokens are not the origin's"
    );
    assert_eq!(browser.status()["state"], "admitted");
    assert_eq!(
        browser.ask("GET /about", PAGE).status,
        200,
        "outside the room nothing is held"
    );
}

#[test]
fn who_comes_too_late_waits_and_is_called_when_a_seat_falls_free() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 1 }", MEMORY);
    let gateway = Gateway::start(&site.rest);
    let (mut first, mut second, mut third) = (
        Browser::at(&gateway),
        Browser::at(&gateway),
        Browser::at(&gateway),
    );
    first.come_in();
    second.visit();
    assert_eq!(second.wait_in_line()["position"], 1);
    third.visit();
    let status = third.wait_in_line();
    assert_eq!(
        (&status["position"], &status["ahead"]),
        (&Value::from(2), &Value::from(1))
    );
    assert_eq!(status["ticket"].as_str().map(str::len), Some(6));
    let page = third.visit();
    assert_eq!(page.status, 503);
    let answer = third.ask("POST /.fluxgate/sale/claim", JSON);
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (409, &Value::from("waiting"))
    );

    let left = first.ask("POST /.fluxgate/sale/leave", JSON);
    assert_eq!(
        (left.status, &left.json()["state"]),
        (200, &Value::from("left"))
    );
    assert!(!first.has("fg_p_sale"));
    let called = second.until("called", |browser| {
        Some(browser.status()).filter(|status| status["state"] == "called")
    });
    assert!(called["called_at"].is_string(), "{called}");
    assert!(called["claim_deadline"].is_string(), "{called}");
    let claimed = second.ask("POST /.fluxgate/sale/claim", JSON);
    assert_eq!(
        (claimed.status, &claimed.json()["state"]),
        (200, &Value::from("admitted"))
    );
    assert_eq!(second.visit().status, 200);
    assert_eq!(third.wait_in_line()["position"], 1, "everybody moves up");
}

#[test]
fn an_app_carries_its_tokens_in_headers() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 5 }", MEMORY);
    let gateway = Gateway::start(&site.rest);
    let mut app = Browser::at(&gateway);
    let held = app.ask("GET /sale/", JSON);
    assert_eq!(held.status, 503);
    assert_eq!(held.json()["reason"], "joining");
    let mut ticket = held
        .header("x-fluxgate-ticket")
        .expect("for an app")
        .to_owned();
    app.cookies.clear();
    let mut cached = None;
    let pass = app.until("in", |app| {
        let headers = format!("{JSON}X-Fluxgate-Ticket: {ticket}\r\n");
        let answer = app.ask("GET /sale/", &headers);
        cached = answer.header("cache-control").map(str::to_owned);
        if let Some(next) = answer.header("x-fluxgate-ticket") {
            ticket = next.to_owned();
        }
        answer.header("x-fluxgate-pass").map(str::to_owned)
    });
    assert!(app.cookies.is_empty(), "who sends headers is given headers");
    assert_eq!(
        cached.as_deref(),
        Some("private, no-store"),
        "no cache keeps a pass, whatever the origin said"
    );
    let again = app.ask("GET /sale/", &format!("X-Fluxgate-Pass: {pass}\r\n"));
    assert_eq!(again.status, 200);
    let seen = origin.last();
    assert_ne!(
        seen.header("x-fluxgate-pass"),
        Some(pass.as_str()),
        "the origin gets our word only"
    );
}

#[test]
fn a_form_that_met_the_queue_is_told_that_it_was_not_sent() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 1 }", MEMORY);
    let gateway = Gateway::start(&site.rest);
    let mut browser = Browser::at(&gateway);
    let held = browser.ask(
        "POST /sale/checkout",
        &format!("{JSON}Content-Length: 0\r\n"),
    );
    assert_eq!(held.status, 503);
    assert_eq!(held.json()["request_carried_out"], false);
    assert!(origin.asked().is_empty());
}

#[test]
fn forged_foreign_and_stolen_tokens_are_no_tokens() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 5 }", MEMORY);
    let gateway = Gateway::start(&site.rest);
    let mut honest = Browser::at(&gateway);
    honest.come_in();
    let (_, pass) = honest.cookies.first().expect("a pass").clone();
    let mut forged = pass.clone().into_bytes();
    // Another letter of the same alphabet.
    forged[20] = if forged[20] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("still text");
    for cookie in [forged.as_str(), "", "=", "x", "%00", &"A".repeat(4_000)] {
        let mut thief = Browser::at(&gateway);
        thief.cookies = vec![("fg_p_sale".to_owned(), cookie.to_owned())];
        assert_eq!(thief.visit().status, 503, "{cookie:.20}");
    }
    let mut confused = Browser::at(&gateway);
    confused.cookies = vec![("fg_t_sale".to_owned(), pass)];
    assert_eq!(confused.visit().status, 503, "a pass is no ticket");
    let label = r#"tenant="acme""#;
    let signature =
        format!(r#"fluxgate_room_bad_tokens_total{{reason="signature",room="sale",{label}}}"#);
    assert!(gateway.metric(&signature) >= 1.0);
}

#[test]
fn the_rooms_own_addresses_answer_only_what_they_are_for() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 5 }", MEMORY);
    let gateway = Gateway::start(&site.rest);
    let mut browser = Browser::at(&gateway);
    assert_eq!(browser.ask("GET /.fluxgate/other/status", JSON).status, 404);
    assert_eq!(browser.ask("GET /.fluxgate/sale/secret", JSON).status, 404);
    assert_eq!(browser.ask("GET /.fluxgate/", JSON).status, 404);
    let wrong = browser.ask("GET /.fluxgate/sale/claim", JSON);
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")));
    let still = browser.ask("GET /.fluxgate/sale/status?to=/sale/%3Cb%3E", PAGE);
    assert_eq!(still.status, 200);
    assert!(
        !still.body.contains("http-equiv=\"refresh\""),
        "it stands still"
    );
    browser.come_in();
    for (to, location) in [
        ("/sale/x", "/sale/x"),
        ("//evil.test", "/"),
        ("javascript:x", "/"),
    ] {
        let answer = browser.ask(&format!("GET /.fluxgate/sale/status?to={to}"), PAGE);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some(location)),
            "{to}"
        );
    }
    assert!(
        origin
            .asked()
            .iter()
            .all(|asked| !asked.line.contains(".fluxgate"))
    );
}

#[test]
fn a_room_may_have_a_page_of_its_own_and_a_broken_one_is_refused() {
    let scratch = Scratch::new("gateway-page").expect("a directory");
    let file = scratch.path().join("queue.html");
    let built_in = include_str!("../../src/page/queue.html");
    let own = built_in.replace("{{ style }}", "{{ style }} :root { --accent: #0a7d6c }");
    std::fs::write(&file, &own).expect("writable");
    let origin = Origin::named("shop");
    let room = format!("capacity: {{ active: 1 }}, page: {}", file.display());
    let site = site(&origin, &room, MEMORY);
    let gateway = Gateway::start(&site.rest);
    let (mut inside, mut waiting) = (Browser::at(&gateway), Browser::at(&gateway));
    inside.come_in();
    let page = waiting.visit();
    assert_eq!(page.status, 503);
    assert!(page.body.contains("#0a7d6c"), "the tenant's colour");
    // A reload with a page that fetches something keeps what it had.
    std::fs::write(&file, own + "<img src=//evil.test/x>").expect("writable");
    gateway.reload(&format!("{}\n# once more\n", site.rest));
    gateway.wait_metric(RELOADED, 0.0);
    let page = Browser::at(&gateway).visit();
    assert!(!page.body.contains("evil.test") && page.body.contains("#0a7d6c"));
}

#[test]
fn a_room_may_say_with_which_status_it_answers_who_has_to_wait() {
    let origin = Origin::named("shop");
    let site = site(
        &origin,
        "capacity: { active: 1 }, queued_status: 202",
        MEMORY,
    );
    let gateway = Gateway::start(&site.rest);
    let (mut inside, mut waiting) = (Browser::at(&gateway), Browser::at(&gateway));
    inside.come_in();
    let page = waiting.visit();
    assert_eq!(page.status, 202);
    assert!(page.header("retry-after").is_some());
}

#[test]
fn a_reload_keeps_the_line() {
    let origin = Origin::named("shop");
    let one = site(&origin, "capacity: { active: 1 }", MEMORY);
    let gateway = Gateway::start(&one.rest);
    let (mut inside, mut waiting) = (Browser::at(&gateway), Browser::at(&gateway));
    inside.come_in();
    waiting.visit();
    let before = waiting.wait_in_line();
    // Same secrets, one more seat.
    gateway.reload(&one.rest.replace("active: 1", "active: 2"));
    let answer = waiting.come_in();
    assert_eq!(answer.status, 200);
    assert_eq!(inside.visit().status, 200, "a pass outlives the reload");
    assert_eq!(before["position"], 1);
}

#[test]
fn two_gateways_on_one_redis_serve_one_line_and_survive_its_restart() {
    // It forgets everything when it ends.
    let mut redis = Redis::start(RedisOptions::default()).expect("a Redis");
    let origin = Origin::named("shop");
    let store = format!("{{ kind: redis, url: {} }}", redis.url());
    let site = site(&origin, "capacity: { active: 2 }", &store);
    let gateways = [Gateway::start(&site.rest), Gateway::start(&site.rest)];
    let mut crowd: Vec<_> = (0..8)
        .map(|index| Browser::at(&gateways[index % 2]))
        .collect();
    // Until the line's first tick nobody is called: on a busy machine all eight could come and look before it.
    crowd[0].come_in();
    for browser in &mut crowd[1..] {
        browser.visit();
        browser.until("seen", |browser| {
            let status = browser.status();
            (status["position"].is_number() || status["state"] == "called").then_some(())
        });
        browser.visit();
    }
    let inside = crowd
        .iter()
        .filter(|browser| browser.has("fg_p_sale"))
        .count();
    assert!((1..=2).contains(&inside), "{inside} inside");
    // Everybody changes over to the other gateway and keeps the place.
    for browser in &mut crowd {
        let other = gateways
            .iter()
            .find(|gateway| gateway.http != browser.gateway);
        browser.gateway = other.expect("two").http;
    }
    let codes: Vec<_> = crowd
        .iter_mut()
        .map(|browser| browser.status()["ticket"].clone())
        .collect();
    redis.kill();
    redis.start_again().expect("it starts again");
    let restored = r#"fluxgate_room_events_total{event="restored",room="sale",tenant="acme"}"#;
    let told = || {
        gateways
            .iter()
            .any(|gateway| gateway.metric(restored) > 0.0)
            .then_some(())
    };
    assert!(
        wait::until(PATIENCE, told).is_some(),
        "it is told what it forgot"
    );
    let last = crowd.last_mut().expect("eight");
    last.until("answered from a fresh picture again", |browser| {
        (browser.status()["reason"] != "store_lost").then_some(())
    });
    let after: Vec<_> = crowd
        .iter_mut()
        .map(|browser| browser.status()["ticket"].clone())
        .collect();
    assert_eq!(codes, after, "nobody lost the place");
    for browser in crowd.iter_mut().filter(|browser| browser.has("fg_p_sale")) {
        assert_eq!(browser.visit().status, 200, "nobody lost the pass");
    }
}

#[test]
fn a_room_in_shadow_lets_everybody_through_and_counts_whom_it_would_have_held() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 1 }, shadow: true", MEMORY);
    let gateway = Gateway::start(&site.rest);
    let (mut first, mut second) = (Browser::at(&gateway), Browser::at(&gateway));
    first.until("inside", |browser| {
        assert_eq!(browser.visit().status, 200);
        browser.has("fg_p_sale").then_some(())
    });
    let shadowed = "fluxgate_room_events_total{event=\"shadowed\",room=\"sale\",tenant=\"acme\"}";
    // A gateway that has just started may have held it for a moment.
    let before = gateway.metric(shadowed);
    for _ in 0..3 {
        assert_eq!(second.visit().status, 200);
    }
    let asked = origin.last();
    let pass = asked
        .header("x-fluxgate-pass")
        .expect("what an origin looks for");
    assert!(pass.starts_with("v1;t=acme;r=sale;n="), "{pass}");
    second.until("in the line", |browser| {
        let status = browser.status();
        (status["position"] == 1).then_some(())
    });
    // From when it had a number: everybody is shown a challenge first.
    let counted = gateway.metric(shadowed) - before;
    assert!((1.0..=2.0).contains(&counted), "{counted}");
}
