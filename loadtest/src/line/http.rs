//! As much HTTP/1.1 as an app with a token needs: a kept connection, one request at a time, heads read by httparse.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use std::net::SocketAddr;
use std::time::Duration;

use crate::wire::Fault;

/// Longer than the gateway's longest answer to a visitor.
const PATIENCE: Duration = Duration::from_secs(30);
/// Headers of an answer; the gateway sends some ten, origins a few more.
const MOST_HEADERS: usize = 48;

/// One answer, with what a visitor keeps of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `X-Fluxgate-Ticket`, if it was set.
    pub(crate) ticket: Option<Box<str>>,
    /// `X-Fluxgate-Pass`, if it was set.
    pub(crate) pass: Option<Box<str>>,
    pub(crate) body: Bytes,
    /// The server closes the connection after it.
    pub(crate) closes: bool,
}

/// A connection that is opened when it is needed and kept.
#[derive(Debug)]
pub(crate) struct Connection {
    to: SocketAddr,
    stream: Option<TcpStream>,
    read: BytesMut,
}

impl Connection {
    pub(crate) fn to(to: SocketAddr) -> Self {
        Self {
            to,
            stream: None,
            read: BytesMut::new(),
        }
    }

    /// Sends `request` (a whole one) and reads the answer. After a fault the next request opens a new connection.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer, Fault> {
        let answered = timeout(PATIENCE, self.attempt(request)).await;
        let answered = answered.unwrap_or(Err(Fault::Timeout));
        if answered.as_ref().map_or(true, |answer| answer.closes) {
            self.stream = None;
            self.read.clear();
        }
        answered
    }

    async fn attempt(&mut self, request: &[u8]) -> Result<Answer, Fault> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let opened = TcpStream::connect(self.to).await;
                let opened = opened.map_err(|error| Fault::Connect(error.kind()))?;
                // Without it the second write of a request would wait for an acknowledgement.
                opened.set_nodelay(true).map_err(|_| Fault::Broken)?;
                self.stream.insert(opened)
            }
        };
        let broken = |_| Fault::Broken;
        stream.write_all(request).await.map_err(broken)?;
        loop {
            if let Some(answer) = parse(&mut self.read)? {
                return Ok(answer);
            }
            if stream.read_buf(&mut self.read).await.map_err(broken)? == 0 {
                return Err(Fault::Broken);
            }
        }
    }
}

/// Takes one whole answer off `read`; `None` while more is to come. Only bodies with a length are understood.
fn parse(read: &mut BytesMut) -> Result<Option<Answer>, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let length = match head.parse(read).map_err(|_| Fault::Broken)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let mut answer = Answer {
        status: head.code.unwrap_or_default(),
        ..Answer::default()
    };
    let mut body = None;
    for header in &*head.headers {
        let text = std::str::from_utf8(header.value).unwrap_or_default();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            body = text.trim().parse::<usize>().ok();
        } else if is("x-fluxgate-ticket") {
            answer.ticket = Some(text).filter(|text| !text.is_empty()).map(Into::into);
        } else if is("x-fluxgate-pass") {
            answer.pass = Some(text).filter(|text| !text.is_empty()).map(Into::into);
        } else if is("connection") {
            answer.closes = text.eq_ignore_ascii_case("close");
        }
    }
    let body = body.ok_or(Fault::Broken)?;
    if read.len() < length + body {
        return Ok(None);
    }
    read.advance(length);
    answer.body = read.split_to(body).freeze();
    Ok(Some(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nX-Fluxgate-Ticket: abc\r\ncontent-length: 2\r\n\r\n{}\
        HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    #[test]
    fn answers_are_taken_off_one_by_one_however_they_arrive() {
        let mut read = BytesMut::new();
        let mut found = Vec::new();
        for byte in TWO {
            read.extend_from_slice(&[*byte]);
            found.extend(parse(&mut read).expect("well-formed"));
        }
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].status, found[0].body.as_ref()), (503, &b"{}"[..]));
        assert_eq!(found[0].ticket.as_deref(), Some("abc"));
        assert!(!found[0].closes && found[1].closes);
        assert!(read.is_empty());
    }

    #[test]
    fn an_answer_without_a_length_is_a_fault() {
        let mut read = BytesMut::from(&b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n"[..]);
        assert_eq!(parse(&mut read), Err(Fault::Broken));
        let mut read = BytesMut::from(&b"SSH-2.0-OpenSSH\r\n\r\n"[..]);
        assert_eq!(parse(&mut read), Err(Fault::Broken));
    }
}
