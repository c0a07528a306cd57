//! "Seen before?" and "record intent": phase 1.

use super::{Ask, Payments, Reply, answer};
use crate::db::DbError;
use crate::event::Event;
use crate::http::{Code, Problem};
use crate::id::{self, PaymentId};
use crate::order::{self, Order};
use crate::payment::sql::{self, Opening, Refused};
use crate::payment::state::{Event as Move, State};
use crate::payment::{Payment, answer::event_data};
use std::time::Duration;

/// The pause before phase 1 is tried once more, when the database could not be asked.
const SECOND_TRY_AFTER: Duration = Duration::from_millis(250);

/// What a request wants begun.
pub(super) enum Intent {
    /// A new payment, as it is to be written.
    Create(Box<Payment>),
    /// A READY one, with the window's result.
    Confirm { id: PaymentId, payment_key: String },
}

/// What phase 1 came to.
pub(super) enum Opened {
    /// The intent is durable and ours to carry on.
    Started(Box<Payment>),
    /// There is nothing to carry on.
    Answered(Reply),
}

/// Phase 1 is tried twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Try {
    First,
    Second,
}

/// Why phase 1 did not begin.
enum Unopened {
    Database(DbError),
    Refused(Problem),
}

impl From<DbError> for Unopened {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Payments {
    /// Records the intent. Tried twice: a lost answer to COMMIT is told from a lost transaction by
    /// the key's row, which names our payment if it was written.
    pub(super) async fn open(&self, intent: Intent, ask: &Ask) -> Result<Opened, Problem> {
        let opened = match self.try_open(&intent, ask, Try::First).await {
            Err(Unopened::Database(error)) if error.is_transient() => {
                tracing::warn!(%error, "phase 1 is tried again");
                tokio::time::sleep(SECOND_TRY_AFTER).await;
                self.try_open(&intent, ask, Try::Second).await
            }
            other => other,
        };
        opened.map_err(|unopened| match unopened {
            Unopened::Refused(problem) => problem,
            Unopened::Database(error) => error.into(),
        })
    }

    async fn try_open(&self, intent: &Intent, ask: &Ask, which: Try) -> Result<Opened, Unopened> {
        match intent {
            Intent::Create(payment) => self.begin(payment, ask).await,
            Intent::Confirm { id, payment_key } => {
                // What the first try may have written is told from another request's by having lost
                // its answer. Should both go on, the PSP sees one attempt's key and one fence settles.
                let ours = (which == Try::Second).then_some(*id);
                self.begin_confirm(*id, payment_key, ask, ours).await
            }
        }
    }

    async fn begin(&self, payment: &Payment, ask: &Ask) -> Result<Opened, Unopened> {
        let tenant = &ask.caller.tenant;
        let order_made = order::commands::created(
            payment.order,
            &payment.order_reference,
            payment.money,
            &ask.meta,
        );
        let mut tx = self.parts.db.tenant(tenant).await?;
        match sql::begin(
            &mut tx,
            tenant,
            payment,
            &self.opening(payment, ask),
            &order_made,
        )
        .await
        {
            Ok(Ok(())) => {
                tx.commit().await?;
                self.parts
                    .metrics
                    .outcomes
                    .with_label_values(&[payment.state.as_str()])
                    .inc();
                Ok(match payment.state {
                    State::Ready => Opened::Answered(Reply::Fresh(answer(payment, &ask.meta))),
                    _ => Opened::Started(Box::new(payment.clone())),
                })
            }
            Ok(Err(Refused::KeySeen)) => {
                tx.rollback().await?;
                self.answer_seen(ask, Some(payment.id)).await
            }
            Ok(Err(_)) => {
                tx.rollback().await?;
                self.refuse(payment, ask).await
            }
            Err(error) => {
                let taken = error.is_constraint("payment_one_live_per_order");
                tx.rollback().await?;
                if taken {
                    self.refuse(payment, ask).await
                } else {
                    Err(unopened(error))
                }
            }
        }
    }

    async fn begin_confirm(
        &self,
        id: PaymentId,
        payment_key: &str,
        ask: &Ask,
        ours: Option<PaymentId>,
    ) -> Result<Opened, Unopened> {
        let tenant = &ask.caller.tenant;
        let mut tx = self.parts.db.tenant(tenant).await?;
        let Some(before) = sql::by_id(&mut tx, tenant, id).await? else {
            tx.rollback().await?;
            return Err(Unopened::Refused(Problem::new(Code::NotFound)));
        };
        let Ok(state) = before.state.next(Move::Start) else {
            tx.rollback().await?;
            // Perhaps started by this very request.
            return self.answer_seen(ask, ours).await;
        };
        let after = Payment {
            state,
            version: before.version + 1,
            payment_key: Some(payment_key.to_owned()),
            idempotency_key: ask.key.as_str().to_owned(),
            trace_id: ask.meta.trace_id.to_string(),
            updated_at: ask.meta.at,
            open_since: Some(ask.meta.at),
            ..before
        };
        match sql::confirm(&mut tx, tenant, &after, &self.opening(&after, ask)).await {
            Ok(Ok(())) => {
                tx.commit().await?;
                self.parts
                    .metrics
                    .outcomes
                    .with_label_values(&[state.as_str()])
                    .inc();
                Ok(Opened::Started(Box::new(after)))
            }
            Ok(Err(Refused::KeySeen)) => {
                tx.rollback().await?;
                self.answer_seen(ask, ours).await
            }
            Ok(Err(_)) => {
                tx.rollback().await?;
                Err(not_confirmable(id))
            }
            Err(error) => {
                let taken = error.is_constraint("payment_one_live_per_order");
                tx.rollback().await?;
                if taken {
                    self.refuse(&after, ask).await
                } else {
                    Err(unopened(error))
                }
            }
        }
    }

    fn opening(&self, payment: &Payment, ask: &Ask) -> Opening {
        let event = Event {
            id: id::fresh(ask.meta.at),
            kind: payment.state.event_kind(),
            data: event_data(payment),
        };
        Opening {
            key: ask.key.clone(),
            fingerprint: ask.fingerprint,
            actor: ask.caller.key.to_string(),
            holder: self.parts.holder,
            now: ask.meta.at,
            event,
        }
    }

    /// Answers a request whose key has a row. `ours` is the payment this command would have made.
    async fn answer_seen(&self, ask: &Ask, ours: Option<PaymentId>) -> Result<Opened, Unopened> {
        let tenant = &ask.caller.tenant;
        let mut tx = self.parts.db.tenant(tenant).await?;
        let seen = sql::seen(&mut tx, tenant, &ask.key).await?;
        let payment = match &seen {
            Some(seen) => sql::by_id(&mut tx, tenant, seen.payment).await?,
            None => None,
        };
        tx.commit().await?;
        let Some((seen, payment)) = seen.zip(payment) else {
            return Err(Unopened::Refused(Problem::new(Code::PaymentNotConfirmable)));
        };
        if seen.fingerprint != ask.fingerprint {
            return Err(Unopened::Refused(
                Problem::new(Code::IdempotencyKeyReused).about_payment(payment.id),
            ));
        }
        if let Some(finished) = seen.finished() {
            self.parts.metrics.replays.inc();
            self.parts
                .answers
                .put(tenant, &ask.key, finished.clone())
                .await;
            return Ok(Opened::Answered(Reply::Replay(finished.answer)));
        }
        match payment.state {
            // Written by our first try, whose answer was lost.
            State::InProgress if ours == Some(payment.id) => Ok(Opened::Started(Box::new(payment))),
            State::InProgress => {
                let problem = Problem::new(Code::IdempotencyInFlight)
                    .about_payment(payment.id)
                    .retry_after(1);
                Err(Unopened::Refused(problem))
            }
            _ => {
                self.parts.metrics.replays.inc();
                Ok(Opened::Answered(Reply::Replay(answer(&payment, &ask.meta))))
            }
        }
    }

    /// Says why an order does not take this payment.
    async fn refuse(&self, payment: &Payment, ask: &Ask) -> Result<Opened, Unopened> {
        let tenant = &ask.caller.tenant;
        let mut tx = self.parts.db.tenant(tenant).await?;
        let order = order::commands::find(&mut tx, tenant, &payment.order_reference).await?;
        tx.commit().await?;
        let (code, detail) = match order {
            Some(Order { state, .. }) if state != order::state::PAYABLE => (
                Code::OrderNotPayable,
                format!("The order is {}.", state.as_str()),
            ),
            Some(Order { money, .. }) if money != payment.money => {
                (Code::OrderConflict, format!("The order is for {money}."))
            }
            _ => {
                return Err(Unopened::Refused(
                    Problem::new(Code::PaymentInProgress)
                        .about_order(&payment.order_reference)
                        .retry_after(2),
                ));
            }
        };
        Err(Unopened::Refused(
            Problem::new(code)
                .detail(detail)
                .about_order(&payment.order_reference),
        ))
    }
}

fn not_confirmable(id: PaymentId) -> Unopened {
    Unopened::Refused(Problem::new(Code::PaymentNotConfirmable).about_payment(id))
}

fn unopened(error: DbError) -> Unopened {
    if error.is_constraint("payment_key_is_used_once") {
        return Unopened::Refused(Problem::new(Code::PaymentKeyUsed));
    }
    Unopened::Database(error)
}
