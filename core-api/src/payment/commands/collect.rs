//! "Ask the PSP, record the outcome, answer": phase 2, for a request and for a look-up alike.

use super::{Ask, Payments, Reply, answer};
use crate::clock::Timestamp;
use crate::db::DbError;
use crate::event::Event;
use crate::http::idempotency::Finished;
use crate::http::{Problem, RequestMeta};
use crate::id::{self, TenantId};
use crate::ledger::Transfer;
use crate::order;
use crate::payment::metrics::Alarm;
use crate::payment::resolution::pause;
use crate::payment::sql::{self, Outcome, Postponement};
use crate::payment::state::Event as Move;
use crate::payment::{Payment, answer::event_data};
use crate::psp::{Charge, Confirmed, Found, Mismatch, Psp, Receipt, Refusal};
use crate::saga::LEASE;
use std::sync::Arc;
use std::time::Duration;

/// The fence of a saga row that nobody has claimed since phase 1 wrote it.
const FIRST_FENCE: i64 = 1;
/// Pauses before connecting again when no connection could be made: nothing was sent, so this is
/// safe. Together well below the time a caller waits.
const RECONNECT: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(600)];
/// The pause between tries to write an outcome while the database is away.
const REWRITE_EVERY: Duration = Duration::from_millis(500);

/// An open payment in our hands.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) tenant: TenantId,
    pub(super) payment: Payment,
    /// Our claim on its saga row.
    pub(super) fence: i64,
    /// Look-ups made.
    pub(super) tries: u32,
    pub(super) psp: Arc<dyn Psp>,
}

/// Whether a confirm is the first of its attempt. After doubt, "not sent" and "not accepted" say
/// nothing about the one that was sent before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    First,
    Again,
}

impl Payments {
    /// Collects a started payment and answers its request.
    pub(super) async fn collect(
        &self,
        payment: Payment,
        ask: &Ask,
        psp: Arc<dyn Psp>,
    ) -> Result<Reply, Problem> {
        let case = Case {
            tenant: ask.caller.tenant.clone(),
            payment,
            fence: FIRST_FENCE,
            tries: 0,
            psp,
        };
        let confirmed = reach(case.psp.as_ref(), &case.payment.charge()).await;
        let after = self.conclude(&case, confirmed, Asked::First).await?;
        let answer = answer(
            &after,
            &RequestMeta {
                trace_id: ask.meta.trace_id.clone(),
                at: after.updated_at,
            },
        );
        if after.state.is_open() {
            return Ok(Reply::Later(after.id, answer));
        }
        let finished = Finished {
            fingerprint: ask.fingerprint,
            answer: answer.clone(),
        };
        self.parts
            .answers
            .put(&case.tenant, &ask.key, finished)
            .await;
        Ok(Reply::Fresh(answer))
    }

    /// From what a confirm let us know to what is recorded.
    pub(super) async fn conclude(
        &self,
        case: &Case,
        confirmed: Confirmed,
        asked: Asked,
    ) -> Result<Payment, DbError> {
        match confirmed {
            Confirmed::Approved(receipt) => match receipt.check(&case.payment.charge()) {
                Ok(()) => self.approve(case, receipt, "approved by the PSP").await,
                Err(mismatch) => {
                    self.raise(case, mismatch, &receipt);
                    self.wait(case, format!("the PSP's answer does not match: {mismatch}"))
                        .await
                }
            },
            Confirmed::Refused(refusal @ (Refusal::Unreachable | Refusal::Misconfigured))
                if asked == Asked::Again =>
            {
                self.wait(
                    case,
                    format!("could not repeat the confirm: {}", refusal.as_str()),
                )
                .await
            }
            Confirmed::Refused(refusal) => self.fail(case, refusal, "refused by the PSP").await,
            Confirmed::Unconfirmable(refusal) => self.conclude_unconfirmable(case, refusal).await,
            Confirmed::Doubt(why) => self.wait(case, why).await,
        }
    }

    /// The PSP will not confirm this session: was it collected by an earlier call of ours?
    async fn conclude_unconfirmable(
        &self,
        case: &Case,
        refusal: Refusal,
    ) -> Result<Payment, DbError> {
        let charge = case.payment.charge();
        match (case.psp.look_up(&charge).await, refusal) {
            (Found::Done(receipt), _) if receipt.check(&charge).is_ok() => {
                self.approve(case, receipt, "found at the PSP").await
            }
            (Found::Ended(refusal), _) => self.fail(case, refusal, "ended at the PSP").await,
            // Still unconfirmed: the order was spent by another session, and this one never will be.
            (Found::Nothing, _) | (Found::Open, Refusal::OrderSpent) => {
                self.fail(case, refusal, "not confirmable at the PSP").await
            }
            (other, _) => {
                let why = format!("{}, look-up says {other:?}", refusal.as_str());
                self.wait(case, why).await
            }
        }
    }

    /// Records that the PSP took exactly our money.
    pub(super) async fn approve(
        &self,
        case: &Case,
        receipt: Receipt,
        reason: &str,
    ) -> Result<Payment, DbError> {
        let Some((state, now)) = self.step(case, Move::Approve) else {
            return Ok(case.payment.clone());
        };
        let after = Payment {
            state,
            version: case.payment.version + 1,
            payment_key: Some(receipt.payment_key),
            approved_at: Some(receipt.approved_at),
            updated_at: now,
            next_look_up: None,
            ..case.payment.clone()
        };
        let transfer = Transfer::approval(after.money);
        self.settle(case, after, Some(transfer), reason).await
    }

    /// Records that no money moved.
    pub(super) async fn fail(
        &self,
        case: &Case,
        refusal: Refusal,
        reason: &str,
    ) -> Result<Payment, DbError> {
        let Some((state, now)) = self.step(case, Move::Fail) else {
            return Ok(case.payment.clone());
        };
        let after = Payment {
            state,
            version: case.payment.version + 1,
            refusal: Some(refusal),
            updated_at: now,
            next_look_up: None,
            ..case.payment.clone()
        };
        self.settle(case, after, None, reason).await
    }

    /// Leaves the outcome open until the next look-up of the schedule.
    pub(super) async fn wait(&self, case: &Case, reason: String) -> Result<Payment, DbError> {
        let age = case
            .payment
            .open_since
            .map(|since| self.parts.clock.now().since(since))
            .unwrap_or_default();
        let pause = pause(&self.parts.rules.look_ups, case.tries, age);
        self.wait_for(case, pause, reason).await
    }

    /// Leaves the outcome open for `pause`.
    pub(super) async fn wait_for(
        &self,
        case: &Case,
        pause: Duration,
        reason: String,
    ) -> Result<Payment, DbError> {
        let Some((state, now)) = self.step(case, Move::Doubt) else {
            return Ok(case.payment.clone());
        };
        tracing::warn!(payment = %case.payment.id, reason, "the outcome of a payment is not known");
        let moves = i32::from(state != case.payment.state);
        let after = Payment {
            state,
            version: case.payment.version + moves,
            updated_at: now,
            ..case.payment.clone()
        };
        let event = event_of(&after, now);
        let postponement = Postponement {
            from: case.payment.state,
            fence: case.fence,
            event,
            reason,
            pause,
            now,
            after,
        };
        let due = self
            .persist(|| self.try_postpone(&case.tenant, &postponement))
            .await?;
        match due {
            Some(due) => {
                self.parts
                    .metrics
                    .outcomes
                    .with_label_values(&[state.as_str()])
                    .inc();
                self.parts.wake.ring();
                Ok(Payment {
                    next_look_up: Some(due),
                    ..postponement.after
                })
            }
            None => self.reload(case).await,
        }
    }

    /// Says that the PSP contradicts us.
    pub(super) fn raise(&self, case: &Case, mismatch: Mismatch, receipt: &Receipt) {
        let alarm = match mismatch {
            Mismatch::OtherAmount => Alarm::AmountMismatch,
            Mismatch::OtherPayment => Alarm::OtherPayment,
        };
        let took = receipt
            .money
            .map_or("no valid amount".to_owned(), |money| money.to_string());
        let detail = format!(
            "asked {}, PSP says {took} under {}",
            case.payment.money, receipt.payment_key
        );
        self.parts
            .metrics
            .alarm(alarm, &case.payment.id.to_string(), &detail);
    }

    async fn settle(
        &self,
        case: &Case,
        after: Payment,
        transfer: Option<Transfer>,
        reason: &str,
    ) -> Result<Payment, DbError> {
        let now = after.updated_at;
        let meta = RequestMeta {
            trace_id: after.trace_id.as_str().into(),
            at: now,
        };
        let outcome = Outcome {
            from: case.payment.state,
            fence: case.fence,
            answer: answer(&after, &meta),
            event: event_of(&after, now),
            order_paid: order::commands::paid(
                after.order,
                &after.order_reference,
                after.money,
                &meta,
            ),
            reason: reason.to_owned(),
            transfer,
            now,
            after,
        };
        if self
            .persist(|| self.try_settle(&case.tenant, &outcome))
            .await?
        {
            self.parts
                .metrics
                .outcomes
                .with_label_values(&[outcome.after.state.as_str()])
                .inc();
            return Ok(outcome.after);
        }
        self.reload(case).await
    }

    async fn try_settle(&self, tenant: &TenantId, outcome: &Outcome) -> Result<bool, DbError> {
        let mut tx = self.parts.db.tenant(tenant).await?;
        let moved = sql::settle(&mut tx, tenant, outcome).await?;
        tx.commit().await?;
        Ok(moved)
    }

    async fn try_postpone(
        &self,
        tenant: &TenantId,
        postponement: &Postponement,
    ) -> Result<Option<Timestamp>, DbError> {
        let mut tx = self.parts.db.tenant(tenant).await?;
        let due = sql::postpone(&mut tx, tenant, postponement).await?;
        tx.commit().await?;
        Ok(due)
    }

    /// Writes what the PSP said for as long as our lease lasts: it is known here and nowhere else.
    /// A write whose COMMIT was not answered is repeated; its guards make the second one do nothing.
    async fn persist<T, F>(&self, mut write: impl FnMut() -> F) -> Result<T, DbError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let since = self.parts.clock.now();
        loop {
            match write().await {
                Err(error)
                    if error.is_transient() && self.parts.clock.now().since(since) < LEASE =>
                {
                    tracing::warn!(%error, "an outcome could not be written; tried again");
                    tokio::time::sleep(REWRITE_EVERY).await;
                }
                done => return done,
            }
        }
    }

    /// What the payment is, when our write found it settled or claimed by another.
    async fn reload(&self, case: &Case) -> Result<Payment, DbError> {
        let found = self.get(&case.tenant, case.payment.id).await?;
        found.ok_or(DbError::Defect(sqlx::Error::RowNotFound))
    }

    /// The state `event` leads to, and the present; `None` if the payment is settled.
    fn step(&self, case: &Case, event: Move) -> Option<(crate::payment::State, Timestamp)> {
        Some((case.payment.state.next(event).ok()?, self.parts.clock.now()))
    }
}

fn event_of(after: &Payment, now: Timestamp) -> Event {
    Event {
        id: id::fresh(now),
        kind: after.state.event_kind(),
        data: event_data(after),
    }
}

/// Asks the PSP to collect; connects again if no connection could be made.
async fn reach(psp: &dyn Psp, charge: &Charge) -> Confirmed {
    for pause in RECONNECT {
        match psp.confirm(charge).await {
            Confirmed::Refused(Refusal::Unreachable) => tokio::time::sleep(pause).await,
            known => return known,
        }
    }
    psp.confirm(charge).await
}
