//! Rooms by invitation: a link, an app's header, one living place for each, and nothing left in an address.

use std::process::Command;
use std::thread;

use devkit::{Redis, RedisOptions};
use serde_json::Value;

use crate::bots::{STATUS, secret_of, wait_in_line};
use crate::browser::{Browser, JSON, PAGE, site};
use crate::gateway::{BINARY, Gateway};
use crate::origin::Origin;

/// A gateway whose room takes only the invited, and some invitations to it.
fn by_invitation(
    gateways: usize,
    store: &str,
    count: usize,
) -> (Vec<Gateway>, Vec<String>, Origin) {
    let origin = Origin::named("shop");
    let mut site = site(&origin, "capacity: { active: 1 }, INVITATIONS", store);
    let secret = secret_of(&site);
    let rule = format!("invitations: {{ key: {{ file: {secret} }} }}");
    site.rest = site.rest.replace("INVITATIONS", &rule);
    let gateways: Vec<_> = (0..gateways).map(|_| Gateway::start(&site.rest)).collect();
    let count = count.to_string();
    let printed = Command::new(BINARY)
        .args(["invite", "acme/sale", "--count", &count, "--config"])
        .arg(gateways[0].file())
        .output()
        .expect("it runs");
    assert!(printed.status.success(), "{printed:?}");
    let printed = String::from_utf8(printed.stdout).expect("text");
    (
        gateways,
        printed.lines().map(str::to_owned).collect(),
        origin,
    )
}

fn with_invitation(text: &str) -> String {
    format!("{JSON}X-Fluxgate-Invitation: {text}\r\n")
}

#[test]
fn a_link_brings_an_invitation_that_leaves_the_address_at_once() {
    let (gateways, invitations, origin) = by_invitation(1, "{ kind: memory }", 2);
    let mut browser = Browser::at(&gateways[0]);
    let page = browser.visit();
    assert_eq!(page.status, 503);
    assert!(page.body.contains("By invitation"), "it says why");
    assert!(!browser.has("fg_t_sale"), "not even a challenge");
    assert_eq!(browser.status()["reason"], "invitation_required");
    for forged in [
        "",
        "x",
        &invitations[0].replace('A', "B"),
        &"A".repeat(5_000),
    ] {
        let answer = browser.ask(&format!("GET /sale/?fg_invitation={forged}"), PAGE);
        assert_eq!(answer.status, 303);
        assert!(!browser.has("fg_i_sale"));
    }
    let link = format!("GET /sale/a?b=1&fg_invitation={}&c=2", invitations[0]);
    let answer = browser.ask(&link, PAGE);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/sale/a?b=1&c=2"))
    );
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let set = answer.header("set-cookie").expect("a cookie");
    assert!(set.contains("HttpOnly; SameSite=Lax"), "{set}");
    browser.come_in();
    let asked = origin.last();
    assert_eq!(asked.header("cookie"), Some("theme=dark"));
    assert!(
        !gateways[0].printed().contains(&invitations[0]),
        "no log has it"
    );
    let elsewhere = format!("GET //sale/?fg_invitation={}", invitations[1]);
    let answer = Browser::at(&gateways[0]).ask(&elsewhere, PAGE);
    assert_eq!(
        (answer.status, answer.header("location")),
        (400, None),
        "never to another host"
    );
}

#[test]
fn one_invitation_is_one_living_place_at_all_gateways() {
    let redis = Redis::start(RedisOptions::default()).expect("a Redis");
    let store = format!("{{ kind: redis, url: {} }}", redis.url());
    let (gateways, invitations, _origin) = by_invitation(2, &store, 2);
    let mut seated = Browser::at(&gateways[0]);
    wait_in_line(&mut seated, &with_invitation(&invitations[0]));
    let shown = with_invitation(&invitations[1]);
    let asked: Vec<(Browser, Value)> = thread::scope(|scope| {
        let one = |index: usize| {
            let (mut browser, shown) = (Browser::at(&gateways[index % 2]), shown.as_str());
            scope.spawn(move || {
                let status = browser.until("answered", |browser| {
                    let status = browser.ask(STATUS, shown).json();
                    let is_in = status["position"].is_number();
                    (is_in || status["reason"] == "invitation_used").then_some(status)
                });
                (browser, status)
            })
        };
        let all: Vec<_> = (0..20).map(one).collect();
        all.into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    let (mut held, refused): (Vec<_>, Vec<_>) = asked
        .into_iter()
        .partition(|(_, status)| status["position"].is_number());
    assert_eq!((held.len(), refused.len()), (1, 19));
    let (holder, status) = held.first_mut().expect("one");
    // The losers' numbers may have come first: they are nobody's as soon as every gateway has read so.
    holder.until("first in the line", |holder| {
        let seen = holder.ask(STATUS, &shown).json();
        (seen["position"] == 1).then_some(())
    });
    holder.gateway = gateways[1].http;
    let again = holder.ask(STATUS, &shown).json();
    assert_eq!(
        again["ticket"], status["ticket"],
        "who holds it may ask anywhere"
    );
    // Who leaves gives the invitation back.
    holder.ask("POST /.fluxgate/sale/leave", JSON);
    let mut next = Browser::at(&gateways[0]);
    let next = wait_in_line(&mut next, &shown);
    assert_ne!(next["ticket"], status["ticket"]);
}
