//! A line's record and a tick's outcome, as the store takes them.

use crate::{
    controller::Calls,
    line::{Line, SEGMENT_NUMBERS},
    snapshot::Snapshot,
    store::{Commit, Head, Mark, Reach, Record, StoreError},
};

pub(super) fn decode(head: &Head) -> Result<Option<Line>, StoreError> {
    let decoded = head
        .record
        .as_ref()
        .map(|record| Line::decode(&record.line))
        .transpose();
    decoded.map_err(|error| StoreError::Unexpected(error.to_string()))
}

pub(super) fn record_of(line: &Line) -> Record {
    Record {
        version: line.version,
        line: line.encode(),
    }
}

pub(super) fn reach_of(line: &Line) -> Reach {
    Reach {
        line: line.id,
        horizon: line.horizon,
        at: line.ticked_at,
    }
}

pub(super) fn commit_of(calls: &Calls, picture: &Snapshot) -> Commit {
    let gone = calls.gone_chunks.iter();
    let gone = gone.map(|chunk| (Mark::Gone, *chunk, calls.marks.gone.bytes(*chunk).to_vec()));
    let late = calls.late_chunks.iter();
    let late = late.map(|chunk| (Mark::Late, *chunk, calls.marks.late.bytes(*chunk).to_vec()));
    Commit {
        seen: Some(picture.line.version),
        record: record_of(&calls.line),
        reach: reach_of(&calls.line),
        next_at_least: calls.line.floor,
        chunks: gone.chain(late).collect(),
        entries: calls.entry.iter().cloned().collect(),
        drop_below: calls.line.floor.0 / SEGMENT_NUMBERS,
    }
}
