//! An input, taken apart. One that is too short goes on as zeros, so that every input means something.

/// What is left of it.
#[derive(Debug)]
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub(crate) fn u32(&mut self) -> u32 {
        self.take(4)
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte))
    }

    pub(crate) fn u64(&mut self) -> u64 {
        self.take(8)
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    }
}
