//! A lottery's acts that take more than arithmetic: closing its list, making its digest, and drawing.

use std::{sync::Arc, time::Duration};

use tokio::task::{JoinError, JoinHandle};

use super::Driver;
use crate::{
    bits::Bits,
    controller::{LotNeeds, LotStep, Traces, lot_needs, numbers_to_take},
    line::{Drawn, Line, List, Lot},
    lottery::{Beacon, Draw, Hash, Tree},
    snapshot::Snapshot,
    standing::Standing,
    store::{Mark, StoreError},
    token::{KeyId, Seal},
    value::{Number, Timestamp},
};

impl Driver {
    /// What this tick does for a lottery.
    pub(super) async fn lot_step(
        &self,
        picture: &Snapshot,
        traces: &Traces,
        (standing, made): (&Standing, Option<Arc<Made>>),
    ) -> Result<LotStep, StoreError> {
        let Some(lot) = &picture.line.lot else {
            return Ok(LotStep::None);
        };
        match lot_needs(Some(lot), standing) {
            LotNeeds::Nothing => Ok(LotStep::None),
            LotNeeds::Closing => self.close(lot, picture).await,
            LotNeeds::Sealing => Ok(match made.as_deref() {
                Some(Made::Digest(digest)) => LotStep::Seal(*digest),
                _ => LotStep::None,
            }),
            LotNeeds::Drawing => Ok(draw(lot, picture, traces, made).unwrap_or_default()),
        }
    }

    async fn close(&self, lot: &Lot, picture: &Snapshot) -> Result<LotStep, StoreError> {
        let Some(count) = numbers_to_take(lot, picture.next) else {
            tracing::error!("the pre-queue is too long for a lottery");
            return Ok(LotStep::None);
        };
        let first = self.take(count).await?;
        let end = first.plus(u64::from(count.get()));
        if first.since(lot.from) > u64::from(count.get()) {
            // More joined meanwhile than were allowed for: these numbers are nobody's, and the next tick takes more.
            let numbers = (first.0..end.0).map(Number).collect();
            self.inner.store.merge(Mark::Left, &numbers).await?;
            return Ok(LotStep::None);
        }
        Ok(LotStep::Close(List { to: first, end }))
    }

    /// The digest of the closed list, or what was drawn of it, if that is made. A million tickets take seconds: it is done
    /// off the threads that answer visitors, and the room is stepped on meanwhile. Every gateway draws, and all draw the same.
    pub(super) async fn lot_made(
        &mut self,
        picture: &Snapshot,
        standing: &Standing,
    ) -> Option<Arc<Made>> {
        let lot = picture.line.lot.as_ref();
        let needs = lot_needs(lot, standing);
        let wanted = lot.filter(|_| matches!(needs, LotNeeds::Sealing | LotNeeds::Drawing));
        let Some(lot) = wanted else {
            self.making = None;
            return None;
        };
        let is_named = lot.beacon_name.is_some();
        let beacon = picture.orders.beacon(lot.opens_at).filter(|_| is_named);
        if needs == LotNeeds::Drawing && is_named && beacon.is_none() {
            return None;
        }
        let of = (lot.clone(), beacon.map(str::to_owned));
        if self.making.as_ref().is_none_or(|making| making.of != of) {
            let (seal, (lot, beacon)) = (self.inner.seal.clone(), of.clone());
            let work = tokio::task::spawn_blocking(move || make(&seal, &lot, beacon).map(Arc::new));
            self.making = Some(Making {
                of,
                work: Some(work),
                made: None,
            });
        }
        self.making.as_mut()?.result().await
    }

    /// What the secret of the present lottery, or of the next, is bound by: shown before anybody can join it.
    pub(super) fn commitment(&mut self, line: &Line, now: Timestamp) -> Option<Arc<str>> {
        let inner = &self.inner;
        let of_line = line.lot.as_ref().map(|lot| (lot.opens_at, lot.key));
        let next = || {
            let promised = inner.promised(line, now)?;
            Some((promised.opens_at, promised.key))
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

    /// The opening of the lottery that comes next.
    pub(super) fn next_lottery(&self, line: &Line, now: Timestamp) -> Option<Timestamp> {
        let next = self.inner.next_lottery(line, now)?;
        Some(Timestamp(next.opens_at))
    }

    /// What is to be mixed into the lottery of the moment, by name.
    pub(super) fn beacon_name(&self, standing: &Standing) -> Option<&str> {
        let event = self.inner.schedule.event(standing.lottery?.0)?;
        event.beacon.as_deref()
    }

    /// How many tickets the closed list of the present lottery has, and its digest: `COUNT:HEX`.
    pub(super) fn draw_list(&self, line: &Line, now: Timestamp) -> Option<Arc<str>> {
        let lot = line.lot.as_ref()?;
        let event = self.inner.schedule.event(lot.opens_at.0)?;
        let (count, digest) = (lot.count()?, lot.digest?);
        (now.0 < event.closes_at).then(|| format!("{count}:{digest}").into())
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
    let (digest, count) = (lot.digest?, lot.count()?);
    Some(Draw::new(&secret, &digest, beacon.as_ref(), count))
}

/// What was worked out of a closed list.
#[derive(Debug)]
pub(super) enum Made {
    /// Its digest.
    Digest(Hash),
    /// What was drawn, and where every index of the list went.
    Places { drawn: Drawn, places: Vec<u32> },
}

/// A lot being drawn.
#[derive(Debug)]
pub(super) struct Making {
    of: (Lot, Option<String>),
    /// Until it is done, well or not.
    work: Option<JoinHandle<Option<Arc<Made>>>>,
    made: Option<Arc<Made>>,
}

/// A small lot is drawn within the tick that asks for it; longer than this no tick waits.
const DRAWN_AT_ONCE: Duration = Duration::from_millis(50);

impl Making {
    async fn result(&mut self) -> Option<Arc<Made>> {
        if let Some(work) = &mut self.work
            && let Ok(made) = tokio::time::timeout(DRAWN_AT_ONCE, work).await
        {
            self.work = None;
            self.keep(made);
        }
        self.made.clone()
    }

    fn keep(&mut self, made: Result<Option<Arc<Made>>, JoinError>) {
        match made {
            Ok(Some(made)) => self.made = Some(made),
            Ok(None) => {
                tracing::error!("the lot cannot be drawn: the key it was announced with is gone");
            }
            Err(error) => tracing::error!(%error, "drawing the lot broke off"),
        }
    }
}

fn make(seal: &Seal, lot: &Lot, beacon: Option<String>) -> Option<Made> {
    let count = lot.count()?;
    if lot.digest.is_none() {
        let tags = seal.draw_tags(lot.key, lot.opens_at)?;
        return Some(Made::Digest(Tree::build(tags, count).digest()));
    }
    let drawn = Drawn { beacon };
    let draw = order_of(seal, lot, &drawn)?;
    let places = (0..count).map(|index| draw.place(index));
    Some(Made::Places {
        drawn,
        places: places.collect::<Option<_>>()?,
    })
}

/// The draw, with who of it is not there now.
fn draw(
    lot: &Lot,
    picture: &Snapshot,
    traces: &Traces,
    made: Option<Arc<Made>>,
) -> Option<LotStep> {
    let Made::Places { drawn, places } = &*made? else {
        return None;
    };
    let (list, living) = (lot.list?, traces.living.as_ref()?);
    let marks = &picture.marks;
    let (mut gone, mut unseen) = (Bits::new(), Bits::new());
    for (index, place) in (0..).zip(places) {
        let (number, drawn) = (lot.from.plus(index), list.to.plus(u64::from(*place)));
        let is_there = living.has(number);
        if marks.left.has(number) || marks.gone.has(number) && !is_there {
            gone.add(drawn);
        } else if !is_there {
            unseen.add(drawn);
        }
    }
    Some(LotStep::Draw {
        drawn: drawn.clone(),
        gone,
        unseen,
    })
}
