//! Bringing a purchase to its end: asks the till and writes down the answer.
//!
//! Two callers, one path: the success page, and the caretaker for buyers who closed the tab.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::Shop;
use crate::shelf::{Purchase, State};
use crate::till::Outcome;

/// How often the caretaker looks around.
const ROUND: Duration = Duration::from_secs(1);

/// Asks the core about a purchase that is confirming and gives it back as it then stands. Runs in
/// its own task: a buyer who closes the tab does not keep the outcome from being written down.
pub async fn settle(
    shop: &Arc<Shop>,
    purchase: Purchase,
    visitor: Option<IpAddr>,
) -> Result<Purchase, sqlx::Error> {
    if purchase.state != State::Confirming {
        return Ok(purchase);
    }
    let shop = Arc::clone(shop);
    let settling = tokio::spawn(async move {
        match shop.till.pay(&purchase, visitor).await {
            Outcome::Approved { payment_id } => shop.shelf.paid(&purchase.id, &payment_id).await?,
            Outcome::Refused { code } => shop.shelf.failed(&purchase.id, &code).await?,
            Outcome::Open => return Ok(purchase),
        }
        let settled = shop.shelf.find(&purchase.id).await?;
        Ok(settled.unwrap_or(purchase))
    });
    settling.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// Gives back overdue holds and settles what buyers left open, until asked to stop.
pub async fn caretaker(shop: Arc<Shop>, mut stop: watch::Receiver<bool>) {
    let mut round = tokio::time::interval(ROUND);
    loop {
        tokio::select! {
            _ = round.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = look_around(&shop).await {
            // The next round tries again; visitors see the database's state for themselves.
            tracing::warn!(%error, "the caretaker could not look around");
        }
    }
}

async fn look_around(shop: &Arc<Shop>) -> Result<(), sqlx::Error> {
    shop.shelf.release_overdue().await?;
    for purchase in shop.shelf.due().await? {
        settle(shop, purchase, None).await?;
    }
    Ok(())
}
