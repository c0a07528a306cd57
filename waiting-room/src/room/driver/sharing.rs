//! The room's part in a share, read and reported with every tick.
//!
//! The share's record lies in a room of its own in the store, whose line it is: so it has the fence, the links and the
//! sessions of every room, and in a Cluster a slot of its own.

use std::{sync::Arc, time::Duration};

use policies::admission::share::Sharing;

use super::Driver;
use crate::{
    controller,
    presence::CLOCK_SKEW,
    share::{Both, Report, Share},
    snapshot::Snapshot,
    standing::Standing,
    store::{Commit, Committed, Reach, Record, RoomStore, StoreError},
    value::{LineId, Number, Timestamp},
};

/// A report that gives nothing to anybody is made this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What the share says to a tick.
#[derive(Clone, Debug)]
pub(super) struct Part {
    store: Arc<dyn RoomStore>,
    rules: Sharing,
    /// In the store when the tick read it.
    stored: Option<u64>,
    share: Share,
}

/// The newest record this process has read, to give it back to a store that forgot it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    share: Share,
    /// The link over which that is known to have been done, if it had to be.
    session: u64,
    /// Before this another gateway may still have to.
    settle_at: Timestamp,
}

impl Part {
    /// Whether the record is what the store has, and not one to be given back to it.
    fn is_stored(&self) -> bool {
        self.stored.unwrap_or(0) == self.share.version
    }
}

impl Driver {
    /// After a new link to the share's store every gateway gives back what it knows and the store forgot.
    pub(super) async fn mind_share(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let session = self.inner.share.as_ref().map(|store| store.session());
        if session.is_none_or(|session| session == self.share.session) {
            return Ok(());
        }
        let Some(part) = self.read_part().await? else {
            return Ok(());
        };
        self.share.settle_at = now.plus(part.store.settle());
        let commit = commit_of(&part.share, part.stored);
        if part.is_stored() || part.store.commit(&commit).await? == Committed::Done {
            self.share.session = session.unwrap_or(0);
        }
        Ok(())
    }

    /// Reads the share, after the line: `Ok(None)` if the room stands alone. Where it cannot be read nobody is called,
    /// since others may have been given what this room had.
    pub(super) async fn part(&mut self, now: Timestamp) -> Result<Option<Part>, StoreError> {
        let part = self.read_part().await?;
        let is_settled =
            |part: &Part| now >= self.share.settle_at && part.store.session() == self.share.session;
        match part {
            Some(part) if !is_settled(&part) => Err(StoreError::Unavailable("a new link".into())),
            part => Ok(part),
        }
    }

    async fn read_part(&mut self) -> Result<Option<Part>, StoreError> {
        let (Some(rules), Some(store)) = (self.inner.rules.sharing(), &self.inner.share) else {
            return Ok(None);
        };
        let store = Arc::clone(store);
        let head = store.head().await?;
        let stored = head.record.as_ref().map(|record| record.version);
        let share = match &head.record {
            None => Share::default(),
            Some(record) => Share::decode(&record.line)
                .ok_or_else(|| StoreError::Unexpected("a share that cannot be read".into()))?,
        };
        let known = &mut self.share.share;
        let share = if share.version < known.version {
            share.restored(known)
        } else {
            known.clone_from(&share);
            share
        };
        Ok(Some(Part {
            store,
            rules,
            stored,
            share,
        }))
    }

    /// What the room may use: `None` if it stands alone, nothing if the share is not known.
    pub(super) fn may(&self, part: &Result<Option<Part>, StoreError>) -> Option<Both> {
        match part {
            Ok(None) => None,
            Ok(Some(part)) if part.is_stored() => Some(part.share.may(&self.room_name())),
            Ok(Some(_)) => Some([0; 2]),
            Err(error) => {
                tracing::debug!(%error, "nobody is called: the share is not known");
                Some([0; 2])
            }
        }
    }

    /// Whether the tick knows what the room may use. What it has reserved is still its own if it does not.
    pub(super) fn knows(&self, part: &Result<Option<Part>, StoreError>) -> bool {
        part.as_ref()
            .is_ok_and(|part| part.as_ref().is_none_or(Part::is_stored))
    }

    /// Reports what the tick that is written now left in use. If another room was quicker, the next tick reports.
    pub(super) async fn report_part(
        &mut self,
        part: Part,
        told: &Snapshot,
        standing: &Standing,
        now: Timestamp,
    ) {
        let room = self.room_name();
        let used = controller::used(told, now);
        let ahead = told.line.ahead(told.next);
        let waiting = match standing.halt {
            Some(_) => 0,
            None => u64::from(told.waiting_total()),
        };
        let most = standing.own_limits();
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let report = Report {
            room: &room,
            rules: part.rules,
            most,
            want: used.map(|used| count(used.saturating_sub(ahead) + waiting)),
            used: used.map(count),
            lasts: self.longest_stay(),
        };
        let next = part.share.after(&report, now);
        let reported_at = part.share.reported_at(&room).unwrap_or(Timestamp(0));
        let is_due = now >= reported_at.plus(REPORT_EVERY);
        if part.is_stored() && !part.share.differs(&next) && !is_due {
            return;
        }
        match part.store.commit(&commit_of(&next, part.stored)).await {
            Ok(Committed::Done) => self.share.share = next,
            Ok(Committed::Fenced) => {}
            Err(error) => tracing::debug!(%error, "the share is told with the next tick"),
        }
    }

    fn room_name(&self) -> String {
        let name = &self.inner.name;
        format!("{}/{}", name.tenant, name.room)
    }

    /// After so long nobody is inside who was called before.
    fn longest_stay(&self) -> Duration {
        let stay = self.inner.visits.longest();
        stay + self.inner.rules.call_grace() + 2 * CLOCK_SKEW + controller::AFTERLIFE
    }
}

fn commit_of(share: &Share, seen: Option<u64>) -> Commit {
    Commit {
        seen,
        record: Record {
            version: share.version,
            line: share.encode(),
        },
        reach: Reach {
            line: LineId(0),
            horizon: Number(0),
            at: Timestamp(0),
        },
        next_at_least: Number(0),
        chunks: Vec::new(),
        entry: None,
        drop_below: 0,
    }
}
