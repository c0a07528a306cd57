//! SIGHUP: a good file is swapped in whole, a bad one changes nothing.

use crate::browser::{Browser, a_full_room, site};
use crate::gateway::{Gateway, one_tenant};
use crate::origin::Origin;

const GOOD: &str = "fluxgate_config_last_reload_successful";
const VERSION: &str = "fluxgate_config_version";

#[test]
fn a_good_file_is_applied_without_losing_a_connection() {
    let (old, new) = (Origin::named("old"), Origin::named("new"));
    let gateway = Gateway::start(&one_tenant(&old));
    let mut client = gateway.client();
    assert_eq!(client.get("a.test", "/").body, "old");
    gateway.reload(&one_tenant(&new).replace("a.test", "a.test, c.test"));
    gateway.wait_metric(VERSION, 2.0);
    assert_eq!(
        client.get("a.test", "/").body,
        "new",
        "on the same connection"
    );
    assert_eq!(client.get("c.test", "/").status, 200);
    gateway.wait_printed("~tenant acme, ~upstream shop");
}

#[test]
fn a_bad_file_leaves_the_running_one_and_says_so() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&one_tenant(&origin));
    gateway.wait_metric(GOOD, 1.0);
    gateway.reload(&one_tenant(&origin).replace("hosts", "hsots"));
    gateway.wait_metric(GOOD, 0.0);
    let line = gateway.wait_printed("configuration refused");
    assert!(
        line.contains("fluxgate.yaml:5:") && line.contains("did you mean `hosts`?"),
        "{line}"
    );
    assert_eq!(gateway.get("/").status, 200);
    gateway.wait_metric(VERSION, 1.0);
    gateway.reload(&one_tenant(&origin));
    gateway.wait_metric(GOOD, 1.0);
    gateway.wait_metric(VERSION, 2.0);
}

#[test]
fn what_needs_a_restart_is_refused_by_name() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&one_tenant(&origin));
    gateway.reload(&format!("work_stealing: false\n{}", one_tenant(&origin)));
    gateway.wait_metric(GOOD, 0.0);
    gateway.wait_printed("listen cannot change while the gateway runs");
}

/// The note of the numbers beside a line's log runs ahead of a rush. It is for a process that starts.
#[test]
fn a_reload_in_a_rush_is_not_taken_for_a_store_that_forgot() {
    let origin = Origin::named("shop");
    let logs = devkit::Scratch::new("reload-lines").expect("a directory");
    let site = site(&origin, "capacity: { active: 1 }", "{ kind: memory }");
    let rest = format!("line_logs: {}\n{}", logs.path().display(), site.rest);
    let gateway = Gateway::start(&rest);
    let (_first, _second) = a_full_room(&gateway);
    for _ in 0..60 {
        let mut browser = Browser::at(&gateway);
        browser.visit();
        browser.visit();
    }
    gateway.reload(&rest.replace("active: 1", "active: 2"));
    let limit = "fluxgate_room_limit{room=\"sale\",tenant=\"acme\"}";
    gateway.wait_metric(limit, 2.0);
    Browser::at(&gateway).wait_in_line();
    let restored = "fluxgate_room_events_total{event=\"restored\",room=\"sale\",tenant=\"acme\"}";
    assert!(gateway.metric(restored) < 1.0);
}
