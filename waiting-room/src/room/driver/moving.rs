//! The list of moves as this gateway has read it.

use std::{collections::HashSet, sync::Arc};

use super::Driver;
use crate::{
    handoff::{Move, Moves},
    store::StoreError,
};

/// What was read, and how far.
#[derive(Debug, Default)]
pub(super) struct Known {
    moves: Arc<Moves>,
    /// In the order in which they counted.
    all: Vec<Move>,
    known: HashSet<Move>,
    read: usize,
    /// The store may have lost some.
    is_doubted: bool,
}

impl Known {
    pub(super) fn read_all_again(&mut self) {
        self.is_doubted = true;
    }
}

impl Driver {
    /// Reads what was added since; after a new link the whole list, and what it lacks is written again.
    pub(super) async fn read_moves(&mut self) -> Result<Arc<Moves>, StoreError> {
        let store = &self.inner.store;
        if std::mem::take(&mut self.moves.is_doubted) {
            self.moves.read = 0;
        }
        let entries = store.moves(self.moves.read).await?;
        if self.moves.read == 0 {
            let theirs: HashSet<_> = entries.iter().collect();
            let ours = self.moves.all.iter().map(Move::encode);
            for entry in ours.filter(|entry| !theirs.contains(entry)) {
                store.add_move(&entry).await?;
            }
        }
        if entries.is_empty() {
            return Ok(Arc::clone(&self.moves.moves));
        }
        self.moves.read += entries.len();
        let mut moves = Moves::clone(&self.moves.moves);
        for next in entries.iter().filter_map(|bytes| Move::decode(bytes)) {
            moves.apply(&next);
            if self.moves.known.insert(next) {
                self.moves.all.push(next);
            }
        }
        moves.note_read(self.moves.read);
        self.moves.moves = Arc::new(moves);
        Ok(Arc::clone(&self.moves.moves))
    }
}
