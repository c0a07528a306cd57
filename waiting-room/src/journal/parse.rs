//! Reading: the same form, and no other. What this accepts is written again byte for byte.
//!
//! Because the form has no choices, a reader is a walk along it: no tree is built, nothing nests, and
//! nothing is allocated beyond what the line itself holds.

use std::{ops::Range, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use thiserror::Error;

use super::{
    Entry, Event, First, Head, Kind, Limits, MOST_LATE, MOST_LINE, MOST_NUMBER, Opening, Passed,
    Text, Why, head::hash_of_hex,
};
use crate::value::{LineId, Number, Timestamp};

/// An entry as it was read, with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Place and hash of this line.
    pub head: Head,
    /// The hash it gives for the entry before it.
    pub prev: [u8; 32],
    /// What it says.
    pub entry: Entry,
}

/// Why a line is no entry: where the reader stopped, and what it would have taken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("at byte {at}: not {wanted}")]
pub struct ParseError {
    /// Bytes before the mistake.
    pub at: usize,
    /// What the form has there.
    pub wanted: &'static str,
}

impl Entry {
    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// When it is anything but an entry in the one form, byte for byte.
    pub fn parse(line: &[u8]) -> Result<Written, ParseError> {
        if line.len() > MOST_LINE {
            let (at, wanted) = (MOST_LINE, "a line of at most 4 MiB");
            return Err(ParseError { at, wanted });
        }
        let text = std::str::from_utf8(line).map_err(|error| ParseError {
            at: error.valid_up_to(),
            wanted: "UTF-8",
        })?;
        let mut input = In { text, at: 0 };
        let (seq, prev, entry) = input.line()?;
        let head = Head::of(seq, line);
        Ok(Written { head, prev, entry })
    }
}

type Read<T> = Result<T, ParseError>;

struct In<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> In<'a> {
    fn line(&mut self) -> Read<(u64, [u8; 32], Entry)> {
        let seq = self.member(r#"{"seq":"#, Self::place)?;
        let prev = self.member(r#","prev":""#, Self::hash)?;
        let entry = Entry {
            at: Timestamp(self.member(r#"","at":"#, Self::number)?),
            given: self.member(r#","given":"#, Self::number)?,
            horizon: self.member(r#","horizon":"#, Self::number)?,
            called: self.member(r#","called":"#, |i| i.or_null(Self::passed))?,
            arrived: self.member(r#","arrived":"#, |i| i.or_null(Self::passed))?,
            late: self.member(r#","late":["#, |i| i.list(Self::number))?,
            first: self.member(r#","first":["#, |i| i.list(Self::first))?,
            living: self.member(r#","living":"#, Self::number)?,
            active: self.member(r#","active":"#, Self::number)?,
            lapsed: self.member(r#","lapsed":"#, Self::number)?,
            limits: self.member(r#","limits":"#, Self::limits)?,
            why: self.member(r#","why":"#, |i| i.or_null(Self::why))?,
            event: match self.skip(r#","event":"#) {
                true => Some(self.event()?),
                false => None,
            },
        };
        self.take("}")?;
        if self.rest().is_empty() {
            Ok((seq, prev, entry))
        } else {
            self.fail("the end of the line")
        }
    }

    fn passed(&mut self) -> Read<Passed> {
        let from = self.member(r#"{"from":"#, Self::number)?;
        let to = self.member(r#","to":"#, Self::number)?;
        let passed = if self.skip(r#","which":""#) {
            self.which(from..to)
        } else {
            Passed::all(from..to)
        };
        let Some(passed) = passed else {
            return self
                .fail("a range with as many bits as numbers, or none where all were called");
        };
        self.take("}")?;
        Ok(passed)
    }

    /// Bits up to the closing quote.
    fn which(&mut self, range: Range<u64>) -> Option<Passed> {
        let (bits, _) = self.rest().split_once('"')?;
        let bytes = URL_SAFE_NO_PAD.decode(bits).ok()?;
        let passed = Passed::read(range, bytes)?;
        self.at += bits.len() + 1;
        Some(passed)
    }

    fn first(&mut self) -> Read<First> {
        let first = First {
            number: self.member(r#"{"number":"#, Self::number)?,
            by: self.member(r#","by":"#, Self::text)?,
            reason: self.member(r#","reason":"#, Self::text)?,
        };
        self.take("}")?;
        Ok(first)
    }

    fn limits(&mut self) -> Read<Limits> {
        let limits = Limits {
            active: self.member(r#"{"active":"#, |i| i.or_null(Self::small))?,
            per_minute: self.member(r#","per_minute":"#, |i| i.or_null(Self::small))?,
        };
        self.take("}")?;
        Ok(limits)
    }

    fn why(&mut self) -> Read<Why> {
        self.take("\"")?;
        let name = self.rest().split('"').next().unwrap_or_default();
        let Some(why) = Why::new(name) else {
            return self.fail("a reason of at most 32 letters");
        };
        self.at += name.len();
        self.take("\"")?;
        Ok(why)
    }

    fn event(&mut self) -> Read<Event> {
        self.take(r#"{"kind":""#)?;
        let name = self.rest().split('"').next().unwrap_or_default();
        let named_at = self.at;
        self.at += name.len();
        let by = self.member(r#"","by":"#, |i| i.or_null(Self::text))?;
        let detail = self.member(r#","detail":"#, |i| i.or_null(Self::text))?;
        let opening = match self.skip(r#","line":"#) {
            true => Some(self.opening()?),
            false => None,
        };
        self.take("}")?;
        let kind = match (name, opening) {
            ("opened", Some(opening)) => Kind::Opened(opening),
            ("tuned", opening) => Kind::Tuned(opening),
            ("paused", None) => Kind::Paused,
            ("resumed", None) => Kind::Resumed,
            ("drained", None) => Kind::Drained,
            ("announced", None) => Kind::Announced,
            ("drawn", None) => Kind::Drawn,
            ("closed", None) => Kind::Closed,
            _ => {
                self.at = named_at;
                return self.fail("an event with its line where it has one");
            }
        };
        Ok(Event { kind, by, detail })
    }

    fn opening(&mut self) -> Read<Opening> {
        let opening = Opening {
            tenant: self.member(r#"{"tenant":"#, Self::text)?,
            room: self.member(r#","room":"#, Self::text)?,
            line: LineId(self.member(r#","id":"#, Self::number)?),
            first: Number(self.member(r#","first":"#, Self::number)?),
            grace: Duration::from_millis(self.member(r#","grace_ms":"#, Self::number)?),
            absent_after: Duration::from_millis(
                self.member(r#","absent_after_ms":"#, Self::number)?,
            ),
        };
        self.take("}")?;
        Ok(opening)
    }

    fn member<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<T> {
        self.take(name)?;
        read(self)
    }

    fn or_null<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.skip("null") {
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// Values up to the closing bracket.
    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut values = Vec::new();
        if self.skip("]") {
            return Ok(values);
        }
        loop {
            if values.len() == MOST_LATE {
                return self.fail("a list of at most 131,072");
            }
            values.push(read(self)?);
            if self.skip("]") {
                return Ok(values);
            }
            self.take(",")?;
        }
    }

    fn number(&mut self) -> Read<u64> {
        let rest = self.rest();
        let end = rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = &rest[..end];
        let is_plain = digits == "0" || !digits.starts_with('0');
        match digits.parse() {
            Ok(number) if is_plain && number <= MOST_NUMBER => {
                self.at += end;
                Ok(number)
            }
            _ => self.fail("a whole number below 2^53"),
        }
    }

    fn place(&mut self) -> Read<u64> {
        if self.rest().starts_with('0') {
            return self.fail("a place from 1 on");
        }
        self.number()
    }

    fn small(&mut self) -> Read<u32> {
        let number = self.number()?;
        u32::try_from(number).or_else(|_| self.fail("a limit below 2^32"))
    }

    fn hash(&mut self) -> Read<[u8; 32]> {
        let digits = self.rest().as_bytes().get(..64);
        let Some(hash) = digits.and_then(hash_of_hex) else {
            return self.fail("64 hexadecimal digits");
        };
        self.at += 64;
        Ok(hash)
    }

    fn text(&mut self) -> Read<Text> {
        const WANTED: &str = "a text of 1 to 280 characters";
        self.take("\"")?;
        let mut plain = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find(['"', '\\']) else {
                return self.fail(WANTED);
            };
            plain.push_str(&rest[..end]);
            self.at += end;
            if self.skip("\"") {
                break;
            }
            if self.skip(r#"\""#) {
                plain.push('"');
            } else if self.skip(r"\\") {
                plain.push('\\');
            } else {
                return self.fail(r#"\" or \\"#);
            }
        }
        Text::new(&plain).or_else(|_| self.fail(WANTED))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn take(&mut self, wanted: &'static str) -> Read<()> {
        if self.skip(wanted) {
            return Ok(());
        }
        self.fail(wanted)
    }

    fn fail<T>(&self, wanted: &'static str) -> Read<T> {
        Err(ParseError {
            at: self.at,
            wanted,
        })
    }
}
