//! The short public name of a ticket, such as `K7Q4MX`: what a visitor reads to a help desk.
//!
//! It is the ticket's number in the line, hidden by a small keyed permutation, so that the desk can find the ticket and
//! nobody can guess another's or tell how many came. It is no credential: it opens nothing.
//!
//! The permutation is a balanced Feistel network over 30 bits (two halves of 15) with six rounds of HMAC-SHA-256: for
//! short names, not for secrecy.

use hmac::Mac;

use super::{Code, KeyId, Seal, Ticket};
use crate::value::{LineId, Number};

/// Bits of a name: six letters of five.
pub(crate) const NAME_BITS: u32 = 30;
const HALF: u32 = NAME_BITS / 2;
const HALF_MASK: u32 = (1 << HALF) - 1;
const ROUNDS: u8 = 6;
const LABEL: &[u8] = b"fluxgate ticket name";
/// Crockford's base 32: no I, L, O or U to misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Seal {
    /// The secret of a ticket: the random bits of `nonce`, but for the lowest, which are its name.
    pub(crate) fn named_secret(&self, nonce: u64, line: LineId, number: Number) -> u64 {
        let mask = (1 << NAME_BITS) - 1;
        // Beyond 2^30 numbers names repeat: the desk then has to ask for more.
        let index = (number.0.wrapping_sub(line.0) & mask) as u32;
        let name = self.permuted((self.signer().0, line), index, 0..ROUNDS);
        (nonce & !mask) | u64::from(name.unwrap_or(index))
    }

    /// Two random-looking numbers for a ticket and a period, that only gateways can make.
    pub(crate) fn one_time(&self, ticket: &Ticket, period: u64) -> [u64; 2] {
        let context = [ticket.line.0, ticket.number.0, ticket.secret, period];
        let context = context.map(u64::to_be_bytes).concat();
        let derived = self.derive(self.signing_key(), "fluxgate handoff", &context);
        let derived = derived.expect("the signing key is in the ring");
        let half = |at: usize| {
            let bytes: [u8; 8] = std::array::from_fn(|i| derived[at + i]);
            u64::from_be_bytes(bytes)
        };
        [half(0), half(8)]
    }

    /// The numbers that tickets of this name may have in the line: one for each key of the ring.
    pub(crate) fn numbers_named(&self, name: &str, line: LineId) -> Vec<Number> {
        let Some(bits) = read(name) else {
            return Vec::new();
        };
        let unhidden = |id: KeyId| {
            // The halves are exchanged before and after, and the rounds run backwards.
            let swapped = (bits & HALF_MASK) << HALF | bits >> HALF;
            let index = self.permuted((id, line), swapped, (0..ROUNDS).rev())?;
            Some((index & HALF_MASK) << HALF | index >> HALF)
        };
        let indices = self.ids().filter_map(unhidden);
        indices
            .map(|index| Number(line.0).plus(u64::from(index)))
            .collect()
    }

    /// Each line has names of its own: one of yesterday leads to nobody, or to somebody by a chance of one in thousands.
    fn permuted(
        &self,
        (id, line): (KeyId, LineId),
        index: u32,
        rounds: impl Iterator<Item = u8>,
    ) -> Option<u32> {
        let mac = self.key(id)?;
        let (mut left, mut right) = (index >> HALF, index & HALF_MASK);
        for round in rounds {
            let mut mac = mac.clone();
            mac.update(LABEL);
            mac.update(&line.0.to_be_bytes());
            mac.update(&[round]);
            mac.update(&right.to_be_bytes());
            let tag = mac.finalize().into_bytes();
            let mixed = u32::from(u16::from_be_bytes([tag[0], tag[1]])) & HALF_MASK;
            (left, right) = (right, left ^ mixed);
        }
        Some(left << HALF | right)
    }
}

/// The name that the lowest bits of a secret spell.
pub(super) fn spell(secret: u64) -> Code {
    Code(spelled(secret))
}

/// The lowest bits as so many letters.
pub(crate) fn spelled<const LETTERS: usize>(bits: u64) -> [u8; LETTERS] {
    let mut rest = bits;
    std::array::from_fn(|_| {
        let letter = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
        letter
    })
}

/// A name as people write it: any case, with O for 0 and I or L for 1, as Crockford allows.
fn read(name: &str) -> Option<u32> {
    unspelled::<6>(name).and_then(|bits| u32::try_from(bits).ok())
}

/// The bits that so many letters spell, however they are written.
pub(crate) fn unspelled<const LETTERS: usize>(name: &str) -> Option<u64> {
    let letters: Vec<u8> = name
        .bytes()
        .filter(|byte| !matches!(byte, b'-' | b' '))
        .collect();
    if letters.len() != LETTERS {
        return None;
    }
    letters.iter().rev().try_fold(0, |bits, letter| {
        let letter = match letter.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            letter => letter,
        };
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        Some(bits << 5 | value as u64)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::{Keyring, Ticket, Told};
    use crate::value::Timestamp;

    fn seal(ids: &[u8]) -> Seal {
        let keys = ids.iter().map(|id| (KeyId(*id), vec![*id; 32]));
        Keyring::new(keys.collect())
            .expect("valid")
            .seal("acme", "sale")
    }

    proptest! {
        #[test]
        fn a_name_leads_back_to_its_number(index in 0_u64..1 << NAME_BITS, nonce: u64) {
            let (line, old) = (LineId(1_790_000_000_000), seal(&[1]));
            let number = Number(line.0 + index);
            let secret = old.named_secret(nonce, line, number);
            prop_assert_eq!(secret >> NAME_BITS, nonce >> NAME_BITS);
            let name = spell(secret).to_string();
            prop_assert_eq!(old.numbers_named(&name, line), vec![number]);
            // After a rotation, and as people write it.
            let spoken = name.to_lowercase().replace('0', "o").replace('1', "L");
            prop_assert!(seal(&[2, 1]).numbers_named(&spoken, line).contains(&number));
        }

        #[test]
        fn nonsense_names_nobody(text in "\\PC{0,12}") {
            let found = seal(&[1]).numbers_named(&text, LineId(0));
            prop_assert!(found.len() <= 1);
        }
    }

    #[test]
    fn neighbours_have_names_that_tell_nothing() {
        let (line, seal) = (LineId(0), seal(&[1]));
        let names: std::collections::BTreeSet<_> = (0..1_000)
            .map(|index| spell(seal.named_secret(0, line, Number(index))).to_string())
            .collect();
        assert_eq!(names.len(), 1_000);
        let first_letters: std::collections::BTreeSet<_> =
            names.iter().map(|name| &name[..1]).collect();
        assert_eq!(first_letters.len(), 32);
    }

    #[test]
    fn a_ticket_bears_the_name() {
        let (line, seal) = (LineId(0), seal(&[1]));
        let secret = seal.named_secret(u64::MAX, line, Number(7));
        let ticket = Ticket {
            line,
            number: Number(7),
            joined_at: Timestamp(0),
            told: Told::Called {
                at: Timestamp(0),
                until: Timestamp(0),
            },
            secret,
        };
        let named = seal.numbers_named(&ticket.code().to_string(), line);
        assert_eq!(named, [Number(7)]);
    }
}
