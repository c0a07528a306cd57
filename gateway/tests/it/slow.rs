//! Clients that are slow on purpose.

use std::time::{Duration, Instant};

use crate::gateway::{Gateway, one_tenant};
use crate::origin::Origin;

const QUICK: &str = "http: { header_timeout: 1s, keepalive: 2s, body_timeout: 1s }\n";

fn gateway(origin: &Origin) -> Gateway {
    Gateway::start(&format!("{QUICK}{}", one_tenant(origin)))
}

#[test]
fn an_idle_connection_is_closed_after_its_keepalive() {
    let origin = Origin::named("shop");
    let gateway = gateway(&origin);
    let mut client = gateway.client();
    assert_eq!(client.get("a.test", "/").status, 200);
    let start = Instant::now();
    assert!(client.is_ended());
    assert!(
        start.elapsed() >= Duration::from_millis(1_900),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_stalled_body_is_the_clients_fault() {
    let origin = Origin::replying(|_, _| {});
    let gateway = gateway(&origin);
    let request = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhel";
    let answer = gateway.client().send(request).read();
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (408, "request_timeout".into())
    );
}

#[test]
fn a_head_must_be_whole_in_time_however_it_dribbles() {
    let origin = Origin::named("shop");
    let gateway = gateway(&origin);
    let mut silent = gateway.client();
    let mut kept = gateway.client();
    assert_eq!(kept.get("a.test", "/").status, 200);
    let start = Instant::now();
    let mut dribbling = gateway.client();
    // Empty lines before a head are none, however many (RFC 9112, 2.2).
    let mut after_nothing = gateway.client();
    after_nothing.send("\r\n\r\n\r\nGET / HTTP/1.1\r\nX: ");
    let ended = devkit::wait::until(Duration::from_secs(5), || {
        // A byte every few milliseconds: each read is quick, the head never ends.
        dribbling.send("x");
        kept.send("x");
        after_nothing.send("x");
        let all = dribbling.has_ended() && kept.has_ended() && after_nothing.has_ended();
        all.then_some(())
    });
    assert!(ended.is_some(), "all are cut");
    assert!(
        start.elapsed() >= Duration::from_millis(900),
        "{:?}",
        start.elapsed()
    );
    assert!(silent.is_ended());
}

#[test]
fn a_long_body_is_not_taken_for_a_head() {
    let origin = Origin::replying(|asked, stream| crate::origin::answer(stream, 200, &asked.body));
    let gateway = gateway(&origin);
    let mut client = gateway.client();
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 6\r\n\r\n");
    let start = Instant::now();
    for byte in ["1", "2", "3", "4", "5", "6"] {
        let pause = devkit::wait::until(Duration::from_millis(300), || None::<()>);
        assert!(pause.is_none());
        client.send(byte);
    }
    let answer = client.read();
    assert!(
        start.elapsed() > Duration::from_secs(1),
        "longer than a head may take"
    );
    assert_eq!((answer.status, answer.body.as_str()), (200, "123456"));
}
