//! What only the holder of the keys can make: a draw's secret and the tags of its tickets.
//!
//! Both are derived from the room's key and the opening, so every gateway of a fleet has them, a store
//! that loses everything loses nothing of a draw, and there is nothing to hand around. The key is
//! named: a rotation between the announcement and the draw changes nothing while the old key stays in
//! the ring.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Bytes, Hash, Tag};
use crate::{
    token::{KeyId, Seal},
    value::Timestamp,
};

const SECRET: &str = "fluxgate lottery secret v1";
const TAGS: &str = "fluxgate lottery tags v1";

/// The secret of a draw: what it commits to beforehand and publishes afterwards. Not printed for
/// debugging.
#[derive(Clone)]
pub struct Secret(pub(super) [u8; 32]);

/// Makes the tags of one draw's tickets.
#[derive(Clone)]
pub struct TagMaker(Hmac<Sha256>);

impl Seal {
    /// The secret of the draw that was announced for `opens_at` under `key`; `None` if the ring has no
    /// such key.
    ///
    /// `opens_at` names the draw: one that is put off is another draw, with a commitment of its own that is shown from
    /// then on.
    #[must_use]
    pub fn draw_secret(&self, key: KeyId, opens_at: Timestamp) -> Option<Secret> {
        self.derive(key, SECRET, &opens_at.0.to_be_bytes())
            .map(Secret)
    }

    /// The tags of the same draw's tickets; `None` if the ring has no such key.
    #[must_use]
    pub fn draw_tags(&self, key: KeyId, opens_at: Timestamp) -> Option<TagMaker> {
        let key = self.derive(key, TAGS, &opens_at.0.to_be_bytes())?;
        let mac = Hmac::new_from_slice(&key).expect("HMAC takes keys of any length");
        Some(TagMaker(mac))
    }
}

impl Secret {
    /// What is shown before the pre-queue opens.
    #[must_use]
    pub fn commitment(&self) -> Hash {
        Hash::of([&self.0])
    }

    /// What is shown after the draw, and not a moment earlier.
    #[must_use]
    pub fn reveal(&self) -> Hash {
        Bytes(self.0)
    }
}

impl TagMaker {
    /// The tag of the ticket at `index`. Two compressions of SHA-256.
    #[must_use]
    pub fn tag(&self, index: u32) -> Tag {
        let mut mac = self.0.clone();
        mac.update(&index.to_be_bytes());
        let whole = mac.finalize().into_bytes();
        Bytes(*whole.first_chunk().expect("SHA-256 gives 32 bytes"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl fmt::Debug for TagMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagMaker(..)")
    }
}
