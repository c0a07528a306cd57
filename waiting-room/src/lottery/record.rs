//! What is published about a draw, as JSON.

use serde::{Deserialize, Serialize};

use super::{Beacon, Draw, Hash, Secret, Tag, VerifyError};

/// The version of the record's form and of every computation behind it.
pub const VERSION: u32 = 1;
/// The version of the rule's text, which the page shows before the start: see `docs/lottery`.
pub const RULE: u32 = 1;

/// All that follows from a draw follows from this. Members other than these are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`VERSION`].
    pub version: u32,
    /// The room's name.
    pub room: String,
    /// The opening that names the draw, as RFC 3339 text. For people; nothing is computed from it.
    pub opens_at: String,
    /// [`RULE`].
    pub rule: u32,
    /// What was shown before the pre-queue opened.
    pub commitment: Hash,
    /// What it committed to.
    pub secret: Hash,
    /// How many tickets the closed list has.
    pub count: u32,
    /// Its digest.
    pub digest: Hash,
    /// The public value that was mixed in.
    pub beacon: Option<Beacon>,
    /// What that value was called beforehand, so that anybody can look it up, such as a round of a
    /// public randomness beacon or the hash of a block still to come.
    pub beacon_name: Option<String>,
    /// The whole list: the tag of every index. Left out as a rule, since a ticket's path is enough for
    /// its holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// One ticket's share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// That a ticket was in the closed list, and which place it drew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Where the ticket stood in the list, from 0.
    pub index: u32,
    /// Its tag.
    pub tag: Tag,
    /// The siblings on the way from its leaf to the digest, nearest first (RFC 6962, section 2.1.1): at
    /// most 32.
    pub path: Vec<Hash>,
    /// The place it drew, from 0.
    pub place: u32,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// When it has another version or is not a record at all. What it says is not checked: see
    /// [`verify`](super::verify).
    pub fn from_json(text: &str) -> Result<Self, VerifyError> {
        /// Another version may have other members: it is asked for first.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        /// Published beside what binds the next lottery.
        #[derive(Deserialize)]
        struct Beside {
            record: serde_json::Value,
        }
        let beside = serde_json::from_str::<Beside>(text).map(|beside| beside.record.to_string());
        let text = beside.as_deref().unwrap_or(text);
        let Versioned { version } = serde_json::from_str(text).map_err(VerifyError::Form)?;
        if version != VERSION {
            return Err(VerifyError::Version { found: version });
        }
        serde_json::from_str(text).map_err(VerifyError::Form)
    }

    /// The text that is published.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a record is texts and numbers") + "\n"
    }

    /// The draw that follows from the record.
    #[must_use]
    pub fn draw(&self) -> Draw {
        let secret = Secret(self.secret.0);
        Draw::new(&secret, &self.digest, self.beacon.as_ref(), self.count)
    }
}
