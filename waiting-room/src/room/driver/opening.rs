//! The beginning of a line.

use super::{Driver, Stepped, reach_of, record_of};
use crate::{
    line::{Line, SEGMENT_NUMBERS},
    presence::Epochs,
    store::{Commit, StoreError},
    value::Timestamp,
};

impl Driver {
    pub(super) async fn open_line(&self, now: Timestamp) -> Result<Stepped, StoreError> {
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
        self.inner.store.commit(&commit).await?;
        // The next step reads it like everybody else, whoever won.
        Ok(Stepped::Read)
    }
}
