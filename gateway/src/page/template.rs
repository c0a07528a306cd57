//! The template language, and a template with the work done before the first visitor.
//!
//! There is text, `{{ name }}`, `{# comment #}` and `{% if lang == "ko" %} … {% else %} … {% endif %}`, and
//! nothing else. What differs between two visitors stays open as a hole, so that a template is read once
//! per language at load and no engine runs while the gateway answers: not for a tenant's own either. There
//! is no loop, no call, no file and no value to build on, so that a hostile template can do no more than be
//! long, and that is bounded ([`LIMIT`]). Why not a bigger language: docs/decisions/0030.

use std::fmt;

use super::hole::Hole;

/// Bytes of a template's source, and of what it says in one language before the holes are filled. A page may
/// be much shorter still; this only bounds the work.
pub(crate) const LIMIT: usize = 64 * 1024;

/// What is wrong with a template, and where: its author's to put right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub(crate) struct TemplateError {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// What is wrong, with the remedy.
    pub(crate) problem: String,
}

impl TemplateError {
    /// About what begins `at` bytes into `source`.
    pub(super) fn new(source: &str, at: usize, problem: impl Into<String>) -> Self {
        let before = source.get(..at).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            line,
            column: before[start..].chars().count() + 1,
            problem: problem.into(),
        }
    }
}

/// What `{{ name }}` stands for.
#[derive(Debug)]
pub(super) enum Value<'v> {
    /// The same for every visitor; markup as it is.
    Text(&'v str),
    /// Different for each.
    Hole(Hole),
}

/// A piece of a page, with where in the template it comes from.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) at: usize,
    pub(super) what: What,
}

/// Text, or something to fill in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Text(Box<str>),
    Hole(Hole),
}

/// Reads `source` for one language; `value` tells what a name stands for, the language's own `lang`
/// excepted.
///
/// # Errors
/// A tag that is not closed, a name or a statement that does not exist, an `if` without its end, a control
/// character, or too much text.
pub(super) fn read<'v>(
    source: &str,
    lang: &str,
    value: impl Fn(&str) -> Option<Value<'v>>,
) -> Result<Vec<Piece>, TemplateError> {
    let mut reading = Reading {
        source,
        lang,
        pieces: Vec::new(),
        open: Vec::new(),
        length: 0,
    };
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if source.len() > LIMIT {
        return Err(reading.error(0, format!("a template has at most {LIMIT} bytes")));
    }
    if let Some(at) = source.find(odd) {
        return Err(reading.error(at, "a control character"));
    }
    let mut at = 0;
    while let Some(tag) = next_tag(source, at) {
        reading.text(at, &source[at..tag])?;
        at = reading.tag(tag, &value)?;
    }
    reading.text(at, &source[at..])?;
    match reading.open.last() {
        Some(branch) => Err(reading.error(branch.at, "this `if` has no `{% endif %}`")),
        None => Ok(reading.pieces),
    }
}

fn next_tag(source: &str, from: usize) -> Option<usize> {
    let found = source[from..].match_indices('{');
    let mut tags = found.map(|(at, _)| from + at);
    tags.find(|at| matches!(source.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#')))
}

/// An `if` that is open.
#[derive(Debug)]
struct Branch {
    at: usize,
    /// Whether what stands in the present arm is said.
    said: bool,
    /// Whether the `else` has come.
    turned: bool,
}

struct Reading<'s> {
    source: &'s str,
    lang: &'s str,
    pieces: Vec<Piece>,
    open: Vec<Branch>,
    length: usize,
}

impl Reading<'_> {
    fn error(&self, at: usize, problem: impl Into<String>) -> TemplateError {
        TemplateError::new(self.source, at, problem)
    }

    fn is_said(&self) -> bool {
        self.open.iter().all(|branch| branch.said)
    }

    fn text(&mut self, at: usize, text: &str) -> Result<(), TemplateError> {
        if text.is_empty() || !self.is_said() {
            return Ok(());
        }
        self.length += text.len();
        if self.length > LIMIT {
            return Err(self.error(at, format!("the page is longer than {LIMIT} bytes here")));
        }
        let what = What::Text(text.into());
        self.pieces.push(Piece { at, what });
        Ok(())
    }

    /// Obeys the tag that begins `at`; where it ends.
    fn tag<'v>(
        &mut self,
        at: usize,
        value: impl Fn(&str) -> Option<Value<'v>>,
    ) -> Result<usize, TemplateError> {
        let source = self.source;
        let (opening, rest) = source[at..].split_at(2);
        let closing = match opening {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let Some(length) = rest.find(closing) else {
            return Err(self.error(at, format!("`{opening}` is not closed by `{closing}`")));
        };
        let inside = rest[..length].trim();
        match opening {
            "{{" if inside == "lang" => self.text(at, self.lang)?,
            "{{" => match value(inside) {
                Some(Value::Text(text)) => self.text(at, text)?,
                Some(Value::Hole(hole)) if self.is_said() => {
                    let what = What::Hole(hole);
                    self.pieces.push(Piece { at, what });
                }
                Some(Value::Hole(_)) => {}
                None => return Err(self.error(at, format!("there is no `{inside}` to show"))),
            },
            "{%" => self.statement(at, inside)?,
            _ => {}
        }
        Ok(at + 2 + length + 2)
    }

    fn statement(&mut self, at: usize, inside: &str) -> Result<(), TemplateError> {
        let words: Vec<&str> = inside.split_whitespace().collect();
        match (words.as_slice(), self.open.last_mut()) {
            (["if", "lang", sign @ ("==" | "!="), quoted], _) => {
                let Some(lang) = unquoted(quoted) else {
                    return Err(self.error(at, "a language stands in quotes, as in \"ko\""));
                };
                let said = (lang == self.lang) == (*sign == "==");
                self.open.push(Branch {
                    at,
                    said,
                    turned: false,
                });
                Ok(())
            }
            (["else"], Some(branch)) if !branch.turned => {
                branch.turned = true;
                branch.said = !branch.said;
                Ok(())
            }
            (["endif"], Some(_)) => {
                self.open.pop();
                Ok(())
            }
            (["else" | "endif"], _) => {
                Err(self.error(at, format!("there is no `if` for this `{inside}`")))
            }
            _ => Err(self.error(
                at,
                format!(
                    "`{inside}` is not known: there are `if lang == \"ko\"`, `else` and `endif`"
                ),
            )),
        }
    }
}

fn unquoted(text: &str) -> Option<&str> {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
}

/// A page cut at its holes.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What stands before each hole, and the hole.
    parts: Vec<(Box<str>, Hole)>,
    /// What stands after the last.
    tail: Box<str>,
    /// Bytes of all of that.
    length: usize,
}

impl Prepared {
    pub(super) fn new(pieces: &[Piece]) -> Self {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut length = 0;
        for piece in pieces {
            match &piece.what {
                What::Text(more) => text.push_str(more),
                What::Hole(hole) => {
                    length += text.len();
                    parts.push((std::mem::take(&mut text).into_boxed_str(), *hole));
                }
            }
        }
        Self {
            length: length + text.len(),
            parts,
            tail: text.into_boxed_str(),
        }
    }

    /// The page, with `fill` writing what belongs into each hole. `extra` is how many bytes that is
    /// likely to be.
    pub(super) fn fill(&self, extra: usize, mut fill: impl FnMut(&mut String, Hole)) -> String {
        let mut out = String::with_capacity(self.length + extra);
        for (before, hole) in &self.parts {
            out.push_str(before);
            fill(&mut out, *hole);
        }
        out.push_str(&self.tail);
        out
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Hole(_) => f.write_str(HOLE),
        }
    }
}

/// Stands for a hole where a page is checked; no template has it, for it is a control character.
pub(super) const HOLE: &str = "\u{1}";
