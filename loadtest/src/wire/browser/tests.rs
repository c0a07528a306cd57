//! Browsers in front of a balancer.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::DialerOptions;
use super::*;

const OPTIONS: DialerOptions = DialerOptions {
    max_open: 2,
    max_opening: 2,
    patience: Duration::from_secs(5),
};

/// Answers every request with 204 and closes.
async fn answering(listener: TcpListener) {
    while let Ok((mut peer, _)) = listener.accept().await {
        let _read = peer.read(&mut [0; 2_048]).await;
        let _sent = peer
            .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            .await;
    }
}

#[tokio::test]
async fn a_gateway_that_failed_is_not_asked_twice_in_a_row() {
    let listen = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (up, down) = (listen().await, listen().await);
    let site = |listener: &TcpListener| {
        let address = listener.local_addr().expect("its address");
        Site::parse(&format!("http://{address}")).expect("a site")
    };
    let gateways = [site(&up), site(&down)].into();
    let psp = site(&up);
    drop(down);
    let server = tokio::spawn(answering(up));
    let from = Ipv4Addr::new(127, 1, 0, 1);
    let mut browser = Browser::new(Dialer::new(OPTIONS), gateways, psp, from);
    let ask = Ask::page(Place::Gateway, "/");
    let mut failures = 0;
    for _ in 0..60 {
        if browser.send(&ask).await.is_err() {
            failures += 1;
            assert!(browser.send(&ask).await.is_ok(), "the other one is up");
        }
    }
    assert!(failures > 0, "a balancer does not know who is down");
    server.abort();
}
