//! The lottery: in which order a pre-queue comes in, drawn so that nobody can rig it and anybody can
//! check it.
//!
//! Those who wait before the opening have consecutive numbers. At the opening the list is closed, and
//! whoever stands at an index of it (from 0, in the order of the numbers) draws a place (from 0, first
//! in first):
//!
//! | what | how it is made | when it is known |
//! | --- | --- | --- |
//! | secret | 32 bytes derived from the room's key and the opening, so that no store can lose it | after the draw |
//! | commitment | SHA-256(secret) | before the pre-queue opens |
//! | tag of an index | 16 bytes derived from the same key | to its holder, in the proof |
//! | digest of the list | Merkle root over the leaves `index, 4 bytes big-endian ‖ tag` (RFC 6962, section 2.1) | at closing, with the count |
//! | beacon | a public value, named beforehand, that nobody could know at closing; may be left out | after closing |
//! | seed | SHA-256(secret ‖ digest ‖ beacon) | after the draw |
//! | place of an index | a permutation under the seed, which needs no memory: [`Draw`] | after the draw |
//!
//! The commitment keeps the operator from choosing the secret once the list is known, the digest keeps
//! whoever knows the secret from choosing a good index, and the beacon keeps even the holder of the keys
//! from adding tickets until the draw suits. The digest of a list does not fix its length by itself, so
//! the two are always shown together.
//!
//! What is published is a [`Record`]; a ticket's own copy carries a [`Proof`]. [`verify`] checks both from
//! their text alone, and so does the script in `docs/lottery`, which shares no code with this module.

mod bytes;
mod draw;
mod record;
mod secret;
mod tree;
mod verify;

pub use bytes::{Beacon, Bytes, BytesError, Hash, Tag};
pub use draw::Draw;
pub use record::{Proof, RULE, Record, VERSION};
pub use secret::{Secret, TagMaker};
pub use tree::Tree;
pub use verify::{Report, Shown, ShownList, ShownListError, VerifyError, verify};

#[cfg(test)]
mod tests;
