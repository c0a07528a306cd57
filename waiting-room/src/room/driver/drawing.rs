//! A lottery's two acts that take more than arithmetic: closing its list, and drawing.

use std::sync::Arc;

use super::Driver;
use crate::{
    bits::Bits,
    controller::{LotNeeds, LotStep, Traces, lot_needs, numbers_to_take},
    line::{Drawn, Line, List, Lot},
    lottery::{Beacon, Draw, Tree},
    snapshot::Snapshot,
    standing::Standing,
    store::StoreError,
    token::{KeyId, Seal},
    value::{Number, Timestamp},
};

impl Driver {
    /// What this tick does for a lottery.
    pub(super) async fn lot_step(
        &self,
        picture: &Snapshot,
        traces: &Traces,
        standing: &Standing,
    ) -> Result<LotStep, StoreError> {
        let Some(lot) = &picture.line.lot else {
            return Ok(LotStep::None);
        };
        match lot_needs(Some(lot), standing) {
            LotNeeds::Nothing => Ok(LotStep::None),
            LotNeeds::Closing => self.close(lot, picture).await,
            LotNeeds::Drawing => Ok(self.draw(lot, picture, traces).await),
        }
    }

    async fn close(&self, lot: &Lot, picture: &Snapshot) -> Result<LotStep, StoreError> {
        let Some(count) = numbers_to_take(lot, picture.next) else {
            tracing::error!("the pre-queue is too long for a lottery");
            return Ok(LotStep::None);
        };
        let first = self.inner.store.take(count).await?.first;
        let end = first.plus(u64::from(count.get()));
        self.inner.raise_highest(end);
        if first.since(lot.from) > u64::from(count.get()) {
            // More joined meanwhile than were allowed for: these numbers are nobody's, and the next tick takes more.
            return Ok(LotStep::None);
        }
        Ok(LotStep::Close(List { to: first, end }))
    }

    async fn draw(&self, lot: &Lot, picture: &Snapshot, traces: &Traces) -> LotStep {
        let event = self.inner.schedule.event(lot.opens_at.0);
        let is_named = event.is_some_and(|event| event.beacon.is_some());
        let beacon = picture.orders.beacon(lot.opens_at).map(str::to_owned);
        if is_named && beacon.is_none() {
            return LotStep::None;
        }
        let (lot, seal) = (lot.clone(), self.inner.seal.clone());
        let Some(living) = traces.living.clone() else {
            return LotStep::None;
        };
        let left = picture.marks.left.clone();
        // A million tickets take a second or two: not on a thread that answers visitors.
        let drawing = tokio::task::spawn_blocking(move || {
            let beacon = beacon.filter(|_| is_named);
            let tags = seal.draw_tags(lot.key, lot.opens_at)?;
            let digest = Tree::build(tags, lot.count()?).digest();
            let drawn = Drawn { digest, beacon };
            let draw = order_of(&seal, &lot, &drawn)?;
            let is_there = |number| living.has(number) && !left.has(number);
            let absent = absent(&lot, &draw, is_there)?;
            Some(LotStep::Draw { drawn, absent })
        });
        match drawing.await {
            Ok(Some(step)) => step,
            Ok(None) => {
                tracing::error!("the lot cannot be drawn: the key it was announced with is gone");
                LotStep::None
            }
            Err(error) => {
                tracing::error!(%error, "drawing the lot broke off");
                LotStep::None
            }
        }
    }

    /// What the secret of the present lottery, or of the next, is bound by: shown before anybody can join it.
    pub(super) fn commitment(&mut self, line: &Line, now: Timestamp) -> Option<Arc<str>> {
        let inner = &self.inner;
        let of_line = line.lot.as_ref().map(|lot| (lot.opens_at, lot.key));
        let next = || {
            let next = inner.schedule.next_lottery(now.0)?;
            Some((Timestamp(next.opens_at), inner.seal.signing_key()))
        };
        let is_on = |opens_at: Timestamp| {
            let event = inner.schedule.event(opens_at.0);
            event.is_some_and(|event| now.0 < event.closes_at)
        };
        let current = of_line.filter(|(opens_at, _)| is_on(*opens_at));
        let (opens_at, key) = current.or_else(next)?;
        if let Some((of, text)) = &self.committed
            && *of == (opens_at, key)
        {
            return Some(Arc::clone(text));
        }
        let secret = inner.seal.draw_secret(key, opens_at)?;
        let text: Arc<str> = secret.commitment().to_string().into();
        self.committed = Some(((opens_at, key), Arc::clone(&text)));
        Some(text)
    }

    /// Whether this gateway has the key that the lottery was announced with.
    pub(super) fn can_draw(&self, line: &Line) -> bool {
        let lot = line.lot.as_ref();
        lot.is_none_or(|lot| self.inner.seal.draw_secret(lot.key, lot.opens_at).is_some())
    }

    /// The order that was drawn, made once and kept.
    pub(super) fn drawn_order(&mut self, line: &Line) -> Option<Arc<Draw>> {
        let lot = line.lot.as_ref()?;
        let drawn = lot.drawn.as_ref()?;
        if let Some((of, draw)) = &self.order
            && of == lot
        {
            return Some(Arc::clone(draw));
        }
        let draw = Arc::new(order_of(&self.inner.seal, lot, drawn)?);
        self.order = Some((lot.clone(), Arc::clone(&draw)));
        Some(draw)
    }
}

/// A commitment, by the opening and the key it belongs to.
pub(super) type Committed = ((Timestamp, KeyId), Arc<str>);

/// An order that was drawn, and of which lottery: the whole of it, since a store may forget a draw.
pub(super) type Order = (Lot, Arc<Draw>);

fn order_of(seal: &Seal, lot: &Lot, drawn: &Drawn) -> Option<Draw> {
    let secret = seal.draw_secret(lot.key, lot.opens_at)?;
    let beacon = match &drawn.beacon {
        Some(value) => Some(Beacon::new(value.as_bytes().to_vec()).ok()?),
        None => None,
    };
    Some(Draw::new(
        &secret,
        &drawn.digest,
        beacon.as_ref(),
        lot.count()?,
    ))
}

/// The drawn numbers whose holders are not there.
fn absent(lot: &Lot, draw: &Draw, is_there: impl Fn(Number) -> bool) -> Option<Bits> {
    let list = lot.list?;
    let mut absent = Bits::new();
    for index in 0..lot.count()? {
        if !is_there(lot.from.plus(u64::from(index))) {
            absent.add(list.to.plus(u64::from(draw.place(index)?)));
        }
    }
    Some(absent)
}
