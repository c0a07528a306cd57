//! Streams through a room: they hold their visitor's seat while they are open, and end with the visit.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::browser::{Browser, a_full_room, site};
use crate::gateway::Gateway;
use crate::http::PATIENCE;
use crate::origin::Origin;

const SESSION: Duration = Duration::from_secs(2);

/// Switches protocols where it is asked to, and then says everything again.
fn echo() -> Origin {
    Origin::replying(|asked, stream| {
        if asked.header("upgrade").is_none() {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nshop");
            return;
        }
        let _ = write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        );
        let mut said = [0; 64];
        while let Ok(length @ 1..) = stream.read(&mut said) {
            if stream.write_all(&said[..length]).is_err() {
                return;
            }
        }
    })
}

/// An open socket of this browser's. Where the origin switches protocols before the proxy has seen the request's end, the
/// proxy takes that end for the stream's and closes: a client connects anew, as those of WebSockets do.
fn socket(browser: &Browser) -> TcpStream {
    let mut tries = (0..20).map(|_| connected(browser));
    let open = tries.find_map(|mut stream| is_open(&mut stream).then_some(stream));
    open.expect("a socket that stays open")
}

fn connected(browser: &Browser) -> TcpStream {
    let mut stream = TcpStream::connect(browser.gateway).expect("listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let cookies = cookies.join("; ");
    write!(
        stream,
        "GET /sale/live HTTP/1.1\r\nHost: a.test\r\nCookie: {cookies}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\n\r\n"
    )
    .expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

/// Whether the other side still answers.
fn is_open(stream: &mut TcpStream) -> bool {
    let mut heard = [0; 4];
    stream.write_all(b"ping").is_ok() && stream.read_exact(&mut heard).is_ok() && heard == *b"ping"
}

#[test]
fn an_open_socket_holds_the_seat_and_the_next_has_it_soon_after_its_end() {
    let origin = echo();
    let room = "capacity: { active: 1 }, session: { ttl: 2s }, call_grace: 30s";
    let site = site(&origin, room, "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let (first, mut second) = a_full_room(&gateway);
    let mut stream = socket(&first);
    let began = Instant::now();
    while began.elapsed() < 3 * SESSION {
        assert!(is_open(&mut stream));
        assert_eq!(second.status()["state"], "waiting");
    }
    let mut first = first;
    assert_eq!(first.visit().status, 200, "the pass is good again");
    drop(stream);
    second.come_in();
}

#[test]
fn a_socket_ends_when_its_visit_does() {
    let origin = echo();
    let room = "capacity: { active: 1 }, session: { ttl: 2s, renew: false }, call_grace: 30s";
    let site = site(&origin, room, "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let (first, mut second) = a_full_room(&gateway);
    let mut stream = socket(&first);
    second.until("in", |second| {
        let is_open = is_open(&mut stream);
        let is_in = second.visit().status == 200;
        assert!(!(is_in && is_open), "two inside where one may be");
        is_in.then_some(())
    });
    assert!(!is_open(&mut stream));
}
