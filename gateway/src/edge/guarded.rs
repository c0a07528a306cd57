//! A stream with a deadline for the end of the head that is being read.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// The stream. Everything but reading goes straight through.
pub(super) struct Guarded {
    inner: Stream,
    timeout: Duration,
    head: Head,
    /// What was read and has to be read once more.
    put_back: Bytes,
    /// Made at the first wait and kept: most heads arrive in one piece and never wait for it.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// Where reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    /// On a kept connection, before the first byte of the next head: until then.
    Idle { until: Instant },
    /// In a head. The deadline is set at the first wait.
    Reading { end: End, armed: bool },
    /// Behind the head.
    Done,
}

/// How far the empty line that ends a head has been seen. A bare line feed ends a line too, as it does
/// for the parser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct End {
    /// The first line has begun.
    has_begun: bool,
    /// Nothing has come of the line that is being read, and another is before it.
    line_is_empty: bool,
}

impl End {
    /// Takes the next bytes; true when they hold the end of the head. Empty lines before the first
    /// line do not end it.
    fn found_in(&mut self, bytes: &[u8]) -> bool {
        let is_empty = |line: &[u8]| line.iter().all(|byte| *byte == b'\r');
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let is_empty = is_empty(&rest[..at]);
            if self.has_begun && self.line_is_empty && is_empty {
                return true;
            }
            self.has_begun |= !is_empty;
            self.line_is_empty = true;
            rest = &rest[at + 1..];
        }
        self.has_begun |= !is_empty(rest);
        self.line_is_empty &= is_empty(rest);
        false
    }
}

impl Guarded {
    /// Guards a fresh connection, whose first head is due at once.
    pub(super) fn new(inner: Stream, timeout: Duration) -> Self {
        let end = End::default();
        Self {
            inner,
            timeout,
            head: Head::Reading { end, armed: false },
            put_back: Bytes::new(),
            alarm: None,
        }
    }

    /// A stream that this type made, as what it is.
    pub(super) fn of(stream: Stream) -> Box<Self> {
        match stream.into_any().downcast::<Self>() {
            Ok(guarded) => guarded,
            Err(_) => unreachable!("the loop gives back the stream it was given"),
        }
    }

    /// What comes next is a head, and it begins before `until`.
    pub(super) fn expect_next(&mut self, until: std::time::Instant) {
        let until = Instant::from_std(until);
        self.head = Head::Idle { until };
    }

    /// These bytes were read last; they are read once more.
    pub(super) fn put_back(&mut self, bytes: Bytes) {
        self.put_back = bytes;
    }

    fn advance(&mut self, bytes: &[u8]) {
        let (mut end, armed) = match self.head {
            Head::Done => return,
            Head::Idle { .. } => (End::default(), false),
            Head::Reading { end, armed } => (end, armed),
        };
        self.head = match end.found_in(bytes) {
            true => Head::Done,
            false => Head::Reading { end, armed },
        };
    }

    /// Ready once the time for the head is up, or that for the next one to begin.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let armed = match &mut self.head {
            Head::Reading { armed, .. } => armed,
            Head::Idle { until } => {
                let until = *until;
                return self.poll_until(until, context);
            }
            Head::Done => return Poll::Pending,
        };
        let alarm = match &mut self.alarm {
            Some(alarm) => {
                if !*armed {
                    alarm.as_mut().reset(Instant::now() + self.timeout);
                }
                alarm
            }
            none => none.insert(Box::pin(sleep(self.timeout))),
        };
        *armed = true;
        alarm.as_mut().poll(context)
    }

    /// The alarm is only set anew when it rings too early: a busy connection never touches the timers' lock.
    fn poll_until(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if alarm.deadline() > until {
            alarm.as_mut().reset(until);
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            if Instant::now() >= until {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(until);
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.put_back.is_empty() {
            // The guard has seen these.
            let count = self.put_back.len().min(buffer.remaining());
            buffer.put_slice(&self.put_back.split_to(count));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.inner).poll_read(context, buffer) {
            Poll::Ready(result) => {
                result?;
                self.advance(&buffer.filled()[before..]);
                // A client that keeps sending without ever ending its head is not let off.
                if matches!(self.head, Head::Reading { armed: true, .. })
                    && self.poll_alarm(context).is_ready()
                {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending => {
                ready!(self.poll_alarm(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[async_trait]
impl Shutdown for Guarded {
    async fn shutdown(&mut self) {
        self.inner.shutdown().await;
    }
}

#[async_trait]
impl Peek for Guarded {
    async fn try_peek(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        self.inner.try_peek(buffer).await
    }
}

impl UniqueID for Guarded {
    fn id(&self) -> UniqueIDType {
        self.inner.id()
    }
}

impl Ssl for Guarded {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.inner.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.inner.selected_alpn_proto()
    }
}

impl GetTimingDigest for Guarded {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.inner.get_timing_digest()
    }
}

impl GetProxyDigest for Guarded {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.inner.get_proxy_digest()
    }

    fn set_proxy_digest(&mut self, digest: ProxyDigest) {
        self.inner.set_proxy_digest(digest);
    }
}

impl GetSocketDigest for Guarded {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.inner.get_socket_digest()
    }

    fn set_socket_digest(&mut self, digest: SocketDigest) {
        self.inner.set_socket_digest(digest);
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_empty_line_however_it_is_cut() {
        let ends = |pieces: &[&str]| {
            let mut end = End::default();
            pieces
                .iter()
                .position(|piece| end.found_in(piece.as_bytes()))
        };
        assert_eq!(ends(&["GET / HTTP/1.1\r\nHost: a\r\n\r\n"]), Some(0));
        assert_eq!(ends(&["GET / HTTP/1.1\r\nHost: a\r\n\r", "\n"]), Some(1));
        assert_eq!(ends(&["GET / HTTP/1.1\r\n", "\r\n"]), Some(1));
        assert_eq!(ends(&["GET / HTTP/1.1\nHost: a\n\n"]), Some(0));
        assert_eq!(ends(&["\r\nGET / HTTP/1.1\r\n", "Host: a\r\n"]), None);
        for before in ["\r\n\r\n", "\n\n\n", "\r", "\r\n\r"] {
            assert_eq!(ends(&[before, "GET / HTTP/1.1\r\nX: "]), None, "{before:?}");
            assert_eq!(ends(&[before, "\n", "GET / HTTP/1.1\r\n", "\r\n"]), Some(3));
        }
        assert_eq!(ends(&["\r\n"; 9]), None);
    }
}
