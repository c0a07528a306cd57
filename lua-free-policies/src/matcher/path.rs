//! Paths: `/sale/**`, `/orders/*/receipt`, `/health`.
//!
//! A proxy forwards the path as the client wrote it, and origins read it each in their own way: one
//! decodes `%2e%2e`, one folds `//`, one drops `;x`. So a pattern is matched against a normal form in
//! which all of those say the same, and a path that some origin could read as *another* path is refused
//! ([`Ambiguous`]) rather than matched. Letter case is significant, as in the URI standard.

use std::borrow::Cow;

use crate::diagnostic::Complaint;
use crate::document::Scalar;

/// Why a path is refused: some servers would read it as a different one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// It does not begin with `/`.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// It begins with two slashes: some take what follows for a host's name.
    #[error("the path begins with two slashes")]
    LooksLikeHost,
    /// A `%` without two hex digits after it.
    #[error("the path has a broken percent escape")]
    BrokenEscape,
    /// An escaped `/`, `\`, control character, or an escape that hides another escape.
    #[error("the path hides a separator, a control character or an escape in an escape")]
    HiddenSeparator,
    /// A backslash or control character in plain sight.
    #[error("the path has a backslash or a control character")]
    ForbiddenByte,
    /// A `.` or `..` segment, escaped or not.
    #[error("the path has a dot segment")]
    DotSegment,
    /// What it decodes to is not UTF-8.
    #[error("the path is not UTF-8")]
    NotUtf8,
}

/// A path in normal form: decoded once, no empty segments, no `;` parameters; keeps a final slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normal<'p>(Cow<'p, str>);

impl<'p> Normal<'p> {
    /// Brings a request's path (without its query) into normal form. Borrows when it already is.
    ///
    /// # Errors
    /// [`Ambiguous`] when servers would not agree on what the path is.
    pub fn of(path: &'p str) -> Result<Self, Ambiguous> {
        let bytes = path.as_bytes();
        if bytes.first() != Some(&b'/') {
            return Err(Ambiguous::NotAbsolute);
        }
        if is_plain(bytes) {
            return Ok(Self(Cow::Borrowed(path)));
        }
        if bytes.get(1) == Some(&b'/') {
            return Err(Ambiguous::LooksLikeHost);
        }
        let decoded = decode(bytes)?;
        let decoded = String::from_utf8(decoded).map_err(|_| Ambiguous::NotUtf8)?;
        let mut normal = String::with_capacity(decoded.len());
        for segment in decoded.split('/') {
            let segment = segment.split(';').next().unwrap_or(segment);
            match segment {
                "" => continue,
                "." | ".." => return Err(Ambiguous::DotSegment),
                _ => {
                    normal.push('/');
                    normal.push_str(segment);
                }
            }
        }
        if decoded.ends_with('/') || normal.is_empty() {
            normal.push('/');
        }
        Ok(Self(Cow::Owned(normal)))
    }

    /// The text; begins with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// True when every server reads the path alike already: the common case, no allocation.
fn is_plain(path: &[u8]) -> bool {
    // Every byte is looked at, so that many are at once.
    let is_literal = path.iter().fold(true, |all, byte| {
        all & !matches!(byte, b'%' | b';' | b'\\' | 0..=0x1f | 0x7f..=0xff)
    });
    let is_dots = |segment: &[u8]| matches!(segment, b"." | b"..");
    let mut backwards = path[1..].rsplit(|byte| *byte == b'/');
    // Only the last may be empty: the path then ends with a slash.
    is_literal
        && !backwards.next().is_some_and(is_dots)
        && backwards.all(|segment| !segment.is_empty() && !is_dots(segment))
}

fn decode(path: &[u8]) -> Result<Vec<u8>, Ambiguous> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'%' => {
                let [high, low, tail @ ..] = rest else {
                    return Err(Ambiguous::BrokenEscape);
                };
                let value = hex(*high)
                    .zip(hex(*low))
                    .map(|(high, low)| high << 4 | low)
                    .ok_or(Ambiguous::BrokenEscape)?;
                rest = tail;
                if is_forbidden(value) || matches!(value, b'/' | b'%' | b';') {
                    return Err(Ambiguous::HiddenSeparator);
                }
                decoded.push(value);
            }
            byte if is_forbidden(*byte) => return Err(Ambiguous::ForbiddenByte),
            byte => decoded.push(*byte),
        }
    }
    Ok(decoded)
}

fn is_forbidden(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f || byte == b'\\'
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// What a path must look like, segment by segment.
///
/// `*` is any one segment. `**` stands last and is everything below, the bare parent included, so that
/// `/sale/**` also covers `/sale` and `/sale/`: a rule that protects a folder protects its door.
/// A pattern without `**` takes a path with or without a final slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    said: String,
    segments: Vec<Segment>,
    open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Word(String),
    Any,
}

impl PathPattern {
    /// Whether a path in normal form fits.
    pub fn matches(&self, path: &Normal<'_>) -> bool {
        let mut parts = path.as_str().split('/').filter(|part| !part.is_empty());
        for segment in &self.segments {
            match (segment, parts.next()) {
                (Segment::Any, Some(_)) => {}
                (Segment::Word(word), Some(part)) if word == part => {}
                _ => return false,
            }
        }
        self.open || parts.next().is_none()
    }

    /// Whether every path that fits `other` fits this one too, so that a later `other` is never reached.
    pub fn covers(&self, other: &Self) -> bool {
        let long_enough = match self.open {
            true => other.segments.len() >= self.segments.len(),
            false => !other.open && other.segments.len() == self.segments.len(),
        };
        let covered = |(mine, theirs): (&Segment, &Segment)| match mine {
            Segment::Any => true,
            Segment::Word(_) => mine == theirs,
        };
        long_enough && self.segments.iter().zip(&other.segments).all(covered)
    }

    /// As the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.said
    }
}

impl Scalar for PathPattern {
    fn read(text: &str) -> Result<Self, Complaint> {
        let refuse =
            |why: String| Err(Complaint::new(format!("`{text}` is not a path pattern")).hint(why));
        let Some(body) = text.strip_prefix('/') else {
            return refuse("it begins with a slash: /sale/**".to_owned());
        };
        let (body, open) = match body.strip_suffix("**") {
            Some(parent) if parent.is_empty() || parent.ends_with('/') => (parent, true),
            Some(_) => return refuse("`**` is a segment of its own: /sale/**".to_owned()),
            None => (body, false),
        };
        let body = body.strip_suffix('/').unwrap_or(body);
        let mut segments = Vec::new();
        for part in body.split('/').filter(|_| !body.is_empty()) {
            match part {
                "*" => segments.push(Segment::Any),
                part if part.contains('*') => {
                    return refuse("a star is a whole segment: /orders/*/receipt".to_owned());
                }
                part => segments.push(Segment::Word(part.to_owned())),
            }
        }
        match Normal::of(text) {
            Ok(normal) if normal.as_str() == text => Ok(Self {
                said: text.to_owned(),
                segments,
                open,
            }),
            Ok(normal) => refuse(format!("write it in normal form: {}", normal.as_str())),
            Err(why) => refuse(why.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
