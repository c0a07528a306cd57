//! The list of moves as this gateway has read it.

use std::{collections::HashSet, sync::Arc};

use super::Driver;
use crate::{
    handoff::{Move, Moves},
    store::{EntryId, MOST_ENTRIES, StoreError},
    value::Number,
};

/// What was read, and how far.
#[derive(Debug, Default)]
pub(super) struct Known {
    moves: Arc<Moves>,
    /// In the order in which they counted.
    all: Vec<(EntryId, Move)>,
    known: HashSet<Move>,
    /// The store may have lost some.
    is_doubted: bool,
    floor: Number,
}

impl Known {
    pub(super) fn read_all_again(&mut self) {
        self.is_doubted = true;
    }
}

impl Driver {
    /// Reads what was added since; after a new link the whole list, and what it lacks is written again. What is below the
    /// line's `floor` is forgotten.
    pub(super) async fn read_moves(&mut self, floor: Number) -> Result<Arc<Moves>, StoreError> {
        let anew = self.moves.is_doubted;
        if anew {
            self.write_moves_again().await?;
        }
        let after = match anew {
            true => EntryId::default(),
            false => self.moves.moves.read(),
        };
        let entries = self.added_moves(after).await?;
        if anew {
            // In the order in which they stand there now, as all gateways read them.
            self.moves = Known::default();
        }
        if let Some((last, _)) = entries.last() {
            let mut moves = Moves::clone(&self.moves.moves);
            for (id, next) in &entries {
                let Some(next) = Move::decode(next) else {
                    continue;
                };
                moves.apply(&next);
                if self.moves.known.insert(next) {
                    self.moves.all.push((*id, next));
                }
            }
            moves.note_read(*last);
            self.moves.moves = Arc::new(moves);
        }
        if self.moves.floor < floor {
            self.forget_moves(floor).await?;
        }
        Ok(Arc::clone(&self.moves.moves))
    }

    async fn added_moves(&self, mut after: EntryId) -> Result<Vec<(EntryId, Vec<u8>)>, StoreError> {
        let mut all = Vec::new();
        loop {
            let added = self.inner.store.moves(after).await?;
            let is_last = added.len() < MOST_ENTRIES;
            all.extend(added);
            match all.last() {
                Some((last, _)) if !is_last => after = *last,
                _ => return Ok(all),
            }
        }
    }

    async fn write_moves_again(&self) -> Result<(), StoreError> {
        let theirs = self.added_moves(EntryId::default()).await?;
        let theirs: HashSet<_> = theirs.iter().map(|(_, entry)| entry).collect();
        let ours = self.moves.all.iter().map(|(_, own)| own.encode());
        for entry in ours.filter(|entry| !theirs.contains(entry)) {
            self.inner.store.add_move(&entry).await?;
        }
        Ok(())
    }

    /// The line has forgotten its beginning: the moves of those places go too, here and in the store.
    async fn forget_moves(&mut self, floor: Number) -> Result<(), StoreError> {
        let known = &mut self.moves;
        let over = known
            .all
            .iter()
            .take_while(|(_, moved)| moved.number < floor);
        let over = over.count();
        if let Some((last, _)) = over.checked_sub(1).and_then(|last| known.all.get(last)) {
            self.inner.store.forget_moves(*last).await?;
        }
        for (_, moved) in known.all.drain(..over) {
            known.known.remove(&moved);
        }
        let mut moves = Moves::clone(&known.moves);
        moves.forget_below(floor);
        known.moves = Arc::new(moves);
        known.floor = floor;
        Ok(())
    }
}
