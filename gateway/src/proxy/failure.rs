//! When a request cannot be finished: whose fault it is, what the client is told, what the server's
//! health learns from it.

use pingora::prelude::{Error, ErrorType};
use pingora::proxy::{FailToProxy, Session};
use pingora::{ErrorSource, ErrorType::*};

use super::Gateway;
use super::exchange::Exchange;
use crate::clock;
use crate::metrics::Outcome;
use crate::rejection::Rejection;

impl Gateway {
    /// Answers a request whose proxying failed, if it can still be answered. The connection ends, since
    /// nobody knows what of the request is still on its way.
    pub(super) async fn failed(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut Exchange,
    ) -> FailToProxy {
        let rejection = explain(error);
        let upstream = matches!(
            rejection,
            Some(Rejection::UpstreamTimeout | Rejection::BadGateway)
        );
        // An answer that began and then took too long may have been held up by a client that reads slowly.
        let begun = session.response_written().is_some();
        let is_slow = begun && *error.etype() == ReadTimedout;
        if upstream && *error.esource() == ErrorSource::Upstream && !is_slow {
            self.blame_server(ctx, kind(error));
        }
        session.set_keepalive(None);
        let Some(rejection) = rejection else {
            ctx.outcome = Outcome::ClientGone;
            return closed(0);
        };
        if begun {
            // Half an answer went out. Cutting the connection is all that is left to tell it by.
            ctx.outcome = rejection.outcome();
            return closed(0);
        }
        let status = rejection.status().as_u16();
        let request_id = ctx
            .caller
            .as_ref()
            .map(|caller| caller.request_id().to_owned());
        let answer = rejection.answer(&request_id.unwrap_or_default(), rand::random());
        self.send(session, ctx, answer).await;
        session.set_keepalive(None);
        closed(status)
    }

    /// Counts a failure against the server that has the request.
    pub(super) fn blame_server(&self, ctx: &Exchange, kind: &'static str) {
        let (Some(pool), Some(lease)) = (&ctx.pool, &ctx.lease) else {
            return;
        };
        self.metrics.upstream_failed(pool.name(), kind);
        let ejected = lease.server().failed(clock::millis(clock::now()));
        if let Some(time) = ejected {
            self.metrics.upstream_ejected(pool.name());
            tracing::warn!(
                upstream = %pool.name(),
                server = %lease.server().address(),
                seconds = time.as_secs_f32(),
                cause = kind,
                "server ejected"
            );
        }
    }
}

fn closed(error_code: u16) -> FailToProxy {
    FailToProxy {
        error_code,
        can_reuse_downstream: false,
    }
}

/// What a failure is to the client; `None` when the client is gone.
fn explain(error: &Error) -> Option<Rejection> {
    match (error.esource(), error.etype()) {
        (_, HTTPStatus(413)) => Some(Rejection::BodyTooLarge),
        (ErrorSource::Upstream, etype) if is_connecting(etype) => {
            Some(Rejection::UpstreamUnavailable)
        }
        (ErrorSource::Upstream, ReadTimedout | WriteTimedout) => Some(Rejection::UpstreamTimeout),
        (ErrorSource::Upstream, _) => Some(Rejection::BadGateway),
        (ErrorSource::Downstream, ReadTimedout) => Some(Rejection::RequestTimeout),
        (ErrorSource::Downstream, ReadError | WriteError | WriteTimedout | ConnectionClosed) => {
            None
        }
        (ErrorSource::Downstream, _) | (_, InvalidHTTPHeader) => {
            Some(Rejection::BadRequest("The request cannot be understood"))
        }
        (ErrorSource::Internal | ErrorSource::Unset, _) => Some(Rejection::Internal),
    }
}

fn is_connecting(etype: &ErrorType) -> bool {
    matches!(
        etype,
        ConnectTimedout
            | ConnectRefused
            | ConnectNoRoute
            | ConnectError
            | BindError
            | SocketError
            | ConnectProxyFailure
            | TLSHandshakeFailure
            | TLSHandshakeTimedout
            | InvalidCert
            | HandshakeError
    )
}

/// The failure as a metric label.
pub(super) fn kind(error: &Error) -> &'static str {
    match error.etype() {
        ConnectTimedout => "connect_timeout",
        ConnectRefused => "connect_refused",
        etype if is_connecting(etype) => "connect",
        ReadTimedout | WriteTimedout => "timeout",
        _ => "broken",
    }
}

/// A gateway's status from a server, as a metric label.
pub(super) fn status_kind(status: u16) -> &'static str {
    match status {
        502 => "status_502",
        503 => "status_503",
        _ => "status_504",
    }
}
