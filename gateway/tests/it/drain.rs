//! SIGTERM: what is in flight is finished, and every answer says that its connection ends.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::gateway::{Gateway, one_tenant};
use crate::http::{Client, PATIENCE};
use crate::origin::{Origin, answer};

#[test]
fn an_idle_gateway_is_gone_in_seconds() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&one_tenant(&origin));
    let mut idle = gateway.client();
    assert_eq!(idle.get("a.test", "/").status, 200);
    gateway.terminate();
    assert!(gateway.ends_well(Duration::from_secs(4)));
    assert!(idle.is_ended());
}

#[test]
fn requests_in_flight_are_finished_and_told_that_it_closes() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let origin = Origin::replying({
        let gate = Arc::clone(&gate);
        move |_, stream| {
            let opened = gate.0.lock().expect("not poisoned");
            let opened = gate.1.wait_while(opened, |opened| !*opened);
            drop(opened.expect("not poisoned"));
            answer(stream, 200, "late");
        }
    });
    let gateway = Gateway::start(&one_tenant(&origin));
    let mut waiting = gateway.client();
    let mut kept = gateway.client();
    waiting.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(kept.get("b.test", "/").status, 421);
    let arrived = || (!origin.asked().is_empty()).then_some(());
    assert!(devkit::wait::until(PATIENCE, arrived).is_some());
    gateway.terminate();
    let unready = || {
        (Client::connect(gateway.admin)
            .get("admin", "/readyz")
            .status
            == 503)
            .then_some(())
    };
    assert!(devkit::wait::until(PATIENCE, unready).is_some());

    let refused = kept.get("b.test", "/");
    assert_eq!((refused.status, refused.keeps_connection()), (421, false));
    assert!(kept.is_ended());

    *gate.0.lock().expect("not poisoned") = true;
    gate.1.notify_all();
    let late = waiting.read();
    assert_eq!(
        (late.body.as_str(), late.keeps_connection()),
        ("late", false)
    );
    assert!(gateway.ends_well(PATIENCE));
    assert_eq!(
        gateway.printed().matches(r#""outcome":"proxied""#).count(),
        1,
        "logged to the last"
    );
}
