//! Polls of the queue answered on the connection itself: in a sale they are nearly all there is, and a Pingora session
//! costs more than the answer.
//!
//! Only what is plainly a poll is taken: one whole `GET /.fluxgate/<room>/status` in HTTP/1.1 with nothing behind it, no
//! body, and no header that says something about the connection. It goes through the same steps as every request.
//! Everything else is put back as it came, and Pingora reads it.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

use super::guarded::Guarded;
use crate::proxy::{Gateway, Written};

/// A longer head is no poll.
const LONGEST_HEAD: usize = 4 << 10;
/// A poll of a browser has about fifteen.
const MOST_HEADERS: usize = 48;
const BEGINNING: &[u8] = b"GET /.fluxgate/";

/// What became of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Something that is not a poll has come, and was put back.
    Other,
    /// It is over: the client is gone or too slow, or the process ends.
    Ended,
}

/// Answers polls until something else comes. `is_stopping` is asked whenever there is nothing to read.
pub(super) async fn serve(
    gateway: &Gateway,
    stream: &mut Guarded,
    peer: SocketAddr,
    mut is_stopping: impl FnMut(&mut Context<'_>) -> bool,
) -> Next {
    loop {
        let come = match read(stream, &mut is_stopping).await {
            Ok(come) if !come.is_empty() => come,
            _ => return Next::Ended,
        };
        let Some(head) = poll_in(&come) else {
            stream.put_back(come);
            return Next::Other;
        };
        match gateway
            .answer(&head, peer, async |bytes, longest| {
                write(stream, bytes, longest).await
            })
            .await
        {
            Written::Kept(until) => stream.expect_next(until),
            Written::Closed => return Next::Ended,
        }
    }
}

/// What has come, once something has. An idle connection holds no buffer.
async fn read(
    stream: &mut Guarded,
    is_stopping: &mut impl FnMut(&mut Context<'_>) -> bool,
) -> io::Result<Bytes> {
    poll_fn(|context| {
        let mut scratch = [MaybeUninit::uninit(); LONGEST_HEAD];
        let mut buffer = ReadBuf::uninit(&mut scratch);
        match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
            Poll::Ready(read) => {
                Poll::Ready(read.map(|()| Bytes::copy_from_slice(buffer.filled())))
            }
            Poll::Pending if is_stopping(context) => Poll::Ready(Ok(Bytes::new())),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn write(stream: &mut Guarded, bytes: &[u8], longest: Duration) -> io::Result<()> {
    let mut writing = pin!(async {
        stream.write_all(bytes).await?;
        stream.flush().await
    });
    // Nearly always there is room for it, and then no clock is asked.
    let at_once = poll_fn(|context| Poll::Ready(writing.as_mut().poll(context)));
    match at_once.await {
        Poll::Ready(written) => written,
        Poll::Pending => timeout(longest, writing).await?,
    }
}

/// The head, if that is all that has come and it is plainly a poll.
fn poll_in(come: &Bytes) -> Option<Parts> {
    if !come.starts_with(BEGINNING) || !come.ends_with(b"\r\n\r\n") {
        return None;
    }
    let mut headers = [MaybeUninit::uninit(); MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut []);
    let end = match parsed.parse_with_uninit_headers(come, &mut headers).ok()? {
        httparse::Status::Complete(end) => end,
        httparse::Status::Partial => return None,
    };
    let path = parsed.path.filter(|path| path.ends_with("/status"))?;
    // Only what every reader takes for this path: no query, no parameter, no escape.
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
    if !path.bytes().all(is_plain) {
        return None;
    }
    if end != come.len() || parsed.version != Some(1) {
        return None;
    }
    // What the parser found lies in what has come, and shares its memory.
    let shared = |part: &[u8]| {
        let from = part.as_ptr().addr() - come.as_ptr().addr();
        come.slice(from..from + part.len())
    };
    let uri = Uri::from_maybe_shared(shared(path.as_bytes())).ok()?;
    let (mut head, ()) = Request::new(()).into_parts();
    (head.method, head.uri, head.version) = (Method::GET, uri, Version::HTTP_11);
    head.headers.reserve(parsed.headers.len());
    for header in parsed.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        let value = HeaderValue::from_maybe_shared(shared(header.value)).ok()?;
        if !is_silent(&name, &value) {
            return None;
        }
        head.headers.append(name, value);
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    (hosts.next().is_some() && hosts.next().is_none()).then_some(head)
}

/// Whether a header says nothing about the connection or the message's length.
fn is_silent(name: &HeaderName, value: &HeaderValue) -> bool {
    let framing = [CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT, UPGRADE];
    match *name == CONNECTION {
        true => value.as_bytes().eq_ignore_ascii_case(b"keep-alive"),
        false => !framing.contains(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Option<Parts> {
        poll_in(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_poll_is_read_as_it_was_sent() {
        let text = "GET /.fluxgate/sale/status HTTP/1.1\r\nHost: a.test\r\nConnection: Keep-Alive\r\n\
                    X-Fluxgate-Ticket: abc\r\nAccept: application/json\r\nACCEPT: text/html\r\n\r\n";
        let head = head(text).expect("a poll");
        assert_eq!((head.method, head.version), (Method::GET, Version::HTTP_11));
        assert_eq!(head.uri.path(), "/.fluxgate/sale/status");
        assert_eq!(head.headers["x-fluxgate-ticket"], "abc");
        assert_eq!(head.headers.get_all("accept").iter().count(), 2);
    }

    #[test]
    fn whatever_else_it_may_be_is_pingoras() {
        let with = |line: &str, headers: &str| head(&format!("{line}\r\nHost: a\r\n{headers}\r\n"));
        let line = "GET /.fluxgate/sale/status HTTP/1.1";
        assert!(with(line, "").is_some());
        for other in [
            "GET /.fluxgate/sale/status HTTP/1.0",
            "POST /.fluxgate/sale/status HTTP/1.1",
            "GET /.fluxgate/sale/status?a=b HTTP/1.1",
            "GET /.fluxgate/;?/status HTTP/1.1",
            "GET /.fluxgate/;#/status HTTP/1.1",
            "GET /.fluxgate/%73ale/status HTTP/1.1",
            "GET /.fluxgate/sale/claim HTTP/1.1",
            "GET http://a/.fluxgate/sale/status HTTP/1.1",
            "GET  /.fluxgate/sale/status HTTP/1.1",
        ] {
            assert!(with(other, "").is_none(), "{other}");
        }
        for other in [
            "Content-Length: 0\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Connection: close\r\n",
            "Connection: keep-alive, upgrade\r\n",
            "Expect: 100-continue\r\n",
            "Upgrade: h2c\r\n",
            "Host: b\r\n",
            "X: a\r\n b\r\n",
            "X : a\r\n",
            "X: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n",
        ] {
            assert!(with(line, other).is_none(), "{other}");
        }
        let many = "X: 1\r\n".repeat(MOST_HEADERS);
        assert!(with(line, &many).is_none());
        assert!(head("GET /.fluxgate/sale/status HTTP/1.1\r\nHost: a\r\n").is_none());
        assert!(head("GET /.fluxgate/sale/status HTTP/1.1\r\n\r\n").is_none());
        assert!(head("GET /.fluxgate/sale/status HTTP/1.1\nHost: a\n\r\n\r\n").is_none());
    }
}
