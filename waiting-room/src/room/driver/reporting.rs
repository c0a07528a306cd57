//! What each gateway tells the fleet of the origin: how it does, and what it has left to sell.

use std::time::Duration;

use super::Driver;
use crate::{
    adaptive::Health,
    orders::{Order, STOCK_OF_GATEWAY, Word},
    snapshot::Snapshot,
    store::StoreError,
    value::Timestamp,
};

/// What this gateway has reported.
#[derive(Debug, Default)]
pub(super) struct Reported {
    at: Option<Timestamp>,
    stock: Option<(u64, Timestamp)>,
}

impl Driver {
    /// Reports what was seen since the last step.
    pub(super) async fn report(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.report_stock().await?;
        let since = self.reported.at.replace(now);
        let Some(since) = since.filter(|since| *since < now) else {
            return Ok(());
        };
        let health = self.inner.meter.take(now.since(since));
        self.inner.measured(&health);
        if self.inner.rules.adaptive().is_none() {
            return Ok(());
        }
        let mut report = now.0.to_be_bytes().to_vec();
        report.extend(since.0.to_be_bytes());
        report.extend(health.encode());
        self.inner.store.report(&report).await
    }

    async fn report_stock(&mut self) -> Result<(), StoreError> {
        let said = self
            .inner
            .heirlooms
            .stock
            .load()
            .as_ref()
            .map(|stock| **stock);
        let Some((remaining, at)) = said.filter(|said| Some(*said) != self.reported.stock) else {
            return Ok(());
        };
        let order = Order {
            id: 0,
            at: at.0,
            by: "origin".into(),
            word: Word::Stock {
                remaining: Some(remaining),
            },
        };
        // Each gateway keeps what it heard last in a place of its own; whoever reads takes the newest.
        let place = format!("{STOCK_OF_GATEWAY}{:016x}", self.inner.gateway.0);
        self.inner
            .store
            .order(&place, Some(&order.encode()))
            .await?;
        self.reported.stock = said;
        Ok(())
    }

    /// The fleet's view of the origin over the window that the limit asks for, and how long that is.
    pub(super) async fn health(
        &self,
        picture: &Snapshot,
        now: Timestamp,
    ) -> Result<Option<(Health, Duration)>, StoreError> {
        if self.inner.rules.adaptive().is_none() {
            return Ok(None);
        }
        let Some(limit) = picture.line.adaptive else {
            return Ok(None);
        };
        let from = limit.health_from(now);
        let (mut health, mut begun) = (Health::default(), now);
        for report in self.inner.store.reports().await? {
            let Some((until, since, seen)) = read(&report) else {
                continue;
            };
            // Whole reports only.
            if since >= from && until <= now {
                health.merge(&seen);
                begun = begun.min(since);
            }
        }
        Ok(Some((health, now.since(begun))))
    }
}

fn read(report: &[u8]) -> Option<(Timestamp, Timestamp, Health)> {
    let (until, rest) = report.split_first_chunk::<8>()?;
    let (since, rest) = rest.split_first_chunk::<8>()?;
    let time = |bytes: &[u8; 8]| Timestamp(u64::from_be_bytes(*bytes));
    Some((time(until), time(since), Health::decode(rest).ok()?))
}
