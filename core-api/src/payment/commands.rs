//! What can be done with payments.
//!
//! A money command runs in a task of its own: a client that disconnects drops the answer, never the
//! command. The handler waits for it a few seconds and then says 202 and where to ask; the command
//! goes on. At most [`PaymentRules::in_flight`] commands run at once; more are refused at once, because a
//! queue in front of a slow PSP only makes every answer late.

mod collect;
mod hint;
mod open;
mod resolve;

use super::answer::answer;
use super::metrics::PaymentMetrics;
use super::{Method, Payment, State, sql};
use crate::audit::{self, Record};
use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::http::idempotency::{AnswerCache, Fingerprint, Key};
use crate::http::{Answer, Code, Problem, RequestMeta};
use crate::id::{AttemptId, OrderId, PaymentId, TenantId};
use crate::money::Money;
use crate::order::Reference;
use crate::psp::account::PspAccounts;
use crate::saga::{Holder, Wake};
use crate::tenant::Caller;
use open::{Intent, Opened};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The limits of payments.
#[derive(Clone, Debug)]
pub struct PaymentRules {
    /// How long a request waits for the PSP before it is answered 202.
    pub answer_within: Duration,
    /// How long a PSP call may take; a payment not found earlier than this proves nothing.
    pub psp_answer: Duration,
    /// Commands running at once.
    pub in_flight: usize,
    /// Pauses between look-ups of an UNKNOWN payment.
    pub look_ups: Vec<Duration>,
}

/// What payments are made with.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The present.
    pub clock: Clock,
    /// Finished answers.
    pub answers: AnswerCache,
    /// This process.
    pub holder: Holder,
    /// Rung when a look-up becomes due.
    pub wake: Wake,
    /// Counters.
    pub metrics: PaymentMetrics,
    /// Limits.
    pub rules: PaymentRules,
}

/// The payment commands. Cheap to clone.
#[derive(Clone)]
pub struct Payments {
    parts: Arc<Parts>,
    psps: PspAccounts,
    gate: Arc<Semaphore>,
}

impl std::fmt::Debug for Payments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payments")
    }
}

/// The request behind a command.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who.
    pub caller: Caller,
    /// Its name and time.
    pub meta: RequestMeta,
    /// Its idempotency key.
    pub key: Key,
    /// What makes it the same request.
    pub fingerprint: Fingerprint,
}

/// A payment as it is asked for.
#[derive(Clone, Debug)]
pub struct Pay {
    /// The order; made if it is unknown.
    pub reference: Reference,
    /// What it costs.
    pub money: Money,
    /// How the customer pays, if said.
    pub method: Option<Method>,
    /// The window's result, if there was a window.
    pub payment_key: Option<String>,
    /// The tenant's notes.
    pub metadata: Value,
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// For the first time.
    Fresh(Answer),
    /// As an earlier request with the same key was, or would be now.
    Replay(Answer),
    /// The command goes on; ask for the payment.
    Later(PaymentId, Answer),
}

impl Payments {
    /// Payments over `parts`, collected by `psps`.
    pub fn new(parts: Parts, psps: PspAccounts) -> Self {
        let gate = Arc::new(Semaphore::new(parts.rules.in_flight));
        Self {
            parts: Arc::new(parts),
            psps,
            gate,
        }
    }

    /// Makes a payment, and collects it if the instrument is known or the PSP needs none.
    pub async fn create(&self, ask: Ask, pay: Pay) -> Result<Reply, Problem> {
        if let Some(replay) = self.finished(&ask).await? {
            return Ok(replay);
        }
        let psp = self.psps.of(&ask.caller.tenant).await?;
        let start = pay.payment_key.is_some() || !psp.needs_window();
        let payment = new_payment(
            &ask,
            pay,
            if start {
                State::InProgress
            } else {
                State::Ready
            },
        );
        self.carry_out(Intent::Create(Box::new(payment)), ask, psp)
            .await
    }

    /// Collects a READY payment with the window's result.
    pub async fn confirm(
        &self,
        ask: Ask,
        id: PaymentId,
        payment_key: String,
    ) -> Result<Reply, Problem> {
        if let Some(replay) = self.finished(&ask).await? {
            return Ok(replay);
        }
        let psp = self.psps.of(&ask.caller.tenant).await?;
        self.carry_out(Intent::Confirm { id, payment_key }, ask, psp)
            .await
    }

    /// One payment.
    pub async fn get(&self, tenant: &TenantId, id: PaymentId) -> Result<Option<Payment>, DbError> {
        let mut tx = self.parts.db.tenant(tenant).await?;
        let payment = sql::by_id(&mut tx, tenant, id).await?;
        tx.commit().await?;
        Ok(payment)
    }

    /// Payments older than `before`, newest first, of one order or in one state if said.
    pub async fn list(&self, tenant: &TenantId, asked: Listing) -> Result<Vec<Payment>, DbError> {
        let filter = sql::Filter {
            before: asked.before,
            order: asked.order,
            state: asked.state,
            limit: asked.limit,
        };
        let mut tx = self.parts.db.tenant(tenant).await?;
        let payments = sql::list(&mut tx, tenant, &filter).await?;
        tx.commit().await?;
        Ok(payments)
    }

    /// Every move of a payment; `None` if there is no such payment.
    pub async fn trail(
        &self,
        tenant: &TenantId,
        id: PaymentId,
    ) -> Result<Option<Vec<Record>>, DbError> {
        let mut tx = self.parts.db.tenant(tenant).await?;
        let records = audit::trail(&mut tx, tenant, id.0).await?;
        tx.commit().await?;
        // A payment is made with its first record, so no record means no payment.
        Ok(Some(records).filter(|records| !records.is_empty()))
    }

    /// Waits until no command runs, at most `patience`; new ones are refused from now on.
    pub async fn drain(&self, patience: Duration) {
        let all = u32::try_from(self.parts.rules.in_flight).unwrap_or(u32::MAX);
        let drained = tokio::time::timeout(patience, self.gate.acquire_many(all)).await;
        if drained.is_err() {
            tracing::warn!(
                "payments were still in flight at the end; another process settles them"
            );
        }
        self.gate.close();
    }

    /// Commands running now.
    pub fn in_flight(&self) -> usize {
        self.parts.rules.in_flight - self.gate.available_permits()
    }

    async fn finished(&self, ask: &Ask) -> Result<Option<Reply>, Problem> {
        let Some(finished) = self.parts.answers.get(&ask.caller.tenant, &ask.key).await else {
            return Ok(None);
        };
        self.parts.metrics.replays.inc();
        finished
            .replay(&ask.fingerprint)
            .map(|answer| Some(Reply::Replay(answer)))
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.gate
            .clone()
            .try_acquire_owned()
            .map_err(|_| Problem::new(Code::Overloaded).retry_after(1))
    }

    /// Runs a command in its own task and waits for it, not for ever.
    async fn carry_out(
        &self,
        intent: Intent,
        ask: Ask,
        psp: Arc<dyn crate::psp::Psp>,
    ) -> Result<Reply, Problem> {
        let running = self.parts.answers.run(&ask.caller.tenant, &ask.key)?;
        let permit = self.permit()?;
        let (tell_started, started) = oneshot::channel();
        let (payments, meta) = (self.clone(), ask.meta.clone());
        let mut command = tokio::spawn(async move {
            let _held_until_the_end = (running, permit);
            match payments.open(intent, &ask).await? {
                Opened::Answered(reply) => Ok(reply),
                Opened::Started(payment) => {
                    // Nobody listens if the client has gone; the command goes on regardless.
                    let _ = tell_started.send(payment.clone());
                    payments.collect(*payment, &ask, psp).await
                }
            }
        });
        let finish = |joined: Result<Result<Reply, Problem>, tokio::task::JoinError>| {
            joined.unwrap_or_else(|panicked| Err(Problem::new(Code::Internal).because(panicked)))
        };
        let payment = tokio::select! {
            joined = &mut command => return finish(joined),
            Ok(payment) = started => payment,
        };
        match tokio::time::timeout(self.parts.rules.answer_within, &mut command).await {
            Ok(joined) => finish(joined),
            Err(_) => Ok(Reply::Later(payment.id, answer(&payment, &meta))),
        }
    }
}

/// Which payments to list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Older than this.
    pub before: Option<PaymentId>,
    /// Of this order.
    pub order: Option<Reference>,
    /// In this state.
    pub state: Option<State>,
    /// At most so many.
    pub limit: u16,
}

fn new_payment(ask: &Ask, pay: Pay, state: State) -> Payment {
    let now = ask.meta.at;
    Payment {
        id: PaymentId::fresh(now),
        order: OrderId::fresh(now),
        order_reference: pay.reference,
        state,
        version: 1,
        money: pay.money,
        method: pay.method,
        metadata: pay.metadata,
        payment_key: pay.payment_key,
        attempt: AttemptId::fresh(now),
        idempotency_key: ask.key.as_str().to_owned(),
        trace_id: ask.meta.trace_id.to_string(),
        refusal: None,
        approved_at: None,
        created_at: now,
        updated_at: now,
        next_look_up: None,
        open_since: Some(now),
    }
}
