//! The line's record as bytes: a version in front, then fixed order, integers as LEB128.
//!
//! Mostly batches: at most two a tick for the last minute, and some six hundred for the rest of the grace
//! ([`Line::coalesce`]). Each is told by its difference from the one before, in about eight bytes, so the record
//! of a busy line stays under 20 kB.

mod course;
mod lot;
mod numbered;

use std::{collections::VecDeque, time::Duration};

use thiserror::Error;

use super::{Batch, Edge, Gap, Latecomers, Line};
use crate::{
    adaptive::Limit,
    estimate::Pace,
    journal::Head,
    standing::Why,
    value::{LineId, Number, Timestamp},
    varint::{self, put_varint},
};

/// Begun after the last release, and complete with the next.
const FORM: u8 = 4;
/// Without [`Line::course`], [`Line::provisional`], [`Line::may`], [`Line::gap`] and [`Line::promised`]; still read, so that a line goes on under a newer
/// build. The older one cannot read what that writes: a fleet is renewed at once, not gateway by gateway.
const FORM_BEFORE: u8 = 3;
/// Bounds what a broken record can make us allocate.
const MOST_ITEMS: u64 = 1 << 20;

const ON_ARRIVAL: u64 = 1;
/// A batch that begins where the one before ended.
const CONTIGUOUS: u64 = 2;

/// A record this build cannot read. The store holds something else, or a newer gateway wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the line's record cannot be read by this version")]
pub struct CodecError;

impl Line {
    /// The record in store form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Out(Vec::with_capacity(160 + self.batches.len() * 10));
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
            u64::from(self.late_credit),
            u64::from(self.spare),
            u64::from(self.occupied),
            self.soon.0,
            self.pace.busy_ms,
        ] {
            out.u64(value);
        }
        out.0.extend_from_slice(&self.pace.per_second.to_be_bytes());
        out.course(&self.course);
        out.length(self.rolls.len());
        for (epoch, next) in &self.rolls {
            out.u64(*epoch);
            out.u64(next.0);
        }
        out.length(self.edges.len());
        for edge in &self.edges {
            out.u64(edge.at.0);
            out.u64(edge.soon.0);
            out.u64(edge.next.0);
            out.u64(u64::from(edge.holds_all));
        }
        out.standing(self);
        out.u64(u64::from(self.late.count));
        out.u64(u64::from(self.late.prompt));
        out.numbers(&self.late.first, self.floor);
        out.length(self.batches.len());
        let mut before = &Batch::nothing(self.floor);
        for batch in &self.batches {
            out.batch(batch, before);
            before = batch;
        }
        out.numbered(&self.provisional);
        out.length(usize::from(self.may.is_some()));
        for limit in self.may.into_iter().flatten() {
            out.u64(u64::from(limit));
        }
        out.u64(self.gap.ended_at.0);
        out.u64(self.gap.length.as_millis() as u64);
        out.promised(self.promised);
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

impl Batch {
    /// What the first batch is told by its difference from.
    fn nothing(floor: Number) -> Self {
        Self {
            at: Timestamp(0),
            until: Timestamp(0),
            on_arrival: false,
            from: floor,
            to: floor,
            calls: 0,
            late: Vec::new(),
        }
    }
}

struct Out(Vec<u8>);

impl Out {
    fn u64(&mut self, value: u64) {
        put_varint(&mut self.0, value);
    }

    fn length(&mut self, items: usize) {
        self.u64(items as u64);
    }

    /// Numbers at or above `base`, in whatever order.
    fn numbers(&mut self, numbers: &[Number], base: Number) {
        self.length(numbers.len());
        for number in numbers {
            self.u64(number.0.wrapping_sub(base.0));
        }
    }

    fn standing(&mut self, line: &Line) {
        let why = line
            .why
            .and_then(|why| Why::ALL.iter().position(|each| *each == why));
        self.u64(why.map_or(0, |place| place as u64 + 1));
        self.u64(line.opens_at.map_or(0, |at| at.0));
        self.u64(u64::from(line.is_shut));
        line.limits
            .iter()
            .for_each(|limit| self.u64(u64::from(*limit)));
        self.u64(line.lowered_at.0);
        line.times.iter().for_each(|time| self.u64(*time));
        self.length(line.obeyed.len());
        line.obeyed.iter().for_each(|id| self.u64(*id));
        self.u64(line.log.seq);
        self.0.extend_from_slice(&line.log.hash);
        self.length(line.replaced.len());
        for (from, to) in &line.replaced {
            self.u64(from.0);
            self.u64(to.0);
        }
        self.length(usize::from(line.adaptive.is_some()));
        if let Some(limit) = &line.adaptive {
            self.0.extend_from_slice(&limit.encode());
        }
        self.length(usize::from(line.lot.is_some()));
        if let Some(lot) = &line.lot {
            self.lot(lot);
        }
    }

    fn batch(&mut self, batch: &Batch, before: &Batch) {
        let contiguous = batch.from == before.to;
        let flags = u64::from(batch.on_arrival) * ON_ARRIVAL + u64::from(contiguous) * CONTIGUOUS;
        self.u64(flags);
        self.u64(batch.at.0.wrapping_sub(before.at.0));
        self.u64(batch.until.0.wrapping_sub(batch.at.0));
        if !contiguous {
            self.u64(batch.from.0.wrapping_sub(before.to.0));
        }
        self.u64(batch.to.0.wrapping_sub(batch.from.0));
        self.u64(u64::from(batch.calls));
        self.numbers(&batch.late, before.from);
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
        let mut rest = varint::In(self.0);
        let value = rest.varint()?;
        self.0 = rest.0;
        Some(value)
    }

    fn u32(&mut self) -> Option<u32> {
        self.u64().and_then(|value| value.try_into().ok())
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Number> {
        self.u64().map(Number)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(Timestamp)
    }

    fn items<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u64().filter(|count| *count <= MOST_ITEMS)?;
        // No more than the rest can hold: an item has a byte at least.
        let most = usize::try_from(count).ok()?.min(self.0.len());
        let mut items = Vec::with_capacity(most);
        for _ in 0..count {
            items.push(read(self)?);
        }
        Some(items)
    }

    fn numbers(&mut self, base: Number) -> Option<Vec<Number>> {
        self.items(|input| Some(Number(base.0.wrapping_add(input.u64()?))))
    }

    fn line(&mut self) -> Option<Line> {
        let [form] = self.take()?;
        if !(FORM_BEFORE..=FORM).contains(&form) {
            return None;
        }
        let (version, id, floor) = (self.u64()?, LineId(self.u64()?), self.number()?);
        Some(Line {
            version,
            id,
            floor,
            horizon: self.number()?,
            frontier: self.number()?,
            ticked_at: self.time()?,
            epoch: self.u64()?,
            judge_from: self.time()?,
            late_credit: self.u32()?,
            spare: self.u32()?,
            occupied: self.u32()?,
            soon: self.number()?,
            pace: Pace {
                busy_ms: self.u64()?,
                per_second: f64::from_be_bytes(self.take()?),
            },
            course: self.since_form(form, Self::course)?,
            rolls: self
                .items(|input| Some((input.u64()?, input.number()?)))?
                .into(),
            edges: self.items(Self::edge)?.into(),
            why: match self.u64()? {
                0 => None,
                place => Some(*Why::ALL.get(usize::try_from(place - 1).ok()?)?),
            },
            opens_at: self.time().map(|at| (at.0 > 0).then_some(at))?,
            is_shut: self.flag()?,
            limits: [self.u32()?, self.u32()?],
            lowered_at: self.time()?,
            times: [self.u64()?, self.u64()?],
            obeyed: self.items(Self::u64)?,
            log: Head {
                seq: self.u64()?,
                hash: self.take()?,
            },
            replaced: self.items(|input| Some((input.number()?, input.number()?)))?,
            adaptive: self
                .option(|input| Limit::decode(&input.take::<{ Limit::BYTES }>()?).ok())?,
            lot: self.option(|input| input.lot(form))?,
            late: Latecomers {
                count: self.u32()?,
                prompt: self.u32()?,
                first: self.numbers(floor)?,
            },
            batches: self.batches(floor)?,
            provisional: self.since_form(form, |input| input.items(Self::numbered))?,
            may: self.since_form(form, |input| {
                input.option(|input| Some([input.u32()?, input.u32()?]))
            })?,
            gap: self.since_form(form, Self::gap)?,
            promised: self.since_form(form, Self::promised)?,
        })
    }

    fn gap(&mut self) -> Option<Gap> {
        Some(Gap {
            ended_at: self.time()?,
            length: Duration::from_millis(self.u64()?),
        })
    }

    /// What a record of the form before does not have.
    fn since_form<T: Default>(
        &mut self,
        form: u8,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        match form {
            FORM => read(self),
            _ => Some(T::default()),
        }
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        Some(if self.flag()? {
            Some(read(self)?)
        } else {
            None
        })
    }

    fn edge(&mut self) -> Option<Edge> {
        Some(Edge {
            at: self.time()?,
            soon: self.number()?,
            next: self.number()?,
            holds_all: self.flag()?,
        })
    }

    fn batches(&mut self, floor: Number) -> Option<VecDeque<Batch>> {
        let mut before = Batch::nothing(floor);
        let batches = self.items(|input| {
            before = input.batch(&before)?;
            Some(before.clone())
        })?;
        Some(batches.into())
    }

    fn batch(&mut self, before: &Batch) -> Option<Batch> {
        let flags = self.u64().filter(|flags| *flags <= 3)?;
        let at = Timestamp(before.at.0.wrapping_add(self.u64()?));
        let until = Timestamp(at.0.wrapping_add(self.u64()?));
        let from = match flags & CONTIGUOUS {
            0 => Number(before.to.0.wrapping_add(self.u64()?)),
            _ => before.to,
        };
        Some(Batch {
            at,
            until,
            on_arrival: flags & ON_ARRIVAL != 0,
            from,
            to: Number(from.0.wrapping_add(self.u64()?)),
            calls: self.u32()?,
            late: self.numbers(before.from)?,
        })
    }
}

#[cfg(test)]
mod tests;
