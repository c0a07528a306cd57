//! What the origin says of the visit that its answer belongs to.

use pingora::http::ResponseHeader;

use super::exchange::Exchange;
use crate::rooms::{Word, X_FLUXGATE_VISIT, now};

/// Does as the origin says, and keeps it from the client. Of no other visit than this one.
pub(super) async fn heed(response: &mut ResponseHeader, ctx: &mut Exchange) {
    let Some(said) = response.remove_header(&X_FLUXGATE_VISIT) else {
        return;
    };
    let admission = &mut ctx.admission;
    let (Some(served), Some((visit, told))) = (&admission.served, &admission.visit) else {
        return;
    };
    let word = served.visits.read(&said);
    match word.filter(|(number, _)| *number == visit.pass.number) {
        Some((number, Word::Done)) => {
            served.room.release(number);
            // What this very answer was to renew is over.
            admission.to_client = served.names.no_pass(*told);
        }
        Some((_, Word::Hold(until))) => {
            if let Some((longer, ends)) = served.room.hold(visit, until, now()).await {
                let seconds = ends.since(now()).as_secs();
                admission.to_client = served.names.new_pass(*told, &longer, seconds);
            }
        }
        None => {
            tracing::debug!(room = %served.name(), "a word on a visit that the origin did not sign")
        }
    }
}
