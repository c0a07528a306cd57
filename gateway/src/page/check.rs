//! What a template of a tenant's own must have and may not have, told with line and column.
//!
//! The content security policy would stop most of it in the visitor's browser anyway: no script but ours, no
//! style but the page's own, nothing from elsewhere. This says so to the template's author, in time. It reads
//! tags as a browser does, except that it refuses what browsers read differently from each other.

mod rules;
mod style;

use std::collections::BTreeSet;

use rules::Attribute;

use super::hole::{Hole, Place};
use super::template::{HOLE, Piece, TemplateError, What};

/// The contents of the page's `<style>` elements, for the policy.
///
/// # Errors
/// The first thing that is missing or may not be there.
pub(super) fn page(source: &str, pieces: &[Piece]) -> Result<Vec<String>, TemplateError> {
    let text: String = pieces.iter().map(|piece| piece.what.to_string()).collect();
    let mut scan = Scan {
        source,
        pieces,
        text: &text,
        at: 0,
        found: Found::default(),
    };
    scan.run()?;
    let Found {
        styles,
        has_head,
        has_say,
        has_enter,
        ids: _,
    } = scan.found;
    let count = |wanted: Hole| {
        pieces
            .iter()
            .filter(|piece| piece.what == What::Hole(wanted))
            .count()
    };
    let once = |hole: Hole| {
        (
            count(hole) == 1,
            format!("{{{{ {} }}}} stands in it once", hole.name()),
        )
    };
    let needs = [
        once(Hole::Script),
        once(Hole::Refresh),
        once(Hole::WithoutScript),
        (
            has_head,
            "something has id=\"head\": what state the visitor is in".to_owned(),
        ),
        (
            has_say,
            "something has id=\"say\" and aria-live=\"polite\": what a screen reader hears"
                .to_owned(),
        ),
        (
            has_enter,
            "a link has id=\"enter\" and href=\"{{ original }}\": the way in".to_owned(),
        ),
    ];
    match needs.into_iter().find(|(met, _)| !met) {
        Some((_, need)) => Err(TemplateError::new(
            source,
            0,
            format!("a page needs that {need}"),
        )),
        None => Ok(styles),
    }
}

/// What ends a comment, or an element of text around it, sooner than it says.
const ODD: [&str; 3] = ["--!>", "<!--", "</"];

#[derive(Debug, Default)]
struct Found<'t> {
    ids: BTreeSet<&'t str>,
    styles: Vec<String>,
    has_head: bool,
    has_say: bool,
    has_enter: bool,
}

struct Scan<'t> {
    source: &'t str,
    pieces: &'t [Piece],
    text: &'t str,
    at: usize,
    found: Found<'t>,
}

impl<'t> Scan<'t> {
    /// The error, placed in the template rather than in what it made.
    fn error<T>(&self, at: usize, problem: impl Into<String>) -> Result<T, TemplateError> {
        let (piece, start) = self.piece(at);
        let inside = match piece.map(|piece| &piece.what) {
            // A word or the style is longer than its name: then the name is meant.
            Some(What::Text(text))
                if self.source[piece.map_or(0, |p| p.at)..].starts_with(&**text) =>
            {
                at - start
            }
            _ => 0,
        };
        let at = piece.map_or(0, |piece| piece.at) + inside;
        Err(TemplateError::new(self.source, at, problem))
    }

    /// The piece that `at` lies in, and where that begins.
    fn piece(&self, at: usize) -> (Option<&'t Piece>, usize) {
        let mut start = 0;
        for piece in self.pieces {
            let length = match &piece.what {
                What::Text(text) => text.len(),
                What::Hole(_) => HOLE.len(),
            };
            if at < start + length {
                return (Some(piece), start);
            }
            start += length;
        }
        (self.pieces.last(), start)
    }

    fn hole(&self, at: usize) -> Option<Hole> {
        match self.piece(at).0?.what {
            What::Hole(hole) => Some(hole),
            What::Text(_) => None,
        }
    }

    fn run(&mut self) -> Result<(), TemplateError> {
        while let Some(next) = self.text[self.at..].find(['<', '\u{1}']) {
            let at = self.at + next;
            let rest = &self.text[at..];
            if rest.starts_with(HOLE) {
                let hole = self.hole(at);
                if hole.is_some_and(|hole| !matches!(hole.place(), Place::Text | Place::Markup)) {
                    return self.error(at, "this stands only inside a tag");
                }
                self.at = at + HOLE.len();
            } else if let Some(comment) = rest.strip_prefix("<!--") {
                match comment.find("-->") {
                    // Browsers end some comments sooner, and read no comment at all inside some elements.
                    Some(end)
                        if comment.starts_with(['>', '-'])
                            || ODD.iter().any(|odd| comment[..end].contains(odd)) =>
                    {
                        return self.error(at, "an odd comment");
                    }
                    Some(end) => self.at = at + "<!---->".len() + end,
                    None => return self.error(at, "the comment has no end"),
                }
            } else if rest[1..]
                .starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!')
            {
                self.tag(at)?;
            } else {
                return self.error(at, "write `<` as `&lt;`");
            }
        }
        Ok(())
    }

    fn tag(&mut self, at: usize) -> Result<(), TemplateError> {
        let rest = &self.text[at + 1..];
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '\u{1}');
        let slash = usize::from(rest.starts_with('/'));
        let length = rest[slash..]
            .find(ends)
            .map_or(rest.len(), |end| end + slash);
        let name = rest[..length].to_ascii_lowercase();
        let element = &name[slash..];
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name != "!doctype" && (element.is_empty() || !element.chars().all(plain)) {
            return self.error(at, "not the name of an element");
        }
        if rules::REFUSED.contains(&element) {
            return self.error(at, format!("<{element}> is not allowed here"));
        }
        self.at = at + 1 + length;
        let mut attributes = Vec::new();
        while let Some(attribute) = self.attribute(at)? {
            attributes.push(attribute);
        }
        if name == "!doctype" || name.starts_with('/') {
            return Ok(());
        }
        for (index, attribute) in attributes.iter().enumerate() {
            if attributes[..index]
                .iter()
                .any(|other| other.name == attribute.name)
            {
                return self.error(attribute.at, format!("`{}` stands twice", attribute.name));
            }
            self.check(element, attribute, &attributes)?;
        }
        self.note(element, &attributes)?;
        match element {
            "style" => self.style(),
            "title" | "textarea" => self.only_text(at, element),
            _ => Ok(()),
        }
    }

    /// The next attribute; none at the end of the tag, which is passed.
    fn attribute(&mut self, tag: usize) -> Result<Option<Attribute<'t>>, TemplateError> {
        loop {
            let rest = self.text[self.at..]
                .trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            let at = self.text.len() - rest.len();
            self.at = at;
            if rest.is_empty() {
                return self.error(tag, "the tag has no `>`");
            }
            if rest.starts_with('>') {
                self.at += 1;
                return Ok(None);
            }
            if rest.starts_with(HOLE) {
                if self.hole(at).is_none_or(|hole| hole.place() != Place::Tag) {
                    return self.error(at, "this does not stand inside a tag");
                }
                self.at += HOLE.len();
                continue;
            }
            let length = rest
                .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/' | '\u{1}'))
                .unwrap_or(rest.len());
            if length == 0 || rest[..length].contains(['"', '\'', '<', '`']) {
                return self.error(at, "not the name of an attribute");
            }
            let name = rest[..length].to_ascii_lowercase();
            let (value, value_at) = self.value(at + length)?;
            return Ok(Some(Attribute {
                name,
                value,
                at,
                value_at,
            }));
        }
    }

    /// What follows an attribute's name, and where it begins; empty if there is none.
    fn value(&mut self, at: usize) -> Result<(&'t str, usize), TemplateError> {
        let rest = self.text[at..].trim_ascii_start();
        let Some(rest) = rest.strip_prefix('=') else {
            self.at = at;
            return Ok(("", at));
        };
        let rest = rest.trim_ascii_start();
        let at = self.text.len() - rest.len();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let Some(length) = rest[1..].find(quote) else {
                return self.error(at, "the quote is not closed");
            };
            if let Some(tag) = rest[1..=length].find('<') {
                // Where a browser takes an element's content for text, this could end it.
                return self.error(at + 1 + tag, "write `<` as `&lt;`");
            }
            self.at = at + 1 + length + 1;
            return Ok((&rest[1..=length], at + 1));
        }
        // ` hidden` may follow at once: it brings its own space.
        let ends = |(inside, c): (usize, char)| {
            let hole = (c == '\u{1}').then(|| self.hole(at + inside)).flatten();
            c.is_ascii_whitespace()
                || c == '>'
                || hole.is_some_and(|hole| hole.place() == Place::Tag)
        };
        let length = rest
            .char_indices()
            .find(|found| ends(*found))
            .map_or(rest.len(), |(end, _)| end);
        if rest[..length].contains(['"', '\'', '<', '`', '=', '\u{1}']) {
            return self.error(at, "this value needs quotes");
        }
        self.at = at + length;
        Ok((&rest[..length], at))
    }

    fn check(
        &self,
        element: &str,
        attribute: &Attribute<'t>,
        all: &[Attribute<'t>],
    ) -> Result<(), TemplateError> {
        let holes = attribute.value.match_indices(HOLE);
        let mut holes = holes.filter_map(|(inside, _)| self.hole(attribute.value_at + inside));
        let problem = holes
            .find_map(|hole| rules::misplaced(attribute, hole))
            .or_else(|| rules::forbidden(element, attribute, all));
        match problem {
            Some(problem) => self.error(attribute.at, problem),
            None => Ok(()),
        }
    }

    /// Browsers take all there is up to the end of such an element for text.
    fn only_text(&self, at: usize, element: &str) -> Result<(), TemplateError> {
        let rest = &self.text[self.at..];
        match rest.find('<') {
            Some(tag)
                if rest[tag..]
                    .to_ascii_lowercase()
                    .starts_with(&format!("</{element}")) =>
            {
                Ok(())
            }
            Some(tag) => self.error(self.at + tag, "write `<` as `&lt;`"),
            None => self.error(at, format!("<{element}> has no end")),
        }
    }

    /// What the script looks for. It takes the first of a name, and so there may be but one.
    fn note(&mut self, element: &str, attributes: &[Attribute<'t>]) -> Result<(), TemplateError> {
        let value = |name: &str| attributes.iter().find(|a| a.name == name);
        let id = value("id");
        let name = id.map(|id| id.value).unwrap_or_default();
        if let Some(id) = id
            && !name.contains(HOLE)
            && !self.found.ids.insert(name)
        {
            return self.error(id.at, format!("the id `{name}` stands twice"));
        }
        let leads_in =
            |a: &Attribute<'t>| a.value == HOLE && self.hole(a.value_at) == Some(Hole::Original);
        match id.map(|id| id.value) {
            Some("head") => self.found.has_head = true,
            Some("say") => {
                self.found.has_say = value("aria-live").is_some_and(|a| a.value == "polite")
            }
            Some("enter") => {
                self.found.has_enter = element == "a" && value("href").is_some_and(leads_in)
            }
            _ => {}
        }
        Ok(())
    }

    /// The rest of a `<style>`, kept for its hash.
    fn style(&mut self) -> Result<(), TemplateError> {
        let (at, rest) = (self.at, &self.text[self.at..]);
        let lower = rest.to_ascii_lowercase();
        let Some(length) = lower.find("</style") else {
            return self.error(at, "<style> has no end");
        };
        let lower = &lower[..length];
        if let Some(tag) = lower.find('<') {
            return self.error(
                at + tag,
                "a `<` in a style is read differently by different browsers",
            );
        }
        if let Some(hole) = lower.find(HOLE) {
            return self.error(
                at + hole,
                "what differs between visitors cannot stand in a style",
            );
        }
        let is_reference = |(_, after): &(usize, &str)| {
            after[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '#')
        };
        let mut ands = lower
            .match_indices('&')
            .map(|(and, _)| (and, &lower[and..]));
        if let Some((and, _)) = ands.find(is_reference) {
            return self.error(
                at + and,
                "in the style of a drawing this stands for another character",
            );
        }
        if let Some(found) = style::loads(lower) {
            return self.error(at + found, "a style loads nothing: carry it along as data:");
        }
        self.found.styles.push(rest[..length].to_owned());
        self.at = at + length;
        Ok(())
    }
}
