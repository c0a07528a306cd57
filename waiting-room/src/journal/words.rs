//! Words in the log, checked once: what people wrote, and the names of reasons.

use std::{borrow::Cow, fmt};

use thiserror::Error;

/// Longest text, in characters.
const MOST_CHARS: usize = 280;
/// Longest reason.
const MOST_WHY: usize = 32;

/// What somebody wrote or is called: 1 to 280 characters, none of them a control character, not blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Box<str>);

/// Why a text cannot stand in the log. Its author's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing in it.
    #[error("the text is empty")]
    Blank,
    /// Over 280 characters.
    #[error("the text is longer than {MOST_CHARS} characters")]
    Long,
    /// A line break, a tab, or what a terminal would act on.
    #[error("the text has a line break or another control character")]
    Control,
}

impl Text {
    /// Checks what was written.
    ///
    /// # Errors
    /// When it is blank, over 280 characters long or has a control character.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.trim().is_empty() {
            Err(TextError::Blank)
        } else if text.chars().nth(MOST_CHARS).is_some() {
            Err(TextError::Long)
        } else if text.chars().any(char::is_control) {
            Err(TextError::Control)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why nobody, or fewer, are called: a name of 1 to 32 characters out of `a` to `z` and `_`.
///
/// Open: a reader takes a name it does not know for one that does not stop the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why(Cow<'static, str>);

impl Why {
    /// An operator paused the line.
    pub const PAUSED: Self = Self(Cow::Borrowed("paused"));
    /// The origin answers slowly, and the limits were lowered.
    pub const ORIGIN_SLOW: Self = Self(Cow::Borrowed("origin_slow"));
    /// The limits were changed.
    pub const LIMIT_CHANGED: Self = Self(Cow::Borrowed("limit_changed"));
    /// Nothing is left to sell.
    pub const SOLD_OUT: Self = Self(Cow::Borrowed("sold_out"));
    /// The event has not begun.
    pub const NOT_OPEN: Self = Self(Cow::Borrowed("not_open"));
    /// The lot is being drawn.
    pub const DRAWING: Self = Self(Cow::Borrowed("drawing"));
    /// The event is over.
    pub const CLOSED: Self = Self(Cow::Borrowed("closed"));
    /// The store was lost, or has just come back.
    pub const STORE_LOST: Self = Self(Cow::Borrowed("store_lost"));

    /// A reason by its name; `None` if that is no name.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let fits = (1..=MOST_WHY).contains(&name.len());
        (letters && fits).then(|| Self(Cow::Owned(name.to_owned())))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Whether nobody may be called for this reason.
    #[must_use]
    pub fn stops(&self) -> bool {
        let stopping = [
            Self::PAUSED,
            Self::SOLD_OUT,
            Self::NOT_OPEN,
            Self::DRAWING,
            Self::CLOSED,
        ];
        stopping.contains(self)
    }

    /// Whether it says that the limits are not what they were.
    pub(super) fn tells_of_limits(&self) -> bool {
        [Self::LIMIT_CHANGED, Self::ORIGIN_SLOW].contains(self)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
