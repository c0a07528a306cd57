//! How long files and functions may be, that each file says what it is for, and how modules are laid
//! out.

use super::Complaint;
use super::source::Source;
use super::tree::Tree;

/// Lines of a Rust file.
const FILE: usize = 400;
/// Lines of a function, from `fn` to its last bracket.
const FUNCTION: usize = 70;

/// Files that may be longer, each with its length: it may shrink, never grow, and goes from this list
/// at 400. Nothing new is added.
const LONGER_FILES: &[(&str, usize)] = &[];
/// Functions that may be longer, as `file:name`, each with its length. The same ratchet.
const LONGER_FUNCTIONS: &[(&str, usize)] = &[];

/// Names that say nothing of what is inside, so that everything ends up there.
const EMPTY_NAMES: [&str; 7] = [
    "util", "utils", "helpers", "helper", "common", "manager", "misc",
];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.sources
        .iter()
        .flat_map(|source| check_source(source, LONGER_FILES, LONGER_FUNCTIONS))
        .collect()
}

type Ratchet<'a> = &'a [(&'a str, usize)];

fn check_source(source: &Source, files: Ratchet<'_>, functions: Ratchet<'_>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let path = source.path.as_str();
    let length = source.lines.len();
    let held = hold(
        path,
        length,
        FILE,
        files,
        "split it along a reader's question",
    );
    complaints.extend(held.map(|text| Complaint::new(path, 1, format!("the file {text}"))));
    for (name, line, length) in source_functions(source) {
        let key = format!("{path}:{name}");
        let held = hold(&key, length, FUNCTION, functions, "take a step out of it");
        complaints.extend(held.map(|text| Complaint::new(path, line, format!("`{name}` {text}"))));
    }
    complaints.extend(layout(source).map(|text| Complaint::new(path, 1, text)));
    complaints
}

/// The ratchet: what is wrong with a length, if anything.
fn hold(
    key: &str,
    length: usize,
    most: usize,
    listed: Ratchet<'_>,
    remedy: &str,
) -> Option<String> {
    let allowed = listed
        .iter()
        .find(|(listed, _)| *listed == key)
        .map(|(_, allowed)| *allowed);
    match allowed {
        None if length > most => Some(format!("has {length} lines, {most} are allowed: {remedy}")),
        Some(allowed) if length > allowed => Some(format!(
            "has grown from {allowed} to {length} lines: {remedy}"
        )),
        Some(_) if length <= most => Some(format!(
            "has {length} lines: take it off the list in xtask/src/tidy/sizes.rs"
        )),
        Some(allowed) if length < allowed => Some(format!(
            "has shrunk to {length} lines: lower its number in xtask/src/tidy/sizes.rs"
        )),
        _ => None,
    }
}

/// Name, first line and length of every function with a body.
fn source_functions(source: &Source) -> impl Iterator<Item = (&str, usize, usize)> {
    source.code.iter().enumerate().filter_map(|(i, code)| {
        let name = function_name(code)?;
        let length = source.block_end(i + 1) - i;
        Some((name, i + 1, length))
    })
}

fn function_name(code: &str) -> Option<&str> {
    let (before, after) = code.trim_start().split_once("fn ")?;
    let words = ["pub", "async", "const", "unsafe", "extern", "default"];
    let starts = |word: &str| words.iter().any(|known| word.starts_with(known));
    let inside = |word: &str| ["crate)", "super)", "in"].contains(&word);
    let is_head = before
        .split_whitespace()
        .all(|word| starts(word) || inside(word));
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (is_head && end > 0).then(|| &after[..end])
}

fn layout(source: &Source) -> Option<String> {
    let path = source.path.as_str();
    let name = path
        .rsplit('/')
        .next()
        .unwrap_or(path)
        .trim_end_matches(".rs");
    if name == "mod" {
        return Some(
            "is a mod.rs: call it after its module, beside the folder (`foo.rs` + `foo/`)".into(),
        );
    }
    let empty = path
        .trim_end_matches(".rs")
        .split('/')
        .find(|part| EMPTY_NAMES.contains(part));
    if let Some(part) = empty {
        return Some(format!(
            "`{part}` says nothing: name the file after what is in it"
        ));
    }
    let head = source
        .lines
        .first()
        .is_some_and(|line| line.starts_with("//!"));
    (!head && name != "tests" && name != "build").then(|| {
        "has no `//!` head: say in its first lines what the file is for, and why so".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text);
        check_source(&source, &[("x/src/old.rs", 450)], &[])
            .into_iter()
            .map(|c| c.to_string())
            .collect()
    }

    fn file(lines: usize) -> String {
        "//! What for.\n".repeat(lines)
    }

    #[test]
    fn a_file_may_have_four_hundred_lines() {
        assert!(complaints("x/src/a.rs", &file(400)).is_empty());
        let found = complaints("x/src/a.rs", &file(401));
        assert!(
            found[0].contains("x/src/a.rs:1: the file has 401 lines"),
            "{found:?}"
        );
    }

    #[test]
    fn a_listed_file_may_only_shrink() {
        assert!(complaints("x/src/old.rs", &file(450)).is_empty());
        assert!(complaints("x/src/old.rs", &file(451))[0].contains("has grown from 450 to 451"));
        assert!(complaints("x/src/old.rs", &file(449))[0].contains("lower its number"));
        assert!(complaints("x/src/old.rs", &file(300))[0].contains("off the list"));
    }

    #[test]
    fn a_function_may_have_seventy_lines() {
        let function = |body: usize| {
            format!(
                "//! Head.\nimpl A {{\n    pub(crate) async fn long<'a>(\n        x: &'a str,\n    ) {{\n{}    }}\n}}\n",
                "        x();\n".repeat(body)
            )
        };
        assert!(complaints("x/src/a.rs", &function(66)).is_empty());
        let found = complaints("x/src/a.rs", &function(67));
        assert!(
            found[0].contains("x/src/a.rs:3: `long` has 71 lines"),
            "{found:?}"
        );
    }

    #[test]
    fn function_types_and_traits_without_a_body_are_none() {
        assert_eq!(function_name("    let f: fn (u8) = g;"), None);
        assert_eq!(function_name("    rule: fn(&Tree) -> u8,"), None);
        assert_eq!(
            function_name("pub(super) fn check(tree: &Tree) {"),
            Some("check")
        );
        let found = complaints("x/src/a.rs", "//! Head.\ntrait T {\n    fn f();\n}\n");
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn names_and_heads() {
        assert!(complaints("x/src/a/mod.rs", "//! H.")[0].contains("mod.rs"));
        assert!(complaints("x/src/helpers/a.rs", "//! H.")[0].contains("`helpers`"));
        assert!(complaints("x/src/a.rs", "use b;\n")[0].contains("`//!` head"));
        assert!(complaints("x/src/a/tests.rs", "use b;\n").is_empty());
    }
}
