//! Places that moved to another device: which secret of a number is the one that counts.
//!
//! A device that has the place offers it: a short code is kept in the store for some minutes. Whoever brings the code
//! gets the ticket with a secret of its own, and adds a [`Move`] to the line's list of moves: this number goes from
//! that secret to this one. All gateways read the list in its order, and an entry counts only if the number was at
//! `from` then: so of two who bring one code the first has the place, a code that was used opens nothing, and writing
//! entries again (to a store that forgot) changes nothing.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::{
    store::EntryId,
    token::{NAME_BITS, Ticket, Told},
    value::{LineId, Number, Timestamp},
};

/// Letters of a code: forty bits.
const LETTERS: usize = 8;

/// One place, from one device to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Move {
    /// The place.
    pub number: Number,
    /// The secret of the ticket that offered it.
    pub from: u64,
    /// The secret of the ticket that took it.
    pub to: u64,
}

impl Move {
    /// In store form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.number.0, self.from, self.to]
            .map(u64::to_be_bytes)
            .concat()
    }

    /// The next step of a place, which is at a secret and has moved so often: one from elsewhere is none.
    pub(crate) fn follow(&self, (at, moves): &mut (u64, u32)) {
        if *at == self.from {
            *at = self.to;
            *moves += 1;
        }
    }

    /// Reads one back; `None` if it is not one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (fields, []) = bytes.as_chunks::<8>() else {
            return None;
        };
        let [number, from, to] = <[[u8; 8]; 3]>::try_from(fields)
            .ok()?
            .map(u64::from_be_bytes);
        Some(Self {
            number: Number(number),
            from,
            to,
        })
    }
}

/// All moves of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// The secret that counts, and how often the place has moved.
    now_at: HashMap<Number, (u64, u32)>,
    /// The last entry of the list that was read.
    read: EntryId,
}

impl Moves {
    /// Takes the next one of the list.
    pub fn apply(&mut self, next: &Move) {
        next.follow(self.now_at.entry(next.number).or_insert((next.from, 0)));
    }

    /// The secret that counts; `None` if the place never moved.
    #[must_use]
    pub fn at(&self, number: Number) -> Option<u64> {
        self.now_at.get(&number).map(|(at, _)| *at)
    }

    /// Whether no place ever moved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.now_at.is_empty()
    }

    /// How often a place has moved.
    #[must_use]
    pub fn count(&self, number: Number) -> u32 {
        self.now_at.get(&number).map_or(0, |(_, moves)| *moves)
    }

    /// The last entry of the list that these are from.
    #[must_use]
    pub fn read(&self) -> EntryId {
        self.read
    }

    /// The list has been read so far.
    pub(crate) fn note_read(&mut self, last: EntryId) {
        self.read = last;
    }

    /// How many places have moved.
    #[must_use]
    pub fn places(&self) -> usize {
        self.now_at.len()
    }

    /// Forgets the places below `floor`: nobody has them any more.
    pub(crate) fn forget_below(&mut self, floor: Number) {
        self.now_at.retain(|number, _| *number >= floor);
    }

    /// Whether a ticket with this secret has lost the place to another device.
    #[must_use]
    pub fn took(&self, number: Number, secret: u64) -> bool {
        self.at(number).is_some_and(|at| at != secret)
    }
}

/// A place that is offered to another device, as it is kept in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) line: LineId,
    pub(crate) number: Number,
    pub(crate) joined_at: Timestamp,
    pub(crate) secret: u64,
    /// From this follows the secret of whoever takes it.
    pub(crate) to: u64,
    /// From when nobody takes it.
    pub(crate) ends: Timestamp,
    /// Where its holder wanted to go.
    pub(crate) wanted: String,
}

impl Offer {
    /// The ticket of the device that takes it at `now`. A device that asks twice is the same device; of two, each has a
    /// secret of its own, and so the place goes to one.
    pub(crate) fn ticket(&self, device: u64, now: Timestamp) -> Ticket {
        let mut hash = Sha256::new_with_prefix(b"fluxgate handoff");
        hash.update(self.to.to_be_bytes());
        hash.update(device.to_be_bytes());
        let digest = hash.finalize();
        let own = digest.first_chunk().copied().map_or(0, u64::from_be_bytes);
        // The name of the place, by which a desk finds it, moves along.
        let name = (1 << NAME_BITS) - 1;
        Ticket {
            line: self.line,
            number: self.number,
            joined_at: self.joined_at,
            told: Told::nothing(now),
            secret: (own & !name) | (self.secret & name),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            line,
            number,
            joined_at,
            secret,
            to,
            ends,
            wanted,
        } = self;
        let fields = [line.0, number.0, joined_at.0, *secret, *to, ends.0];
        [&fields.map(u64::to_be_bytes).concat(), wanted.as_bytes()].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (fields, wanted) = bytes.split_first_chunk::<48>()?;
        let (fields, _) = fields.as_chunks::<8>();
        let fields = <[[u8; 8]; 6]>::try_from(fields).ok()?;
        let [line, number, joined_at, secret, to, ends] = fields.map(u64::from_be_bytes);
        Some(Self {
            line: LineId(line),
            number: Number(number),
            joined_at: Timestamp(joined_at),
            secret,
            to,
            ends: Timestamp(ends),
            wanted: String::from_utf8(wanted.to_vec()).ok()?,
        })
    }
}

/// A code of random bits, as people type it: `K7QM-2X9P`.
pub(crate) fn code(bits: u64) -> String {
    let letters = crate::token::spelled::<LETTERS>(bits);
    let (one, other) = letters.split_at(LETTERS / 2);
    let text = [one, b"-", other].concat();
    String::from_utf8(text).expect("the alphabet is ASCII")
}

/// The code that somebody typed, in its one spelling; `None` if it is none.
pub(crate) fn typed(text: &str) -> Option<String> {
    crate::token::unspelled::<LETTERS>(text).map(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(from: u64, to: u64) -> Move {
        Move {
            number: Number(7),
            from,
            to,
        }
    }

    #[test]
    fn of_two_who_bring_one_code_the_first_has_the_place() {
        let mut moves = Moves::default();
        moves.apply(&step(1, 2));
        moves.apply(&step(1, 3));
        assert_eq!(moves.at(Number(7)), Some(2));
        assert!(moves.took(Number(7), 1) && moves.took(Number(7), 3));
        assert!(!moves.took(Number(7), 2) && !moves.took(Number(8), 1));
    }

    #[test]
    fn a_list_that_is_written_again_says_the_same() {
        let mut once = Moves::default();
        [step(1, 2), step(2, 3)]
            .iter()
            .for_each(|next| once.apply(next));
        let twice = [step(1, 2), step(2, 3), step(1, 2), step(2, 3)];
        let mut again = Moves::default();
        twice.iter().for_each(|next| again.apply(next));
        assert_eq!(once, again);
    }

    #[test]
    fn what_is_kept_is_read_back_and_nothing_else() {
        let offer = Offer {
            line: LineId(1),
            number: Number(2),
            joined_at: Timestamp(3),
            secret: 4,
            to: 6,
            ends: Timestamp(5),
            wanted: "/sale/shoes".into(),
        };
        assert_eq!(Offer::decode(&offer.encode()), Some(offer.clone()));
        assert_eq!(Move::decode(&step(1, 2).encode()), Some(step(1, 2)));
        assert_eq!(
            (Offer::decode(&[1; 47]), Move::decode(&[1; 25])),
            (None, None)
        );
    }

    #[test]
    fn a_code_is_typed_in_any_way_that_people_write_it() {
        let code = code(0x12_3456_789a);
        assert_eq!(code.len(), 9);
        let loose = code.to_lowercase().replace('-', " ");
        assert_eq!(typed(&loose), Some(code));
        assert_eq!(
            (typed(""), typed("K7QM-2X9"), typed("K7QM-2X9U")),
            (None, None, None)
        );
    }
}
