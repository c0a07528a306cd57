//! Takes spaces and comments out of the page's sources when they are loaded.
//!
//! The sources are written to be read, and a page has to stay under 15 kB without a bundler in the
//! build. This is no minifier: it knows strings, comments and names, and nothing else. So the script uses no
//! regular expression and no template string ([`js`] could not tell them), and the style puts no
//! space before a colon that matters. A unary sign after a binary one keeps its space.

mod merge;
mod names;

/// Lines without indentation, none between two tags; attribute values that need no quotes have none.
pub(super) fn html(source: &str) -> String {
    let lines = source
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join("\n").replace(">\n<", "><");
    let mut out = String::with_capacity(joined.len());
    let mut pieces = joined.split("=\"");
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let plain = |value: &str| {
            !value.is_empty()
                && value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        match piece.split_once('"') {
            Some((value, rest)) if plain(value) => out.extend(["=", value, rest]),
            _ => out.extend(["=\"", piece]),
        }
    }
    out
}

/// A style sheet without comments and without space that separates nothing.
pub(super) fn css(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/']) {
        let (plain, tail) = rest.split_at(at);
        if let Some(comment) = tail.strip_prefix("/*") {
            push_css(&mut out, plain);
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if let Some(string) = tail.strip_prefix('"') {
            push_css(&mut out, plain);
            let end = string.find('"').map_or(string.len(), |end| end + 1);
            out.push('"');
            out.push_str(&string[..end]);
            rest = &string[end..];
        } else {
            push_css(&mut out, plain);
            out.push('/');
            rest = &tail[1..];
        }
    }
    push_css(&mut out, rest);
    out.replace(";}", "}").trim().to_owned()
}

fn push_css(out: &mut String, plain: &str) {
    for c in plain.chars() {
        let last = out.chars().next_back();
        if c.is_whitespace() {
            if last
                .is_some_and(|last| !matches!(last, ' ' | '{' | '}' | ';' | ',' | ':' | '>' | '('))
            {
                out.push(' ');
            }
            continue;
        }
        if last == Some(' ') && matches!(c, '{' | '}' | ';' | ',' | '>' | ')' | '!') {
            out.pop();
        }
        out.push(c);
    }
}

/// A script without `//` comments and without space that separates nothing. A line end stays unless what
/// stands before or after it cannot end or begin a statement.
pub(super) fn js(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        rest = if rest.starts_with("//") {
            rest.find('\n').map_or("", |end| &rest[end..])
        } else if matches!(c, '"' | '\'') {
            let end = string_end(rest, c);
            push_js(&mut out, c);
            out.push_str(&rest[1..end]);
            &rest[end..]
        } else {
            push_js(&mut out, c);
            &rest[c.len_utf8()..]
        };
    }
    names::shorten(&merge::merge(out.trim()))
}

/// The end of the string that `text` starts with, past its closing quote.
fn string_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            _ if c == quote && !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    text.len()
}

fn push_js(out: &mut String, c: char) {
    if c.is_whitespace() {
        match out.chars().next_back() {
            Some(' ') if c == '\n' => {
                out.pop();
                push_js(out, c);
            }
            // A line that goes on, or has just been ended.
            Some(last) if c == '\n' && matches!(last, '{' | '(' | '[' | ';' | ',' | '\n') => {}
            Some('\n' | ' ') | None => {}
            Some(_) => out.push(if c == '\n' { c } else { ' ' }),
        }
        return;
    }
    if out.ends_with('\n') && matches!(c, '}' | ')' | ']' | '.' | ':' | '?') {
        out.pop();
    }
    if out.ends_with(' ') {
        let before = out.chars().rev().nth(1).unwrap_or(' ');
        let signs = matches!((before, c), ('+', '+') | ('-', '-') | ('/', '/'));
        if !signs && (is_punctuation(before) || is_punctuation(c)) {
            out.pop();
        }
    }
    if c == '}' && out.ends_with(';') {
        out.pop();
    }
    out.push(c);
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() && !matches!(c, '$' | '_')
}
