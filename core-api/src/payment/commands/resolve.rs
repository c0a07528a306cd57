//! Finishes what a request left open: an answer that was lost, or a process that died.

use super::Payments;
use super::collect::{Asked, Case};
use crate::db::DbError;
use crate::id::PaymentId;
use crate::payment::metrics::Alarm;
use crate::payment::resolution::{Step, decide};
use crate::payment::{Payment, sql};
use crate::psp::{Charge, Mismatch, Receipt, Refusal, Returned};
use crate::saga::Claim;
use std::time::Duration;

/// Between look-ups of a payment that a person has to look at.
const PARKED: Duration = Duration::from_secs(5 * 60);

impl Payments {
    /// Asks the PSP what became of a claimed payment and records it.
    pub async fn resolve(&self, claim: &Claim) -> Result<(), DbError> {
        let id = PaymentId(claim.id);
        let Some(payment) = self
            .get(&claim.tenant, id)
            .await?
            .filter(|payment| payment.state.is_open())
        else {
            // Settled in the moment between claim and read; nothing is left to do.
            let mut tx = self.parts.db.tenant(&claim.tenant).await?;
            sql::drop_step(&mut tx, &claim.tenant, id).await?;
            return tx.commit().await;
        };
        let psp = match self.psps.of(&claim.tenant).await {
            Ok(psp) => psp,
            Err(error) => {
                // The lease ends by itself and the step is found again.
                tracing::error!(%error, payment = %id, "a payment cannot be looked up without its PSP account");
                return Ok(());
            }
        };
        let case = Case {
            tenant: claim.tenant.clone(),
            payment,
            fence: claim.fence,
            tries: claim.tries,
            psp,
        };
        let found = case.psp.look_up(&case.payment.charge()).await;
        let age = case
            .payment
            .open_since
            .map(|since| self.parts.clock.now().since(since))
            .unwrap_or_default();
        let step = decide(
            &case.payment.charge(),
            found,
            age,
            self.parts.rules.psp_answer,
        );
        self.take(&case, step).await.map(drop)
    }

    async fn take(&self, case: &Case, step: Step) -> Result<Payment, DbError> {
        match step {
            Step::Approve(receipt) => self.approve(case, receipt, "found at the PSP").await,
            Step::Fail(refusal) => self.fail(case, refusal, "ended at the PSP").await,
            Step::Resend => self.confirm_again(case, 0).await,
            Step::ResendAnew => self.confirm_again(case, case.tries).await,
            Step::GiveBack(receipt) => self.give_back(case, receipt).await,
            Step::Park(why) => {
                self.parts
                    .metrics
                    .alarm(Alarm::Parked, &case.payment.id.to_string(), why);
                self.wait_for(case, PARKED, why.to_owned()).await
            }
            Step::Wait(why) => self.wait(case, why).await,
        }
    }

    async fn confirm_again(&self, case: &Case, round: u32) -> Result<Payment, DbError> {
        let charge = Charge {
            round,
            ..case.payment.charge()
        };
        let confirmed = case.psp.confirm(&charge).await;
        self.conclude(case, confirmed, Asked::Again).await
    }

    /// The payment is ours but the amount is not: the customer never agreed to it.
    async fn give_back(&self, case: &Case, receipt: Receipt) -> Result<Payment, DbError> {
        self.raise(case, Mismatch::OtherAmount, &receipt);
        match case
            .psp
            .give_back(&case.payment.charge(), &receipt.payment_key)
            .await
        {
            Returned::Done => {
                self.fail(
                    case,
                    Refusal::AmountMismatch,
                    "another amount was taken and given back",
                )
                .await
            }
            Returned::Doubt(why) => {
                self.wait(case, format!("could not give another amount back: {why}"))
                    .await
            }
        }
    }
}
