//! The line's record as bytes: big-endian, fixed order, a version in front. Mostly batches of 41 bytes: at
//! most two a tick, remembered for the call grace and half a minute, so 50 kB with a grace of two minutes.

use std::collections::VecDeque;

use thiserror::Error;

use super::{Batch, Line};
use crate::{
    estimate::Pace,
    value::{LineId, Number, Timestamp},
};

const FORM: u8 = 2;
/// Bounds what a broken record can make us allocate.
const MOST_ITEMS: u32 = 1 << 20;

/// A record this build cannot read. The store holds something else, or a newer gateway wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the line's record cannot be read by this version")]
pub struct CodecError;

impl Line {
    /// The record in store form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Out(Vec::with_capacity(160 + self.batches.len() * 40));
        out.0.push(FORM);
        for value in [
            self.version,
            self.id.0,
            self.floor.0,
            self.horizon.0,
            self.frontier.0,
            self.ticked_at.0,
            self.epoch,
            self.judge_from.0,
        ] {
            out.u64(value);
        }
        out.u32(self.late_credit);
        out.u32(self.spare);
        out.u64(self.pace.busy_ms);
        out.u64(self.pace.per_second.to_bits());
        out.length(self.rolls.len());
        for (epoch, next) in &self.rolls {
            out.u64(*epoch);
            out.u64(next.0);
        }
        out.length(self.batches.len());
        for batch in &self.batches {
            out.u64(batch.at.0);
            out.u64(batch.until.0);
            out.0.push(u8::from(batch.on_arrival));
            out.u64(batch.from.0);
            out.u64(batch.to.0);
            out.u32(batch.calls);
            out.length(batch.late.len());
            batch.late.iter().for_each(|number| out.u64(number.0));
        }
        out.0
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// When it is not one of ours, is cut short or has something behind its end.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = In(bytes);
        let line = input.line().ok_or(CodecError)?;
        if input.0.is_empty() {
            Ok(line)
        } else {
            Err(CodecError)
        }
    }
}

struct Out(Vec<u8>);

impl Out {
    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    fn length(&mut self, items: usize) {
        self.u32(
            u32::try_from(items).expect("batches and late calls are bounded by the controller"),
        );
    }
}

struct In<'a>(&'a [u8]);

impl In<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.take()? {
            [0] => Some(false),
            [1] => Some(true),
            [_] => None,
        }
    }

    fn number(&mut self) -> Option<Number> {
        self.u64().map(Number)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(Timestamp)
    }

    fn items<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32().filter(|count| *count <= MOST_ITEMS)?;
        (0..count).map(|_| read(self)).collect()
    }

    fn line(&mut self) -> Option<Line> {
        if self.take::<1>()? != [FORM] {
            return None;
        }
        Some(Line {
            version: self.u64()?,
            id: LineId(self.u64()?),
            floor: self.number()?,
            horizon: self.number()?,
            frontier: self.number()?,
            ticked_at: self.time()?,
            epoch: self.u64()?,
            judge_from: self.time()?,
            late_credit: self.u32()?,
            spare: self.u32()?,
            pace: Pace {
                busy_ms: self.u64()?,
                per_second: f64::from_bits(self.u64()?),
            },
            rolls: self
                .items(|input| Some((input.u64()?, input.number()?)))?
                .into(),
            batches: VecDeque::from(self.items(Self::batch)?),
        })
    }

    fn batch(&mut self) -> Option<Batch> {
        Some(Batch {
            at: self.time()?,
            until: self.time()?,
            on_arrival: self.flag()?,
            from: self.number()?,
            to: self.number()?,
            calls: self.u32()?,
            late: self.items(Self::number)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_store_and_a_cut_one_is_refused() {
        let mut line = Line::open(Timestamp(1_790_000_000_000), 9);
        line.rolls.push_back((9, Number(4)));
        line.batches.push_back(Batch {
            at: Timestamp(5),
            until: Timestamp(6),
            on_arrival: true,
            from: Number(1),
            to: Number(3),
            calls: 3,
            late: vec![Number(0)],
        });
        let bytes = line.encode();
        assert_eq!(Line::decode(&bytes), Ok(line));
        for cut in 0..bytes.len() {
            assert_eq!(Line::decode(&bytes[..cut]), Err(CodecError), "cut at {cut}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Line::decode(&longer), Err(CodecError));
    }
}
