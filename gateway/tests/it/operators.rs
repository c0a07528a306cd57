//! Operators' orders through the real gateway, by command and over HTTP, and what visitors see of them.

use serde_json::{Value, json};

use crate::browser::{Browser, JSON, a_full_room};
use crate::shop::{Shop, TOKEN};

/// Polls until the status says so.
fn until_told(browser: &mut Browser, member: &str, value: &Value) {
    browser.until(member, |browser| {
        (browser.status()[member] == *value).then_some(())
    });
}

#[test]
fn whoever_waits_sees_what_operators_say() {
    let shop = Shop::open();
    let (mut first, mut second) = a_full_room(&shop.gateway);

    assert!(
        shop.operator("announce acme/sale --by kim --text <b>Soon</b>")
            .1
    );
    until_told(&mut second, "message", &json!("<b>Soon</b>"));
    let page = second.visit().body;
    assert!(
        page.contains("&lt;b&gt;Soon") && !page.contains("<b>Soon"),
        "{page}"
    );

    assert!(shop.operator("pause acme/sale --by kim").1);
    until_told(&mut second, "reason", &json!("paused"));
    // A free seat calls nobody while it is paused, and does afterwards.
    first.ask("POST /.fluxgate/sale/leave", JSON);
    let (state, well) = shop.operator("state acme/sale");
    assert!(well && state.contains(r#""why": "paused""#), "{state}");
    assert_eq!(second.status()["state"], "paused");
    assert!(shop.operator("resume acme/sale --by kim").1);
    second.come_in();

    assert!(shop.operator("drain acme/sale --by kim").1);
    second.until("closed to strangers", |_| {
        let mut stranger = Browser::at(&shop.gateway);
        (stranger.status()["state"] == "closed").then_some(())
    });
    assert!(shop.operator("undrain acme/sale --by kim").1);
    let mut late = Browser::at(&shop.gateway);
    late.wait_in_line();
    assert!(shop.operator("tune acme/sale --by kim --active 2").1);
    late.come_in();
}

#[test]
fn a_ticket_that_an_operator_names_is_called_first() {
    let shop = Shop::open();
    let [mut inside, mut next, mut named] = [(); 3].map(|()| Browser::at(&shop.gateway));
    inside.come_in();
    next.visit();
    next.wait_in_line();
    named.visit();
    let code = named.wait_in_line()["ticket"].clone();
    let order = json!({ "order": "first", "ticket": code, "reason": "wheelchair", "by": "kim" });
    let taken = named.until("taken", |_| {
        Some(shop.order(&order.to_string())).filter(|answer| answer.status == 200)
    });
    let number = taken.json()["taken"]["word"]["number"].as_u64();
    assert!(
        number.is_some_and(|number| number < 100),
        "its number in the line: {taken:?}"
    );
    inside.ask("POST /.fluxgate/sale/leave", JSON);
    named.come_in();
    assert_eq!(next.status()["state"], "waiting");
}

#[test]
fn what_is_no_order_is_refused_by_code() {
    let shop = Shop::open();
    let refused = |body: &str| {
        let answer = shop.order(body);
        (answer.status, answer.json()["code"].clone())
    };
    for body in [
        "",
        "[]",
        "{}",
        r#"{"order":"pause","on":true}"#,
        r#"{"order":"pause","on":true,"by":""}"#,
        r#"{"order":"pause","on":"yes","by":"kim"}"#,
        r#"{"order":"pause","on":true,"by":"kim","until":1}"#,
        r#"{"order":"pause","on":true,"on":false,"by":"kim"}"#,
        r#"{"order":"dance","by":"kim"}"#,
        r#"{"order":"tune","active":0,"per_minute":null,"until":null,"by":"kim"}"#,
        r#"{"order":"first","ticket":"000000","reason":"x","by":"kim"}"#,
        r#"{"order":"first","ticket":"000000","number":1,"reason":"x","by":"kim"}"#,
        r#"{"order":"beacon","opens_at":1,"value":"x","by":"kim"}"#,
    ] {
        assert_eq!(refused(body), (400, json!("invalid_order")), "{body}");
    }
    let long = format!(
        r#"{{"order":"announce","by":"kim","text":"{}"}}"#,
        "x".repeat(17_000)
    );
    assert_eq!(refused(&long), (413, json!("too_long")));

    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    for (method, path, status, code) in [
        ("POST", "", 405, "method_not_allowed"),
        ("DELETE", "/acme/sale", 405, "method_not_allowed"),
        ("POST", "/acme/sale/history", 405, "method_not_allowed"),
        ("GET", "/acme/shoes", 404, "unknown_room"),
        ("GET", "//acme/sale", 404, "unknown_room"),
        ("GET", "/acme/sale/", 404, "not_found"),
        ("GET", "s", 404, "not_found"),
        ("GET", "/acme/sale/tickets/000000", 404, "unknown_ticket"),
    ] {
        let answer = shop.admin(method, path, &token);
        let told = (answer.status, answer.json()["code"].clone());
        assert_eq!(told, (status, json!(code)), "{method} {path}");
    }
    let stranger = shop.admin("POST", "/acme/sale", "Content-Length: 0\r\n");
    assert_eq!(
        (stranger.status, &stranger.json()["code"]),
        (401, &json!("unauthorized"))
    );
    assert_eq!(stranger.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn the_last_word_of_the_log_is_archived_by_a_gateway_that_ends() {
    let shop = Shop::open();
    let (_, mut second) = a_full_room(&shop.gateway);
    let before = second.status()["log_head"].clone();
    assert!(shop.operator("announce acme/sale --by kim --text Bye").1);
    let head = second.until("its head", |browser| {
        let status = browser.status();
        let head = status["log_head"].as_str().map(str::to_owned);
        head.filter(|_| status["message"] == "Bye" && status["log_head"] != before)
    });
    shop.gateway.terminate();
    assert!(shop.gateway.ends_well(crate::http::PATIENCE));
    let (told, is_well) = shop.verify(&head);
    assert!(is_well, "{told}");
    let (told, is_well) = shop.verify(&format!("9999:{}", "0".repeat(64)));
    assert!(!is_well, "{told}");
}
