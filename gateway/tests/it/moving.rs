//! A place moves from a browser to a phone.

use serde_json::Value;

use crate::browser::{Browser, JSON, PAGE, site};
use crate::gateway::Gateway;
use crate::origin::Origin;

const ROOM: &str = "capacity: { active: 1 }";
const FROM_HERE: &str = "Accept: text/html\r\nOrigin: http://a.test\r\n";

/// The path of an address, and of a redirect.
fn path(url: &str) -> &str {
    url.strip_prefix("http://a.test").unwrap_or(url)
}

#[test]
fn a_place_moves_when_a_person_says_so_and_not_when_an_address_is_looked_at() {
    let origin = Origin::named("shop");
    let site = site(&origin, ROOM, "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let (mut first, mut second) = (Browser::at(&gateway), Browser::at(&gateway));
    first.come_in();
    second.visit();
    let handoff = second.wait_in_line()["handoff_url"].clone();
    assert_eq!(handoff, Value::from("/.fluxgate/sale/handoff"));
    let from = format!("{JSON}Referer: http://a.test/sale/shoes?size=42\r\n");
    let offer = second.ask("POST /.fluxgate/sale/handoff", &from);
    assert_eq!(offer.status, 200, "{offer:?}");
    let url = offer.json()["url"].as_str().expect("an address").to_owned();

    let mut phone = Browser::at(&gateway);
    for _ in 0..2 {
        let page = phone.ask(&format!("GET {}", path(&url)), PAGE);
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Move my place here"), "{}", page.body);
        // With `no-referrer` a browser's form would say `Origin: null`.
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    }
    assert_eq!(second.status()["state"], "waiting");
    for elsewhere in ["http://evil.test", "null", "http://a.test.evil.test"] {
        let headers = format!("Accept: text/html\r\nOrigin: {elsewhere}\r\n");
        let asked = phone.ask(&format!("POST {}", path(&url)), &headers);
        assert!(
            asked.body.contains("Move my place here"),
            "{elsewhere} only asks"
        );
    }
    let moved = phone.ask(&format!("POST {}", path(&url)), FROM_HERE);
    assert_eq!(moved.status, 303, "{moved:?}");
    assert!(
        moved
            .header("location")
            .is_some_and(|to| to.contains("size=42") || to.contains("size%3D42")),
        "{moved:?}"
    );
    assert!(phone.has("fg_t_sale"));
    assert_eq!(phone.wait_in_line()["position"], 1);
    second.until("told", |browser| {
        let status = browser.status();
        (status["reason"] == "moved").then_some(())
    });
    let another = format!("{FROM_HERE}User-Agent: another\r\n");
    let again = Browser::at(&gateway).ask(&format!("POST {}", path(&url)), &another);
    assert_eq!(again.status, 410);
    assert!(again.body.contains("no longer works"), "{}", again.body);
    first.ask("POST /.fluxgate/sale/leave", JSON);
    phone.come_in();
}

#[test]
fn who_has_no_place_has_none_to_move_and_apps_are_told_by_code() {
    let origin = Origin::named("shop");
    let site = site(&origin, ROOM, "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let mut browser = Browser::at(&gateway);
    let offer = browser.ask("POST /.fluxgate/sale/handoff", JSON);
    assert_eq!(
        (offer.status, &offer.json()["code"]),
        (409, &Value::from("no_place"))
    );
    let taken = browser.ask("POST /.fluxgate/sale/move/K7QM-2X9P", JSON);
    assert_eq!(
        (taken.status, &taken.json()["code"]),
        (410, &Value::from("unknown_code"))
    );
    let page = browser.ask(
        "POST /.fluxgate/sale/handoff",
        "Accept: text/html\r\nAccept-Language: ko\r\n",
    );
    assert_eq!(page.status, 409);
    assert!(page.body.contains("옮길 순서가 없습니다"));
    assert_eq!(
        browser
            .ask("DELETE /.fluxgate/sale/move/K7QM-2X9P", JSON)
            .status,
        405
    );
}
