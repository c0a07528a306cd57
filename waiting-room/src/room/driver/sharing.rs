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
    share::{Both, KINDS, Report, SILENT, Share},
    snapshot::{AFTERLIFE, Snapshot},
    standing::Standing,
    store::{Commit, Committed, Reach, Record, RoomStore, StoreError},
    value::{LineId, Number, Timestamp},
};

/// A report that gives nothing to anybody is made this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// So often a report is tried where many rooms write at once.
const MOST_TRIES: u32 = 4;

/// What a tick knows of the room's share.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// The room stands alone.
    Alone,
    /// It cannot be read now: others may have been given what this room had.
    Unknown,
    /// The room has not reported for a while, so that it may not be its own any more.
    Silent(Read),
    /// What the share gives.
    Known(Read),
}

/// A share as it was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    store: Arc<dyn RoomStore>,
    rules: Sharing,
    /// The version in the store; less than the record's where the store forgot.
    stored: Option<u64>,
    share: Share,
}

/// The newest record this process has read, to give it back to a store that forgot it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    newest: Share,
    /// The link over which a forgotten record is known to have been given back.
    session: u64,
    /// Before this another gateway may still have to.
    settle_at: Timestamp,
}

impl Part {
    /// What a room may use: `None` if it stands alone, nothing if the share is not known.
    pub(super) fn may(&self, room: &str) -> Option<Both> {
        match self {
            Self::Alone => None,
            Self::Unknown | Self::Silent(_) => Some([0; KINDS]),
            Self::Known(read) => Some(read.share.may(room)),
        }
    }

    /// Whether the tick knows what the room may use. What it has reserved is still its own if it does not.
    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Alone | Self::Known(_))
    }
}

impl Read {
    fn is_stored(&self) -> bool {
        self.stored.unwrap_or(0) == self.share.version
    }

    async fn write(&self, next: &Share) -> Result<Committed, StoreError> {
        let commit = Commit {
            seen: self.stored,
            record: Record {
                version: next.version,
                line: next.encode(),
            },
            reach: Reach {
                line: LineId(0),
                horizon: Number(0),
                at: Timestamp(0),
            },
            next_at_least: Number(0),
            chunks: Vec::new(),
            entries: Vec::new(),
            drop_below: 0,
        };
        self.store.commit(&commit).await
    }
}

impl Driver {
    /// After a new link to the share's store every gateway gives back what it knows and the store forgot.
    pub(super) async fn mind_share(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let session = self.inner.share_store.as_ref().map(|store| store.session());
        let Some(session) = session.filter(|session| *session != self.known_share.session) else {
            return Ok(());
        };
        let Some(read) = self.read_share().await? else {
            return Ok(());
        };
        self.known_share.settle_at = now.plus(read.store.settle());
        if read.is_stored() || read.write(&read.share).await? == Committed::Done {
            self.known_share.session = session;
        }
        Ok(())
    }

    /// What the share gives, read after the line. Where it is not known nobody is called.
    pub(super) async fn part(&mut self, now: Timestamp) -> Part {
        match self.read_share().await {
            Ok(None) => Part::Alone,
            Ok(Some(read)) => {
                let known = &self.known_share;
                let is_settled = now >= known.settle_at && read.store.session() == known.session;
                let reported_at = read.share.reported_at(&self.inner.name.to_string());
                match is_settled && read.is_stored() {
                    false => Part::Unknown,
                    // Others are given what is not in use as soon as this room is silent. It goes on with its report.
                    true if reported_at.is_some_and(|at| now.since(at) >= SILENT / 2) => {
                        Part::Silent(read)
                    }
                    true => Part::Known(read),
                }
            }
            Err(error) => {
                tracing::debug!(%error, "nobody is called: the share is not known");
                Part::Unknown
            }
        }
    }

    async fn read_share(&mut self) -> Result<Option<Read>, StoreError> {
        let (Some(rules), Some(store)) = (self.inner.rules.sharing(), &self.inner.share_store)
        else {
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
        let known = &mut self.known_share;
        if share.was_restored_since(&known.newest) {
            // Whatever the link says: all who know more say so before the next tick.
            known.session = 0;
        }
        let share = if share.lacks(&known.newest) {
            known.session = 0;
            share.restored(&known.newest)
        } else {
            known.newest.clone_from(&share);
            share
        };
        Ok(Some(Read {
            store,
            rules,
            stored,
            share,
        }))
    }

    /// Reports what the tick that is written now left in use.
    pub(super) async fn report_part(
        &mut self,
        part: Part,
        told: &Snapshot,
        standing: &Standing,
        now: Timestamp,
    ) {
        let (Part::Known(read) | Part::Silent(read)) = part else {
            return;
        };
        let room = self.inner.name.to_string();
        let report = Report {
            decided_on: read.share.version,
            room: &room,
            rules: read.rules,
            most: standing.own_limits(),
            want: controller::wanted(told, standing, now),
            used: controller::used(told, now),
            lasts: self.longest_stay(),
        };
        if let Err(error) = self.write_report(read, &report, now).await {
            tracing::debug!(%error, "the share is told with the next tick");
        }
    }

    /// If another room is quicker, the report is made on what that has written.
    async fn write_report(
        &mut self,
        mut read: Read,
        report: &Report<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..MOST_TRIES {
            let next = read.share.after(report, now);
            let reported_at = read.share.reported_at(report.room).unwrap_or_default();
            if !read.share.differs(&next) && now < reported_at.plus(REPORT_EVERY) {
                return Ok(());
            }
            if read.write(&next).await? == Committed::Done {
                self.known_share.newest = next;
                return Ok(());
            }
            match self.read_share().await? {
                Some(again) if again.is_stored() => read = again,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// After so long nobody is inside who was called before.
    fn longest_stay(&self) -> Duration {
        let stay = self.inner.visits.longest();
        stay + self.inner.rules.call_grace() + 2 * CLOCK_SKEW + AFTERLIFE
    }
}
