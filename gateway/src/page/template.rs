//! A template with the work done before the first visitor: rendered once, cut at its holes.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::{tighten, words::Words};

/// Marks a hole in the rendered template; neither can stand in a template or in a word file, which
/// are text (JSON refuses control characters).
const OPEN: char = '\u{1}';
const SHUT: char = '\u{2}';

/// The sources of the page.
const PAGE: &str = include_str!("queue.html");
const STYLE: &str = include_str!("queue.css");
const SCRIPT: &str = include_str!("queue.js");

/// Where two pages of one language differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    Ahead,
    Behind,
    ClaimUrl,
    Clock,
    FormHidden,
    Go,
    Head,
    LeaveHidden,
    LeaveUrl,
    Note,
    Original,
    Position,
    Reason,
    RefreshMeta,
    RefreshingHidden,
    Room,
    StatusJson,
    StatusUrl,
    StillUrl,
    Ticket,
    Title,
    Turn,
    Updated,
    View,
}

impl Hole {
    /// Each hole by the name that the template uses; its index is what stands between the marks.
    const ALL: [(&'static str, Self); 24] = [
        ("ahead", Self::Ahead),
        ("behind", Self::Behind),
        ("claim_url", Self::ClaimUrl),
        ("clock", Self::Clock),
        ("form_hidden", Self::FormHidden),
        ("go", Self::Go),
        ("head", Self::Head),
        ("leave_hidden", Self::LeaveHidden),
        ("leave_url", Self::LeaveUrl),
        ("note", Self::Note),
        ("original", Self::Original),
        ("position", Self::Position),
        ("reason", Self::Reason),
        ("refresh_meta", Self::RefreshMeta),
        ("refreshing_hidden", Self::RefreshingHidden),
        ("room", Self::Room),
        ("status_json", Self::StatusJson),
        ("status_url", Self::StatusUrl),
        ("still_url", Self::StillUrl),
        ("ticket", Self::Ticket),
        ("title", Self::Title),
        ("turn", Self::Turn),
        ("updated", Self::Updated),
        ("view", Self::View),
    ];
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

/// The inline style and script, exactly as every page carries them.
#[derive(Debug)]
pub(super) struct Inline {
    pub(super) css: String,
    pub(super) js: String,
}

impl Inline {
    pub(super) fn prepare() -> Self {
        Self {
            css: tighten::css(STYLE),
            js: tighten::js(SCRIPT),
        }
    }
}

impl Prepared {
    /// Renders the template with `words` and cuts it.
    ///
    /// # Errors
    /// The template does not parse, or names a word or a hole that does not exist.
    pub(super) fn compile(
        language: &str,
        words: &Words,
        inline: &Inline,
    ) -> Result<Self, minijinja::Error> {
        let holes = Hole::ALL
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (*name, format!("{OPEN}{index}{SHUT}")));
        let holes: BTreeMap<_, _> = holes.collect();
        let carried =
            serde_json::to_string(&words.script).expect("words are strings under string keys");
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        let rendered = environment
            .template_from_named_str("queue.html", &tighten::html(PAGE))?
            .render(context! {
                lang => language,
                t => &words.page,
                css => &inline.css,
                js => &inline.js,
                words => carried.replace('<', "\\u003c"),
                hole => &holes,
            })?;
        Ok(Self::cut(&rendered))
    }

    fn cut(rendered: &str) -> Self {
        let mut parts: Vec<(Box<str>, Hole)> = Vec::with_capacity(Hole::ALL.len() + 4);
        let mut rest = rendered;
        while let Some((before, after)) = rest.split_once(OPEN) {
            let (index, after) = after
                .split_once(SHUT)
                .expect("every hole was opened and shut by compile");
            let index: usize = index.parse().expect("a hole is an index");
            parts.push((before.into(), Hole::ALL[index].1));
            rest = after;
        }
        let length = parts.iter().map(|(before, _)| before.len()).sum::<usize>() + rest.len();
        Self {
            parts,
            tail: rest.into(),
            length,
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
