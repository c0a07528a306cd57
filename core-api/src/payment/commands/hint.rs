//! Follows what a PSP told us unasked. A hint settles nothing: it makes us ask now instead of later.

use super::Payments;
use crate::db::DbError;
use crate::payment::metrics::Alarm;
use crate::payment::{State, sql};
use crate::psp::{Found, webhook};
use crate::saga::Claim;

impl Payments {
    /// Follows the claimed webhook.
    pub async fn follow(&self, claim: &Claim) -> Result<(), DbError> {
        let tenant = &claim.tenant;
        let mut tx = self.parts.db.tenant(tenant).await?;
        let hint = webhook::hint(&mut tx, tenant, claim.id).await?;
        let about = match &hint {
            Some(hint) => sql::by_payment_key(&mut tx, tenant, &hint.payment_key).await?,
            None => None,
        };
        let outcome = match about {
            None => "about no payment of ours",
            Some((id, State::Unknown)) if sql::hasten(&mut tx, tenant, id).await? == 1 => {
                "made a look-up due"
            }
            Some((_, State::Failed)) => "about a failed payment",
            Some(_) => "nothing new",
        };
        webhook::followed(&mut tx, tenant, claim.id, outcome).await?;
        tx.commit().await?;
        if outcome == "made a look-up due" {
            self.parts.wake.ring();
        }
        if let Some((id, State::Failed)) = about {
            self.doubt_failure(claim, id).await?;
        }
        Ok(())
    }

    /// A payment we hold for failed, and the PSP has news about it: money there that is not booked
    /// here would break the first promise of this service, so the truth is asked and said aloud.
    async fn doubt_failure(&self, claim: &Claim, id: crate::id::PaymentId) -> Result<(), DbError> {
        let (Some(payment), Ok(psp)) = (
            self.get(&claim.tenant, id).await?,
            self.psps.of(&claim.tenant).await,
        ) else {
            return Ok(());
        };
        if let Found::Done(receipt) = psp.look_up(&payment.charge()).await
            && receipt.check(&payment.charge()).is_ok()
        {
            self.parts.metrics.alarm(
                Alarm::ApprovedElsewhere,
                &id.to_string(),
                "FAILED here, DONE at the PSP",
            );
        }
        Ok(())
    }
}
