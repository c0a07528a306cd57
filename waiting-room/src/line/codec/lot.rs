//! The last lottery as bytes.

use super::{FORM, In, Out};
use crate::{
    line::{Drawn, List, Lot, Promised},
    lottery::Bytes,
    token::KeyId,
};

impl Out {
    pub(super) fn lot(&mut self, lot: &Lot) {
        self.u64(lot.opens_at.0);
        self.u64(u64::from(lot.key.0));
        let name = lot.beacon_name.as_deref().unwrap_or_default();
        self.text(name);
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
            self.text(drawn.beacon.as_deref().unwrap_or_default());
        }
    }

    pub(super) fn promised(&mut self, promised: Option<Promised>) {
        self.length(usize::from(promised.is_some()));
        if let Some(Promised { opens_at, key }) = promised {
            self.u64(opens_at.0);
            self.u64(u64::from(key.0));
        }
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }
}

impl In<'_> {
    pub(super) fn promised(&mut self) -> Option<Option<Promised>> {
        self.option(|input| {
            Some(Promised {
                opens_at: input.time()?,
                key: KeyId(input.u64()?.try_into().ok()?),
            })
        })
    }

    pub(super) fn lot(&mut self, form: u8) -> Option<Lot> {
        let mut lot = Lot {
            opens_at: self.time()?,
            key: KeyId(self.u64()?.try_into().ok()?),
            beacon_name: self.since_form(form, Self::text)?,
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
        let beacon = self.text()?;
        Some(Drawn { beacon })
    }

    /// None where it is empty.
    fn text(&mut self) -> Option<Option<String>> {
        let bytes = self.items(|input| input.take::<1>().map(|[byte]| byte))?;
        let text = String::from_utf8(bytes).ok()?;
        Some((!text.is_empty()).then_some(text))
    }
}
