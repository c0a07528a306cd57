//! Pingora with nothing on it: what the framework costs, so that the bench can say which part of the
//! gateway's price is the gateway's own. `bare-pingora LISTEN ORIGIN` proxies everything to one origin with
//! kept connections, and answers `/poll` itself.

use async_trait::async_trait;
use bytes::Bytes;
use pingora::http::ResponseHeader;
use pingora::prelude::*;
use pingora::server::configuration::ServerConf;

/// The same allocator as the gateway's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const POLL: &str = r#"{"room":"sale","state":"waiting","reason":null,"position":4242,"ahead":4241,"behind":512,"eta_seconds":{"p50":120,"p90":240},"poll_after_ms":30000,"ticket":"7KQ2-MX","called_at":null,"claim_deadline":null,"opens_at":null,"updated_at":"2026-11-21T12:00:00.000Z"}"#;

struct Bare {
    peer: Box<HttpPeer>,
    answer: ResponseHeader,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn request_filter(&self, session: &mut Session, _ctx: &mut ()) -> Result<bool> {
        if session.req_header().uri.path() != "/poll" {
            return Ok(false);
        }
        session
            .write_response_header(Box::new(self.answer.clone()), false)
            .await?;
        session
            .write_response_body(Some(Bytes::from_static(POLL.as_bytes())), true)
            .await?;
        Ok(true)
    }

    async fn upstream_peer(&self, _session: &mut Session, _ctx: &mut ()) -> Result<Box<HttpPeer>> {
        Ok(self.peer.clone())
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(origin)) = (arguments.next(), arguments.next()) else {
        panic!("usage: bare-pingora LISTEN ORIGIN");
    };
    let configuration = ServerConf {
        threads: 1,
        upstream_keepalive_pool_size: 1024,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, configuration);
    server.bootstrap();
    let mut answer = ResponseHeader::build(200, Some(3)).expect("200 is a status");
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("cache-control", "no-store".to_owned()),
        ("content-length", POLL.len().to_string()),
    ];
    for (name, value) in headers {
        answer
            .insert_header(name, value)
            .expect("a fixed header is valid");
    }
    let bare = Bare {
        peer: Box::new(HttpPeer::new(origin, false, String::new())),
        answer,
    };
    let mut proxy = http_proxy_service(&server.configuration, bare);
    proxy.add_tcp(&listen);
    server.add_service(proxy);
    server.run_forever();
}
