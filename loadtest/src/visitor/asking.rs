//! Asking as a patient person does: obey `Retry-After`, press reload when the network or a server fails, give
//! up in the end. Every failure is recorded, so that a drill that had to be patient does not look clean.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use super::{Stop, Visitor};
use crate::clock::Moment;
use crate::record::{Exchange, Step, Trouble};
use crate::wire::{Answer, Ask, Fault};

/// Tries before a visitor gives up; with the pauses below that is about a minute.
const TRIES: u32 = 12;
/// The pause after the n-th failure is n of these, five at most.
const PAUSE: Duration = Duration::from_secs(1);
/// Refusals obeyed before they become a trouble.
const REFUSALS: u32 = 10;
/// A refusal that names no time is tried again after this.
const UNSAID: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Problem {
    code: String,
}

impl Visitor {
    /// Asks until there is an answer that is not a failure of the servers. The latency of the first try
    /// counts from `due`.
    pub(super) async fn ask(
        &mut self,
        step: Step,
        due: Moment,
        ask: &Ask,
    ) -> Result<(Answer, Exchange), Stop> {
        let clock = self.world.clock;
        let mut due = due;
        for failures in 1..=TRIES {
            let (answer, exchange) = match self.once(step, due, ask).await? {
                Ok(answered) => answered,
                Err(fault) => {
                    self.note(Trouble {
                        step,
                        kind: fault_kind(&fault),
                        network: true,
                    });
                    due = clock.now().plus(PAUSE * failures.min(5));
                    clock.sleep_until(due).await;
                    continue;
                }
            };
            let Some(kind) = failure(&answer) else {
                return Ok((answer, exchange));
            };
            self.trouble(step, kind);
            due = clock.now().plus(PAUSE * failures.min(5));
            clock.sleep_until(due).await;
        }
        Err(Stop::Failed)
    }

    /// One try, after as many polite refusals as it takes.
    async fn once(
        &mut self,
        step: Step,
        due: Moment,
        ask: &Ask,
    ) -> Result<Result<(Answer, Exchange), Fault>, Stop> {
        let clock = self.world.clock;
        let mut due = due;
        for _ in 0..REFUSALS {
            let sent = clock.now();
            let answer = match self.browser.send(ask).await {
                Ok(answer) => answer,
                Err(fault) => return Ok(Err(fault)),
            };
            let answered = clock.now();
            self.record.latencies.push((step, answered.since(due)));
            if answer.status != StatusCode::TOO_MANY_REQUESTS {
                return Ok(Ok((answer, Exchange { sent, answered })));
            }
            self.record.limited += 1;
            due = answered.plus(retry_after(&answer).unwrap_or(UNSAID));
            clock.sleep_until(due).await;
        }
        self.trouble(step, "refused again and again (429)");
        Err(Stop::Failed)
    }
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    answer
        .header("retry-after")
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// The kind of a server's failure, `None` for an answer a visitor can go on with. A queue page is a 503 too,
/// but never a problem document.
fn failure(answer: &Answer) -> Option<String> {
    if !answer.status.is_server_error() {
        return None;
    }
    let problem = answer
        .header("content-type")
        .starts_with("application/problem+json");
    if answer.status == StatusCode::SERVICE_UNAVAILABLE
        && !problem
        && !answer.header("retry-after").is_empty()
    {
        return None;
    }
    let code =
        serde_json::from_slice::<Problem>(&answer.body).map(|problem| format!(" {}", problem.code));
    Some(format!(
        "status {}{}",
        answer.status.as_u16(),
        code.unwrap_or_default()
    ))
}

fn fault_kind(fault: &Fault) -> String {
    match fault {
        Fault::Elsewhere(_) => "sent to an unknown place".to_owned(),
        other => other.to_string(),
    }
}
