//! Two rooms in front of one origin, with a limit in common, at two gateways.

use devkit::{Redis, RedisOptions};

use crate::browser::{Browser, PAGE, site};
use crate::gateway::Gateway;
use crate::origin::Origin;

const SHARE: &str = "of: shop-floor, floor: { active: 1 }";

fn enter(browser: &mut Browser, room: &str) -> u16 {
    browser.ask(&format!("GET /{room}/"), PAGE).status
}

fn come_in(browser: &mut Browser, room: &str) {
    browser.until("in", |browser| (enter(browser, room) == 200).then_some(()));
}

fn position(browser: &mut Browser, room: &str) -> Option<u64> {
    let status = format!("GET /.fluxgate/{room}/status");
    browser.ask(&status, "Accept: application/json\r\n").json()["position"].as_u64()
}

fn wait_in_line(browser: &mut Browser, room: &str) {
    enter(browser, room);
    browser.until("in line", |browser| position(browser, room));
}

#[test]
fn a_full_room_takes_nothing_of_what_is_kept_for_the_other_and_gives_back_what_it_borrowed() {
    let redis = Redis::start(RedisOptions::default()).expect("a Redis");
    let origin = Origin::named("shop");
    let store = format!("{{ kind: redis, url: {} }}", redis.url());
    let mut site = site(&origin, &format!("share: {{ {SHARE}, weight: 2 }}"), &store);
    site.rest = site.rest.replace(
        "rooms: {",
        &format!("rooms: {{ drop: {{ match: {{ path: /drop/** }}, share: {{ {SHARE} }} }},"),
    );
    site.rest
        .push_str("shares: { shop-floor: { active: 6 } }\n");
    let gateways = [Gateway::start(&site.rest), Gateway::start(&site.rest)];
    let at = |index: usize| Browser::at(&gateways[index % 2]);

    // Nobody is at the other room: all but its floor is lent.
    let mut sale: Vec<Browser> = (0..5).map(at).collect();
    sale.iter_mut().for_each(|one| come_in(one, "sale"));
    let mut late = at(1);
    wait_in_line(&mut late, "sale");
    // What was kept is there at once, and no more than that.
    let mut drop: Vec<Browser> = (0..2).map(at).collect();
    come_in(&mut drop[0], "drop");
    wait_in_line(&mut drop[1], "drop");
    gateways[0].wait_metric("fluxgate_room_waiting{room=\"drop\",tenant=\"acme\"}", 1.0);
    gateways[1].wait_metric("fluxgate_room_waiting{room=\"sale\",tenant=\"acme\"}", 1.0);
    let share = |room: &str| {
        let labels = format!("kind=\"active\",room=\"{room}\",tenant=\"acme\"");
        gateways[0].metric(&format!("fluxgate_room_share{{{labels}}}"))
    };
    assert!(share("sale") + share("drop") <= 6.0);

    // By weight five seats are too many for the one and one is too few for the other.
    sale[0].ask("POST /.fluxgate/sale/leave", PAGE);
    come_in(&mut drop[1], "drop");
    assert_eq!(position(&mut late, "sale"), Some(1), "its turn is not yet");
    drop[0].ask("POST /.fluxgate/drop/leave", PAGE);
    come_in(&mut late, "sale");
}
