//! What a room knows about itself, through the real gateway: metrics, the last day by API and command line, and the
//! chance that a visitor is told.

use crate::browser::{Browser, a_full_room};
use crate::shop::{Shop, TOKEN};

const LINE: &str = "fluxgate_room_line_total{room=\"sale\",tenant=\"acme\",what=";

#[test]
fn the_last_day_of_a_room_is_counted_and_told_to_operators() {
    let shop = Shop::open();
    let (_, mut second) = a_full_room(&shop.gateway);
    let what = |what: &str, count| {
        shop.gateway
            .wait_metric(&format!("{LINE}\"{what}\"}}"), count)
    };
    what("arrived", 2.0);
    what("called", 1.0);
    what("claimed", 1.0);
    what("lapsed", 0.0);
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    // What a picture shows is in the history with the next step.
    let history = second.until("in the history", |_| {
        let answer = shop.admin("GET", "/acme/sale/history", &token);
        assert_eq!(answer.status, 200);
        let history = answer.json();
        let sum = |column: &str| -> f64 {
            let values = history[column].as_array().expect("a column").iter();
            values.filter_map(serde_json::Value::as_f64).sum()
        };
        let sums = ["arrivals", "called", "claimed"].map(sum);
        (sums == [2.0, 1.0, 1.0]).then_some(history)
    });
    assert_eq!(history["step"], 60);
    let p95 = history["origin_p95_ms"].as_array().expect("a column");
    assert_eq!(p95.len(), 1_440);
    assert!(
        p95.iter().any(serde_json::Value::is_number),
        "it was asked once"
    );

    assert_eq!(shop.admin("GET", "/acme/sale/history", "").status, 401);
    let wrong = shop.admin("GET", "/acme/sale/history?step=7", &token);
    assert_eq!(
        (wrong.status, &wrong.json()["code"]),
        (400, &"invalid_history".into())
    );

    let (csv, well) = shop.operator("history acme/sale --step 86400 --csv");
    assert!(
        well && csv.starts_with("time,arrivals,waiting,called,"),
        "{csv}"
    );
    assert!(
        csv.lines().any(|line| line.contains(",2,1,1,1,0,0,1,1,")),
        "{csv}"
    );
    let (chart, well) = shop.operator("history acme/sale");
    assert!(well && chart.contains("arrivals         2 █"), "{chart}");
}

#[test]
fn with_known_stock_whoever_waits_is_told_their_chance() {
    let shop = Shop::open();
    let (_, mut second) = a_full_room(&shop.gateway);
    assert_eq!(second.status()["chance"], serde_json::Value::Null);
    let chance = |browser: &mut Browser, chance: &str| {
        browser.until(chance, |browser| {
            (browser.status()["chance"] == chance).then_some(())
        })
    };
    assert!(shop.operator("stock acme/sale --by kim --remaining 50").1);
    chance(&mut second, "likely");
    assert!(
        second
            .visit()
            .body
            .contains("There should be enough for you.")
    );
    assert!(shop.operator("stock acme/sale --by kim --remaining 1").1);
    chance(&mut second, "possible");
    let stock = "fluxgate_room_stock{room=\"sale\",tenant=\"acme\"}";
    shop.gateway.wait_metric(stock, 1.0);
}

#[test]
fn a_help_desk_finds_a_ticket_by_the_code_on_the_page() {
    let shop = Shop::open();
    let (_, mut second) = a_full_room(&shop.gateway);
    let told = second.status();
    let code = told["ticket"].as_str().expect("a code").to_owned();
    let find = |code: &str| shop.operator(&format!("ticket acme/sale --ticket {code}"));
    second.until("it is found", |_| {
        let (found, well) = find(&code);
        let found: serde_json::Value = serde_json::from_str(&found).unwrap_or_default();
        let number = found["number"].as_u64()?;
        let waits = well && found["state"] == "waiting" && found["ahead"] == 0;
        (waits && number > 0).then_some(())
    });
    let (_, well) = find("000000");
    assert!(!well, "nobody's");
    // The head on the page is enough to check the log by.
    let head = told["log_head"].as_str().expect("a head");
    let (seq, hash) = head.split_once(':').expect("its place and its hash");
    assert!(seq.parse::<u64>().is_ok() && hash.len() == 64, "{head}");
    let page = second.visit().body;
    let shown = page.split("id=log").nth(1).expect("the log");
    let shown = shown.split(['>', '<']).nth(1).expect("its head");
    let (_, digits) = shown.split_once(':').expect("its place and digits");
    assert_eq!(digits.len(), 32, "{shown}");
}
