//! Varints (LEB128): small numbers in few bytes, for what goes through the store.

/// Appends seven bits a byte, the lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What is still to be read.
pub(crate) struct In<'a>(pub(crate) &'a [u8]);

impl In<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*field))
    }

    /// `None` when it is cut short or does not fit.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_varint_comes_back_and_ends_where_it_should(value: u64, behind: u8) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert!(bytes.len() <= 10);
            bytes.push(behind);
            let mut input = In(&bytes);
            prop_assert_eq!(input.varint(), Some(value));
            prop_assert_eq!(input.0, &[behind]);
        }
    }

    #[test]
    fn a_varint_that_is_cut_short_or_too_great_is_refused() {
        assert_eq!(In(&[]).varint(), None);
        assert_eq!(In(&[0x80]).varint(), None);
        assert_eq!(In(&[0xff; 9]).varint(), None);
        let most = [[0xff; 9].as_slice(), &[0x01]].concat();
        assert_eq!(In(&most).varint(), Some(u64::MAX));
        let over = [[0xff; 9].as_slice(), &[0x02]].concat();
        assert_eq!(In(&over).varint(), None);
        assert_eq!(In(&[0x80; 11]).varint(), None);
    }
}
