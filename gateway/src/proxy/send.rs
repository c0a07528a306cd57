//! Writing an answer of our own: the one place, so that every one has a length, an id, and the right
//! word about its connection.

use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;

use super::Gateway;
use super::exchange::Exchange;
use crate::answer::Answer;
use crate::metrics::Outcome;
use crate::step::identify::X_REQUEST_ID;
use crate::step::respond::{self, Connection};

impl Gateway {
    /// Sends the answer. A client that is gone is an outcome, not an error: there is nobody to tell.
    pub(super) async fn send(&self, session: &mut Session, ctx: &mut Exchange, answer: Answer) {
        let closes = self.drain.has_begun()
            || respond::connection(session.req_header()) == Connection::Close;
        match closes {
            true => session.set_keepalive(None),
            // Pingora would close after an answer before the end of the body. We read the rest of it,
            // within the bounds of size and time that were checked and set.
            false => session.set_close_on_response_before_downstream_finish(false),
        }
        ctx.outcome = answer.outcome;
        if self.write(session, ctx, answer).await.is_err() {
            session.set_keepalive(None);
            ctx.outcome = Outcome::ClientGone;
        }
    }

    async fn write(
        &self,
        session: &mut Session,
        ctx: &Exchange,
        answer: Answer,
    ) -> pingora::Result<()> {
        // Names go out in lower case: keeping their case would cost a second map.
        let mut head =
            ResponseHeader::build_no_case(answer.status, Some(answer.headers.len() + 8))?;
        for (name, value) in answer.headers {
            head.append_header(name, value)?;
        }
        // Who came in by this very request has the pass, whatever else went wrong: a claim is spent only once.
        for (name, value) in &ctx.admission.to_client {
            head.append_header(name.clone(), value.clone())?;
        }
        if !ctx.admission.to_client.is_empty() {
            head.insert_header(CACHE_CONTROL, "private, no-store")?;
        }
        head.insert_header(CONTENT_LENGTH, answer.body.len())?;
        if let Some(caller) = &ctx.caller {
            head.insert_header(X_REQUEST_ID, caller.request_id.clone())?;
        }
        let bodiless = answer.body.is_empty() || session.req_header().method == Method::HEAD;
        session
            .write_response_header(Box::new(head), bodiless)
            .await?;
        if !bodiless {
            session.write_response_body(Some(answer.body), true).await?;
        }
        Ok(())
    }
}
