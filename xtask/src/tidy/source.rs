//! Rust text taken apart just far enough for the rules: which characters are code, which lines are
//! tests. Not a parser: rustfmt has made the layout regular, and a rule needs no more.

/// What stands before an item that only tests compile.
const TEST_ATTRIBUTES: [&str; 5] = [
    "#[cfg(test)]",
    "#[cfg(all(test",
    "#[cfg(any(test",
    "#[test]",
    "#[tokio::test",
];

/// A Rust file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    /// As written.
    pub(super) lines: Vec<String>,
    /// The same lines with comments and the insides of literals blanked.
    pub(super) code: Vec<String>,
    /// Which lines only tests compile.
    pub(super) test: Vec<bool>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let blanked = blank(text);
        let code: Vec<String> = blanked.lines().map(str::to_owned).collect();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let test = test_lines(path, &code);
        Self {
            path: path.to_owned(),
            lines,
            code,
            test,
        }
    }

    /// The lines (from 1) of code on which `word` stands as a word of its own.
    pub(super) fn uses<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let lines = self.code.iter().enumerate();
        lines
            .filter(move |(_, code)| has_word(code, word))
            .map(|(i, _)| i + 1)
    }

    /// Whether only tests compile this line (from 1).
    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.test.get(line - 1).copied().unwrap_or_default()
    }

    /// The last line (from 1) of the block that opens on or after this line: where its brackets are
    /// even again. A line that ends in `;` before any opens none.
    pub(super) fn block_end(&self, from: usize) -> usize {
        block_end(&self.code, from - 1) + 1
    }
}

/// Whether `text` holds `word` with no letter, digit or `_` beside it.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let starts_open = !word.starts_with(part) || !before.is_some_and(part);
        let ends_open = !word.ends_with(part) || !after.is_some_and(part);
        starts_open && ends_open
    })
}

fn is_test_path(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn test_lines(path: &str, code: &[String]) -> Vec<bool> {
    let mut test = vec![is_test_path(path); code.len()];
    for start in 0..code.len() {
        let attribute = code[start].trim_start();
        if TEST_ATTRIBUTES
            .iter()
            .any(|known| attribute.starts_with(known))
        {
            let end = block_end(code, start);
            test[start..=end].fill(true);
        }
    }
    test
}

fn block_end(code: &[String], from: usize) -> usize {
    let mut depth = 0_usize;
    for (i, line) in code.iter().enumerate().skip(from) {
        for c in line.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth <= 1 => return i,
                '}' => depth -= 1,
                ';' if depth == 0 => return i,
                _ => {}
            }
        }
    }
    code.len().saturating_sub(1)
}

/// The text with comments and the insides of strings and characters replaced by blanks; lines stay.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_word = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = literal(rest, after_word);
        if length == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (gone, left) = rest.split_at(length);
        out.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = left;
    }
    out
}

/// How many bytes at the start of `text` are a comment or a literal; 0 if none begins here.
fn literal(text: &str, after_word: bool) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return block_comment(text);
    }
    if text.starts_with('"') {
        return quoted(text, 1);
    }
    if text.starts_with('\'') {
        return character(text);
    }
    if after_word {
        return 0;
    }
    let prefix = ["br", "cr", "r", "b", "c"].into_iter().find(|prefix| {
        let rest = text[..].strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with(['"', '#', '\'']))
    });
    let Some(prefix) = prefix else { return 0 };
    let rest = &text[prefix.len()..];
    let length = match rest.chars().next() {
        Some('"') if prefix.ends_with('r') => raw(rest, 0),
        Some('"') => quoted(rest, 1),
        Some('#') if prefix.ends_with('r') => {
            raw(rest, rest.len() - rest.trim_start_matches('#').len())
        }
        Some('\'') if prefix == "b" => character(rest),
        _ => 0,
    };
    if length == 0 {
        0
    } else {
        prefix.len() + length
    }
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    text.len()
}

/// A string up to its closing quote, the opening one being `from` bytes long.
fn quoted(text: &str, from: usize) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip_while(|(i, _)| *i < from) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// A raw string, `text` beginning at its first hash or quote; 0 if it is a raw identifier.
fn raw(text: &str, hashes: usize) -> usize {
    if !text[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    text[hashes + 1..]
        .find(&end)
        .map_or(text.len(), |at| hashes + 1 + at + end.len())
}

/// A character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |at| at + 4),
        Some(_) => chars
            .next()
            .filter(|(_, c)| *c == '\'')
            .map_or(0, |(i, _)| i + 1),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let cases = [
            ("let a = \"unsafe\"; // unsafe", "let a = ;"),
            ("f('\"', b'\\'', '\\u{1}', \"\\\"x\"); g", "f(, , , ); g"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("a /* b /* c */ d */ e", "a e"),
            ("r#\"a \" b\"# + br\"\\\" + r#type", "+ + r#type"),
            ("for_r\"x\"", "for_r"),
            ("let s = \"a\\\\\"; b", "let s = ; b"),
        ];
        for (text, code) in cases {
            let words = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(words(&blank(text)), words(code), "{text}");
        }
    }

    #[test]
    fn lines_stay_where_they_are() {
        let text = "a\n\"b\nc\"\n/* d\n*/ e\n";
        assert_eq!(blank(text).lines().count(), 5);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("x = f64::MAX", "f64"));
        assert!(!has_word("af64 f641", "f64"));
        assert!(has_word("a dbg!(x)", "dbg!"));
    }

    #[test]
    fn a_test_module_is_known_from_its_attribute_to_its_last_bracket() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
        let source = Source::new("x/src/a.rs", text);
        assert_eq!(source.test, [false, true, true, true, true, true, false]);
        assert!(Source::new("x/src/a/tests.rs", "fn a() {}").test[0]);
        for attribute in ["#[cfg(test)]", "#[cfg(all(test, unix))]"] {
            let source = Source::new(
                "x/src/a.rs",
                &format!("{attribute}\nmod tests;\nfn c() {{}}\n"),
            );
            assert_eq!(source.test, [true, true, false], "{attribute}");
        }
        let source = Source::new(
            "x/src/a.rs",
            "#[tokio::test(start_paused = true)]\nasync fn a() {\n}\nfn c() {}",
        );
        assert_eq!(source.test, [true, true, true, false]);
    }
}
