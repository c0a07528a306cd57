//! The beginning of a line.

use std::sync::Arc;

use super::{Driver, Stepped, reach_of, record_of};
use crate::{
    line::{Line, Marks, SEGMENT_NUMBERS},
    presence::Epochs,
    snapshot::Snapshot,
    store::{Commit, Committed, Head, StoreError},
    value::Timestamp,
};

impl Driver {
    pub(super) async fn open_line(
        &mut self,
        head: &Head,
        now: Timestamp,
    ) -> Result<Stepped, StoreError> {
        let line = Line::open(now, Epochs::of_presence(&self.inner.rules).settled(now));
        tracing::info!(line = line.id.0, "a new line is opened");
        let commit = Commit {
            seen: None,
            next_at_least: line.floor,
            drop_below: line.floor.0 / SEGMENT_NUMBERS,
            record: record_of(&line),
            reach: reach_of(&line),
            chunks: Vec::new(),
            entries: Vec::new(),
        };
        if self.inner.store.commit(&commit).await? == Committed::Done {
            // Should the store forget it before the next step, it is given back: visitors may have numbers of it by then.
            let mut opened = Snapshot::build(line, commit.next_at_least, Marks::default(), now);
            opened.orders = self.orders_of(head, now);
            self.publish(Arc::new(opened));
        }
        // Whoever won, the next step reads it like everybody else.
        Ok(Stepped::Read)
    }
}
