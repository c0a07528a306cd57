//! SIGHUP: a good file is swapped in whole, a bad one changes nothing.

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
