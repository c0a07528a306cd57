//! Gives a script's own names one or two letters.
//!
//! One name of the source is one name of the result, everywhere, so that no scope has to be understood.
//! What stays: properties (after a `.`, or as a key before a `:`), strings, and what the language and the
//! browser call so ([`KEPT`], and what begins with a capital). The script therefore uses no shorthand property
//! and declares no name of that list.

use std::collections::BTreeMap;

/// Words that are not the script's own. One that is missing here breaks the page at once, in every browser
/// test.
const KEPT: [&str; 58] = [
    "addEventListener",
    "arguments",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "clearTimeout",
    "const",
    "continue",
    "default",
    "delete",
    "do",
    "document",
    "else",
    "encodeURIComponent",
    "export",
    "extends",
    "false",
    "fetch",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "localStorage",
    "location",
    "navigator",
    "new",
    "null",
    "of",
    "onmessage",
    "performance",
    "postMessage",
    "return",
    "self",
    "setTimeout",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "window",
    "with",
    "yield",
    "get",
    "set",
];

/// A word of the script, or what stands between two.
enum Token<'s> {
    Own(&'s str),
    Other(&'s str),
}

/// The script with its own names shortened, the most frequent ones most.
pub(super) fn shorten(script: &str) -> String {
    let tokens = tokens(script);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for token in &tokens {
        if let Token::Own(name) = token {
            *counts.entry(name).or_default() += 1;
        }
    }
    let mut by_use: Vec<_> = counts.into_iter().collect();
    by_use.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let short: BTreeMap<_, _> = by_use
        .into_iter()
        .map(|(name, _)| name)
        .zip(names())
        .collect();
    tokens
        .iter()
        .fold(String::with_capacity(script.len()), |mut out, token| {
            match token {
                Token::Own(name) => out.push_str(&short[name]),
                Token::Other(text) => out.push_str(text),
            }
            out
        })
}

/// `a`, `b`, … `z`, `aa`, `ab`, …, without words that mean something.
fn names() -> impl Iterator<Item = String> {
    let letters = || ('a'..='z').chain(['$', '_']);
    let two =
        letters().flat_map(move |first| ('a'..='z').map(move |second| format!("{first}{second}")));
    letters()
        .map(String::from)
        .chain(two)
        .filter(|name| !KEPT.contains(&name.as_str()))
}

fn tokens(script: &str) -> Vec<Token<'_>> {
    let bytes = script.as_bytes();
    let mut tokens = Vec::new();
    let (mut at, mut plain) = (0, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if matches!(byte, b'"' | b'\'') {
            at += super::string_end(&script[at..], char::from(byte));
        } else if byte.is_ascii_digit() {
            // With its exponent, which is no name.
            at += word(&bytes[at..]);
        } else if is_word(byte) {
            let end = at + word(&bytes[at..]);
            let name = &script[at..end];
            if is_own(name, script[..at].trim_end(), script[end..].trim_start()) {
                tokens.push(Token::Other(&script[plain..at]));
                tokens.push(Token::Own(name));
                plain = end;
            }
            at = end;
        } else {
            at += 1;
        }
    }
    tokens.push(Token::Other(&script[plain..]));
    tokens
}

fn is_own(name: &str, before: &str, after: &str) -> bool {
    let is_property = before.ends_with('.') && !before.ends_with("..");
    let is_key = after.starts_with(':') && before.ends_with(['{', ',']);
    !is_property
        && !is_key
        && !KEPT.contains(&name)
        && !name.starts_with(|c: char| c.is_ascii_uppercase())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

fn word(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_word(**byte)).count()
}
