//! What an origin says of a visit: that it is over, or that a payment is on its way.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::browser::{Browser, JSON, PAGE, SECRET, a_full_room, site};
use crate::gateway::Gateway;
use crate::origin::Origin;

const ROOM: &str = "capacity: { active: 1 }, session: { ttl: 60s, renew: false, hold: 10m }";

/// What the origin says of the visit with this number.
fn word(number: &str, word: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(format!("fluxgate-visit-v1\nacme\nsale\n{number}\n{word}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("v1;n={number};{word};s={signature}")
}

/// A shop that says of each visit what the address asks for, of whichever number.
fn shop() -> Origin {
    Origin::replying(|asked, stream| {
        let pass = asked.header("x-fluxgate-pass").unwrap_or_default();
        let number = pass
            .split(";n=")
            .nth(1)
            .and_then(|rest| rest.split(';').next());
        let number = number.unwrap_or_default();
        let said = match asked.line.split(' ').nth(1).unwrap_or_default() {
            "/sale/pay" => word(number, &format!("hold={}", u32::MAX)),
            "/sale/bye" => word(number, "done"),
            "/sale/forged" => word(number, "done").replace("done", "done "),
            "/sale/other" => word("17", "done"),
            _ => String::new(),
        };
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nX-Fluxgate-Visit: {said}\r\nContent-Length: 4\r\n\r\nshop"
        );
    })
}

fn number(origin: &Origin) -> String {
    let asked = origin.last();
    let pass = asked
        .header("x-fluxgate-pass")
        .expect("proof for the origin");
    let rest = pass.split(";n=").nth(1).expect("a number");
    rest.split(';').next().expect("a number").to_owned()
}

#[test]
fn an_origin_ends_a_visit_and_the_next_is_called() {
    let origin = shop();
    let site = site(&origin, ROOM, "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let (mut first, mut second) = a_full_room(&gateway);
    for vain in ["forged", "other"] {
        let answer = first.ask(&format!("GET /sale/{vain}"), PAGE);
        assert_eq!(
            (answer.status, answer.header("x-fluxgate-visit")),
            (200, None)
        );
    }
    assert_eq!(
        second.status()["state"],
        "waiting",
        "neither was the origin's word on this visit"
    );
    let answer = first.ask("GET /sale/bye", PAGE);
    assert_eq!(
        (answer.status, answer.header("x-fluxgate-visit")),
        (200, None)
    );
    assert!(!first.has("fg_p_sale"), "the pass is taken back");
    second.come_in();
}

#[test]
fn a_pass_lasts_as_long_as_the_origin_holds_it_for_a_payment() {
    let origin = shop();
    let site = site(&origin, ROOM, "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let mut browser = Browser::at(&gateway);
    browser.come_in();
    let answer = browser.ask("GET /sale/pay", PAGE);
    let cookie = answer.header("set-cookie").expect("a longer pass");
    let age = cookie
        .split("Max-Age=")
        .nth(1)
        .and_then(|rest| rest.split(';').next());
    let age: u64 = age.expect("an age").parse().expect("seconds");
    // The browser keeps it for another day: what is in it ends it.
    assert!(
        (595..=600).contains(&(age - 86_400)),
        "the operator's ten minutes and no longer: {cookie}"
    );
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    assert_eq!(browser.visit().status, 200);
}

#[test]
fn a_visit_is_ended_from_elsewhere_with_the_origins_signature_only() {
    let origin = shop();
    let site = site(&origin, ROOM, "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let (mut first, mut second) = a_full_room(&gateway);
    let number = number(&origin);
    let say = |browser: &mut Browser, said: &str| {
        let header = format!("{JSON}X-Fluxgate-Visit: {said}\r\n");
        browser.ask("POST /.fluxgate/sale/visit", &header)
    };
    for bad in ["", "v1;n=1;done;s=AAAA", &word(&number, "hold=1")] {
        let answer = say(&mut Browser::at(&gateway), bad);
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["code"], Value::from("bad_request"));
    }
    assert_eq!(
        say(&mut Browser::at(&gateway), &word(&number, "done")).status,
        204
    );
    second.come_in();
    assert_eq!(
        first.visit().status,
        503,
        "the first is asked to come back later"
    );
}

/// A claim is spent once: who came in by a request that then failed is in all the same.
#[test]
fn whoever_comes_in_while_the_shop_is_down_has_the_pass() {
    let origin = shop();
    let site = site(&origin, ROOM, "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    drop(origin);
    let mut browser = Browser::at(&gateway);
    let failed = browser.until("a pass", |browser| {
        let answer = browser.visit();
        browser.has("fg_p_sale").then_some(answer)
    });
    assert!(matches!(failed.status, 502 | 503), "{failed:?}");
    assert_eq!(failed.header("cache-control"), Some("private, no-store"));
    let body: Value = failed.json();
    assert_eq!(body["code"], "upstream_unavailable");
}

#[test]
fn whoever_leaves_without_a_script_is_told_that_and_nothing_of_a_form() {
    let origin = Origin::named("shop");
    let site = site(
        &origin,
        "title: 가을 세일, capacity: { active: 1 }",
        "{ kind: memory }",
    );
    let gateway = Gateway::start(&site.rest);
    let (_first, mut second) = a_full_room(&gateway);
    let posted = second.ask("POST /sale/order", PAGE);
    let form = |answer: &crate::http::Answer| answer.body.contains("id=form>");
    assert!(form(&posted) && posted.body.contains("가을 세일"));
    let elsewhere = format!("{PAGE}Origin: https://evil.test\r\n");
    let thrown_out = second.ask("POST /.fluxgate/sale/leave", &elsewhere);
    assert_eq!(thrown_out.status, 403);
    assert!(second.has("fg_t_sale"), "the place is kept");
    let here = format!("{PAGE}Origin: http://a.test\r\nReferer: http://a.test/sale/shoes\r\n");
    let left = second.ask("POST /.fluxgate/sale/leave", &here);
    assert!(left.body.contains("You left the line"));
    assert!(!form(&left));
    assert!(
        left.body.contains("href=\"/sale/shoes\""),
        "where to join again"
    );
    assert!(!second.has("fg_t_sale"));
}
