//! A range of numbers that the line went past, and which of them were called.

use std::ops::Range;

/// A range the line went past in one tick. Never empty.
///
/// Who was called is one bit per number, lowest bit of the first byte first; there are no bits where all
/// were, which is the usual case and may be any number of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    from: u64,
    to: u64,
    which: Option<Box<[u8]>>,
}

impl Passed {
    /// The range, and who of it was called; `None` if it is empty.
    #[must_use]
    pub fn new(range: Range<u64>, is_called: impl Fn(u64) -> bool) -> Option<Self> {
        let Range { start, end } = range;
        let bytes = range.step_by(8).map(|first| {
            let numbers = (first..end).take(8).enumerate();
            numbers.fold(0, |byte, (bit, number)| {
                byte | u8::from(is_called(number)) << bit
            })
        });
        let bytes: Box<[u8]> = bytes.collect();
        let passed = Self::all(start..end)?;
        let is_full = passed.is_full(&bytes);
        Some(Self {
            which: (!is_full).then_some(bytes),
            ..passed
        })
    }

    /// A range all of which was called; `None` if it is empty.
    #[must_use]
    pub fn all(range: Range<u64>) -> Option<Self> {
        (range.start < range.end).then_some(Self {
            from: range.start,
            to: range.end,
            which: None,
        })
    }

    /// From bits as they were read; `None` unless they have the one form: as many bytes as the range needs,
    /// nothing behind its end, and not all set.
    pub(super) fn read(range: Range<u64>, bytes: Vec<u8>) -> Option<Self> {
        let passed = Self::all(range)?;
        let fits = bytes.len() as u64 == passed.len().div_ceil(8);
        let beyond = !passed.mask_of_last();
        let is_clear = bytes.last().is_some_and(|last| last & beyond == 0);
        (fits && is_clear && !passed.is_full(&bytes)).then_some(Self {
            which: Some(bytes.into()),
            ..passed
        })
    }

    /// The first number.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.from
    }

    /// The first number after it.
    #[must_use]
    pub fn to(&self) -> u64 {
        self.to
    }

    /// Whether `number` is in the range and was called.
    #[must_use]
    pub fn has_called(&self, number: u64) -> bool {
        if !(self.from..self.to).contains(&number) {
            return false;
        }
        let Some(bytes) = &self.which else {
            return true;
        };
        let within = number - self.from;
        let byte = usize::try_from(within / 8).ok();
        byte.and_then(|byte| bytes.get(byte))
            .is_some_and(|byte| byte & (1 << (within % 8)) != 0)
    }

    /// How many were called.
    #[must_use]
    pub fn calls(&self) -> u64 {
        match &self.which {
            None => self.len(),
            Some(bytes) => bytes.iter().map(|byte| u64::from(byte.count_ones())).sum(),
        }
    }

    /// How many above `number` were called.
    pub(super) fn calls_above(&self, number: u64) -> u64 {
        if number < self.from {
            return self.calls();
        }
        match &self.which {
            None => self.to.saturating_sub(number.saturating_add(1)),
            Some(_) => (number.saturating_add(1)..self.to)
                .filter(|n| self.has_called(*n))
                .count() as u64,
        }
    }

    /// How many numbers the range has.
    pub(super) fn len(&self) -> u64 {
        self.to - self.from
    }

    /// The bits, where not all were called.
    pub(super) fn which(&self) -> Option<&[u8]> {
        self.which.as_deref()
    }

    /// The numbers that were not called, in order. Costs as many steps as the range has bytes.
    pub(super) fn skipped(&self) -> impl Iterator<Item = u64> + '_ {
        let bytes = self.which.iter().flat_map(|bytes| bytes.iter());
        let last = self.len().div_ceil(8) - 1;
        (0_u64..).zip(bytes).flat_map(move |(index, byte)| {
            let mask = if index == last {
                self.mask_of_last()
            } else {
                !0
            };
            let base = self.from + index * 8;
            let absent = !byte & mask;
            (0..8_u64)
                .filter(move |bit| absent & (1 << bit) != 0)
                .map(move |bit| base + bit)
        })
    }

    /// The bits of the last byte that belong to the range.
    fn mask_of_last(&self) -> u8 {
        match self.len() % 8 {
            0 => !0,
            used => (1 << used) - 1,
        }
    }

    fn is_full(&self, bytes: &[u8]) -> bool {
        let full = |bytes: &[u8]| bytes.iter().all(|byte| *byte == !0);
        bytes
            .split_last()
            .is_some_and(|(last, rest)| *last == self.mask_of_last() && full(rest))
    }
}
