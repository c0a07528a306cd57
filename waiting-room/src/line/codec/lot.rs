//! The last lottery as bytes.

use super::{FORM, In, Out};
use crate::{
    line::{Drawn, List, Lot},
    lottery::Bytes,
    token::KeyId,
};

impl Out {
    pub(super) fn lot(&mut self, lot: &Lot) {
        self.u64(lot.opens_at.0);
        self.u64(u64::from(lot.key.0));
        self.u64(lot.from.0);
        self.length(usize::from(lot.list.is_some()));
        if let Some(list) = lot.list {
            self.u64(list.to.0);
            self.u64(list.end.0);
        }
        self.length(usize::from(lot.digest.is_some()));
        if let Some(digest) = &lot.digest {
            self.0.extend_from_slice(&digest.0);
        }
        self.length(usize::from(lot.drawn.is_some()));
        if let Some(drawn) = &lot.drawn {
            let beacon = drawn.beacon.as_deref().unwrap_or_default();
            self.length(beacon.len());
            self.0.extend_from_slice(beacon.as_bytes());
        }
    }
}

impl In<'_> {
    pub(super) fn lot(&mut self, form: u8) -> Option<Lot> {
        let mut lot = Lot {
            opens_at: self.time()?,
            key: KeyId(self.u64()?.try_into().ok()?),
            from: self.number()?,
            list: self.option(|input| {
                Some(List {
                    to: input.number()?,
                    end: input.number()?,
                })
            })?,
            digest: None,
            drawn: None,
        };
        // The form before has the digest with what was drawn.
        if form == FORM {
            lot.digest = self.option(|input| Some(Bytes(input.take()?)))?;
            lot.drawn = self.option(Self::drawn)?;
        } else if self.flag()? {
            lot.digest = Some(Bytes(self.take()?));
            lot.drawn = Some(self.drawn()?);
        }
        Some(lot)
    }

    fn drawn(&mut self) -> Option<Drawn> {
        let bytes = self.items(|input| input.take::<1>().map(|[byte]| byte))?;
        let beacon = String::from_utf8(bytes).ok()?;
        Some(Drawn {
            beacon: (!beacon.is_empty()).then_some(beacon),
        })
    }
}
