//! The numbers of those who came while the store was lost.

use super::{In, Out};
use crate::provisional::{ListId, Numbered};

impl Out {
    pub(super) fn numbered(&mut self, all: &[Numbered]) {
        self.length(all.len());
        for numbered in all {
            self.u64(numbered.first.0);
            self.u64(u64::from(numbered.count));
            self.length(numbered.lists.len());
            numbered.lists.iter().for_each(|list| self.u64(list.0));
        }
    }
}

impl In<'_> {
    pub(super) fn numbered(&mut self) -> Option<Numbered> {
        Some(Numbered {
            first: self.number()?,
            count: self.u32()?,
            lists: self.items(|input| input.u64().map(ListId))?,
        })
    }
}
