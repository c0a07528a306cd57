//! What is new in a picture since the one that was looked at before.

use super::Span;
use crate::{
    bits::{masked_chunks, ones},
    snapshot::Snapshot,
    value::{LineId, Number, Timestamp},
};

/// What was there at the last look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    line: LineId,
    ticked_at: Timestamp,
    next: Number,
    claimed: u64,
    left: u64,
}

impl Seen {
    fn of(picture: &Snapshot) -> Self {
        Self {
            line: picture.line.id,
            ticked_at: picture.line.ticked_at,
            next: picture.next,
            claimed: picture.marks.claimed.count(),
            left: picture.marks.left.count(),
        }
    }

    /// What happened since the last look, and how things stand. Of a line that was not seen before nothing is known
    /// but how it stands.
    pub(super) fn news(seen: &mut Option<Self>, picture: &Snapshot) -> Span {
        let now = Self::of(picture);
        let before = seen.replace(now).filter(|seen| seen.line == now.line);
        let standing = standing(picture);
        let Some(before) = before else {
            return standing;
        };
        let ticks = before.ticked_at..=now.ticked_at;
        let batches = picture.line.batches.iter().rev();
        let new = batches.take_while(|batch| before.ticked_at < batch.at);
        Span {
            arrivals: as_u32(arrivals(picture, before.next)),
            called: new.fold(0, |sum, batch| sum.saturating_add(batch.calls)),
            // The beginning of an old line is dropped with its bits: then a second is not counted.
            claimed: as_u32(now.claimed.saturating_sub(before.claimed)),
            lapsed: as_u32(picture.lapsed(*ticks.start(), *ticks.end())),
            left: as_u32(now.left.saturating_sub(before.left)),
            ..standing
        }
    }
}

/// Numbers that visitors took since `next` was the first free one. Those of a draw replace others, and those that the
/// controller took back are buried at once.
fn arrivals(picture: &Snapshot, next: Number) -> u64 {
    let list = picture.line.lot.as_ref().and_then(|lot| lot.list);
    let drawn = list.map_or(0, |list| {
        let end = list.end.min(picture.next);
        end.since(list.to.max(next).min(end))
    });
    let gone = &picture.marks.gone;
    let buried = masked_chunks(next..picture.next).map(|(chunk, mask)| {
        let words = gone.words(chunk);
        ones(&std::array::from_fn(|i| mask[i] & words[i]))
    });
    let buried: u64 = buried.sum();
    picture.next.since(next).saturating_sub(drawn + buried)
}

fn standing(picture: &Snapshot) -> Span {
    let line = &picture.line;
    let adaptive = line.adaptive.map(|limit| limit.get());
    let said = Some(line.limits[0]).filter(|limit| *limit > 0);
    Span {
        waiting: picture.waiting_total(),
        active: line.occupied,
        limit: said.into_iter().chain(adaptive).min().unwrap_or(0),
        pace: (line.pace.per_second * 600.0).round() as u32,
        ..Span::default()
    }
}

fn as_u32(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
