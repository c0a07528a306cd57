//! Follows what a PSP told us unasked. A hint settles nothing: it makes us ask now instead of later.

use super::Payments;
use crate::db::DbError;
use crate::id::PaymentId;
use crate::payment::metrics::Alarm;
use crate::payment::{State, sql};
use crate::psp::{Found, webhook};
use crate::saga::Claim;

impl Payments {
    /// Follows the claimed webhook. It is marked as followed last: after a crash it is followed again.
    pub async fn follow(&self, claim: &Claim) -> Result<(), DbError> {
        let tenant = &claim.tenant;
        let mut tx = self.parts.db.tenant(tenant).await?;
        let hint = webhook::hint(&mut tx, tenant, claim.id).await?;
        let about = match &hint {
            Some(hint) => sql::by_payment_key(&mut tx, tenant, &hint.payment_key).await?,
            None => None,
        };
        match about {
            Some((id, State::Failed)) => {
                tx.commit().await?;
                return self.follow_to_a_failure(claim, id).await;
            }
            // The PSP was quicker here than on the line that waits for its answer. Whether the hint agrees
            // with that answer is seen when it is known: when this lease ends.
            Some((_, State::InProgress)) => return tx.commit().await,
            _ => {}
        }
        let hastened = match about {
            Some((id, State::Unknown)) => sql::hasten(&mut tx, tenant, id).await? == 1,
            _ => false,
        };
        let outcome = match about {
            None => "about no payment of ours",
            Some(_) if hastened => "made a look-up due",
            Some(_) => "nothing new",
        };
        webhook::followed(&mut tx, tenant, claim.id, outcome).await?;
        tx.commit().await?;
        if hastened {
            self.parts.wake.ring();
        }
        Ok(())
    }

    /// A payment we hold for failed, and the PSP has news about it: money there that is not booked
    /// here would break the first promise of this service, so the truth is asked and said aloud. A PSP that
    /// cannot say is asked again when the lease ends.
    async fn follow_to_a_failure(&self, claim: &Claim, id: PaymentId) -> Result<(), DbError> {
        let tenant = &claim.tenant;
        let known = (self.get(tenant, id).await?, self.psps.of(tenant).await);
        if let (Some(payment), Ok(psp)) = known {
            match psp.look_up(&payment.charge()).await {
                Found::Doubt(_) => return Ok(()),
                Found::Done(_) | Found::PartlyCancelled => self.parts.metrics.alarm(
                    Alarm::ApprovedElsewhere,
                    &id.to_string(),
                    "FAILED here, money at the PSP",
                ),
                Found::Ended(_) | Found::Open | Found::Nothing => {}
            }
        }
        let mut tx = self.parts.db.tenant(tenant).await?;
        webhook::followed(&mut tx, tenant, claim.id, "about a failed payment").await?;
        tx.commit().await
    }
}
