//! What a room publishes so that anybody can check it: the end of its log, and its lottery.

use std::sync::Arc;

use policies::schedule::Event;

use super::{Asked, Inner, Presented, Room, locate::Visitor};
use crate::{
    line::{Line, Promised},
    lottery::{Beacon, Hash, Proof, RULE, Record, Tree, VERSION},
    snapshot::Snapshot,
    store::{KEPT_ENTRIES, StoreError},
    token::KeyId,
    value::Timestamp,
};

/// What is fixed of a lottery beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The opening that names it.
    pub opens_at: Timestamp,
    /// What its secret is bound by.
    pub commitment: Hash,
    /// What is mixed in, by name.
    pub beacon_name: Option<String>,
}

/// The line's lottery as far as it may be known, also when its event is over; and the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The one whose pre-queue has begun.
    pub present: Option<Announced>,
    /// How many tickets its closed list has, and the list's digest.
    pub list: Option<(u32, Hash)>,
    /// All else, once it is drawn; with the proof of the ticket that was presented, if it was in the draw.
    pub record: Option<Record>,
    /// The one after that.
    pub next: Option<Announced>,
}

impl Inner {
    /// The lottery that comes after that of the line.
    pub(super) fn next_lottery(&self, line: &Line, now: Timestamp) -> Option<&Event> {
        let present = line.lot.as_ref().map(|lot| lot.opens_at.0);
        self.schedule.next_lottery(now.0, present)
    }

    /// What it is bound by, once that is fixed.
    pub(super) fn promised(&self, line: &Line, now: Timestamp) -> Option<Promised> {
        let next = self.next_lottery(line, now)?;
        let promised = line.promised;
        promised.filter(|promised| promised.opens_at.0 == next.opens_at)
    }
}

impl Room {
    /// The last entries of the line's log: at most [`KEPT_ENTRIES`].
    ///
    /// # Errors
    /// When the store did not answer.
    pub async fn log_end(&self) -> Result<Vec<String>, StoreError> {
        self.inner.store.log(KEPT_ENTRIES).await
    }

    /// The present lottery and the next. `opens_at` writes a moment as RFC 3339 text.
    pub async fn lottery<'a>(
        &self,
        asked: impl Into<Asked<'a>>,
        now: Timestamp,
        opens_at: impl FnOnce(Timestamp) -> String,
    ) -> Option<Published> {
        let seen = self.snapshot()?;
        let lot = seen.line.lot.as_ref();
        let mut record = self.record(&seen);
        if let (Some(record), Some(lot)) = (&mut record, lot) {
            record.opens_at = opens_at(lot.opens_at);
            let asked = asked.into();
            let own = self.bound_to(&asked.client);
            let room = own.as_ref().unwrap_or(self);
            record.proof = room.proof(&seen, asked.presented, now).await;
        }
        let published = Published {
            present: lot
                .and_then(|lot| self.announced(lot.opens_at, lot.key, lot.beacon_name.clone())),
            list: lot.and_then(|lot| Some((lot.count()?, lot.digest?))),
            record,
            next: self.next_announced(&seen, now),
        };
        let is_something = published.present.is_some() || published.next.is_some();
        is_something.then_some(published)
    }

    fn announced(
        &self,
        opens_at: Timestamp,
        key: KeyId,
        beacon_name: Option<String>,
    ) -> Option<Announced> {
        let secret = self.inner.seal.draw_secret(key, opens_at)?;
        Some(Announced {
            opens_at,
            commitment: secret.commitment(),
            beacon_name,
        })
    }

    fn next_announced(&self, seen: &Snapshot, now: Timestamp) -> Option<Announced> {
        let next = self.inner.next_lottery(&seen.line, now)?;
        let promised = self.inner.promised(&seen.line, now)?;
        self.announced(promised.opens_at, promised.key, next.beacon.clone())
    }

    fn record(&self, seen: &Snapshot) -> Option<Record> {
        let inner = &self.inner;
        let lot = seen.line.lot.as_ref()?;
        let drawn = lot.drawn.as_ref()?;
        let secret = inner.seal.draw_secret(lot.key, lot.opens_at)?;
        let beacon = drawn.beacon.as_ref();
        Some(Record {
            version: VERSION,
            room: format!("{}/{}", inner.name.tenant, inner.name.room),
            opens_at: String::new(),
            rule: RULE,
            commitment: secret.commitment(),
            secret: secret.reveal(),
            count: lot.count()?,
            digest: lot.digest?,
            beacon: beacon.and_then(|text| Beacon::new(text.as_bytes().to_vec()).ok()),
            beacon_name: lot.beacon_name.clone().filter(|_| beacon.is_some()),
            tags: None,
            proof: None,
        })
    }

    /// That the ticket presented was in the draw.
    async fn proof(
        &self,
        seen: &Arc<Snapshot>,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Option<Proof> {
        let number = match self.identify(presented, now) {
            Visitor::Holder(ticket) => seen.current(ticket).number,
            Visitor::Guest(pass) => pass.number,
            _ => return None,
        };
        let lot = seen.line.lot.as_ref()?;
        let (list, draw) = (lot.list?, seen.draw.as_ref()?);
        let place = u32::try_from(number.0.checked_sub(list.to.0)?).ok()?;
        let index = draw.index(place)?;
        let tree = self.tree(seen).await?;
        tree.proof(index, draw)
    }

    /// The tree of the list, built once for all who ask.
    async fn tree(&self, seen: &Snapshot) -> Option<Arc<Tree>> {
        let lot = seen.line.lot.as_ref()?;
        let mut kept = self.inner.tree.lock().await;
        if let Some((of, tree)) = kept.as_ref()
            && of == lot
        {
            return Some(Arc::clone(tree));
        }
        let tags = self.inner.seal.draw_tags(lot.key, lot.opens_at)?;
        let count = lot.count()?;
        let built = tokio::task::spawn_blocking(move || Tree::build(tags, count));
        let tree = Arc::new(built.await.ok()?);
        *kept = Some((lot.clone(), Arc::clone(&tree)));
        Some(tree)
    }
}
