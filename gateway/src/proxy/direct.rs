//! Answering without a Pingora session: the same steps, and an answer in one piece.

use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BufMut as _;
use http::request::Parts;
use pingora::protocols::http::date::get_cached_date;

use super::Gateway;
use super::exchange::Exchange;
use crate::answer::Answer;
use crate::metrics::Outcome;
use crate::rejection::Rejection;
use crate::step::accept::Raw;
use crate::step::identify::Caller;

/// Whether the connection may be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Yes, and it may be idle until then.
    Kept(Instant),
    /// The answer said that it ends, or could not be sent.
    Closed,
}

impl Gateway {
    /// Answers a request without a body for one of the gateway's own addresses; `write` sends the whole answer within
    /// a time.
    pub(crate) async fn answer(
        &self,
        head: &Parts,
        peer: SocketAddr,
        write: impl AsyncFnOnce(&[u8], Duration) -> io::Result<()>,
    ) -> Written {
        let live = self.live.load_full();
        let http = live.http;
        let mut ctx = Exchange::new(live, Arc::clone(&self.metrics), self.drain.enter());
        ctx.peer = peer;
        let raw = Raw {
            head: &[],
            target: head.uri.path().as_bytes(),
        };
        let answer = match self.decide(head, raw, &mut ctx).await {
            ControlFlow::Break(answer) => answer,
            // The room has an answer to each of them.
            ControlFlow::Continue(()) => {
                let id = ctx.caller.as_ref().map_or("", Caller::request_id);
                Rejection::NoRoute.answer(id, rand::random())
            }
        };
        let closes = self.drain.has_begun();
        let whole = in_one_piece(&answer, ctx.caller.as_ref(), closes);
        let sent = write(&whole, http.body_timeout).await;
        let (status, bytes) = match sent {
            Ok(()) => (answer.status.as_u16(), answer.body.len()),
            Err(_) => (0, 0),
        };
        ctx.outcome = match sent {
            Ok(()) => answer.outcome,
            Err(_) => Outcome::ClientGone,
        };
        let ended = self.record(head, &mut ctx, (status, bytes));
        match sent.is_ok() && !closes {
            true => Written::Kept(ended + http.keepalive),
            false => Written::Closed,
        }
    }
}

/// The answer as it goes out, with what every answer carries.
fn in_one_piece(answer: &Answer, caller: Option<&Caller>, closes: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(640 + answer.body.len());
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.put_slice(part));
    let reason = answer.status.canonical_reason().unwrap_or_default();
    put(&[
        b"HTTP/1.1 ",
        answer.status.as_str().as_bytes(),
        b" ",
        reason.as_bytes(),
        b"\r\n",
    ]);
    for (name, value) in &answer.headers {
        put(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    let mut length = itoa::Buffer::new();
    let length = length.format(answer.body.len());
    put(&[b"content-length: ", length.as_bytes(), b"\r\n"]);
    if let Some(caller) = caller {
        put(&[b"x-request-id: ", caller.request_id.as_bytes(), b"\r\n"]);
    }
    let connection: &[u8] = if closes { b"close" } else { b"keep-alive" };
    put(&[
        b"date: ",
        get_cached_date().as_bytes(),
        b"\r\nconnection: ",
        connection,
        b"\r\n\r\n",
    ]);
    put(&[&answer.body]);
    out
}
