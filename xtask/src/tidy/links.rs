//! Links between documents lead somewhere: to a file that is there, and to a heading that is in it.

use super::Complaint;
use super::tree::{TextFile, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let documents = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    documents.flat_map(|file| document(tree, file)).collect()
}

fn document(tree: &Tree, file: &TextFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (line, text) in prose(&file.text) {
        for target in targets(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let leads_to = resolve(&file.path, path);
            if !path.is_empty() && !tree.has(&leads_to) {
                let text = format!("the link to {target} leads nowhere: {leads_to} is not there");
                complaints.push(Complaint::new(&file.path, line, text));
                continue;
            }
            let there = tree.files.iter().find(|other| other.path == leads_to);
            let is_text = there.filter(|other| other.path.ends_with(".md"));
            if !heading.is_empty() && is_text.is_some_and(|other| !has_heading(other, heading)) {
                let text =
                    format!("the link to {target} leads nowhere: {leads_to} has no such heading");
                complaints.push(Complaint::new(&file.path, line, text));
            }
        }
    }
    complaints
}

/// Lines outside code fences, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(i, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((i + 1, line))
    })
}

/// What `[text](target)` and `src="target"` or `href="target"` point to.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let opened = [("](", ')'), ("src=\"", '"'), ("href=\"", '"')];
    opened.into_iter().flat_map(move |(open, close)| {
        line.match_indices(open).filter_map(move |(at, _)| {
            let rest = &line[at + open.len()..];
            // A title may follow the address.
            rest.split(close).next()?.split_whitespace().next()
        })
    })
}

/// A path as seen from the document `from`, from the root.
fn resolve(from: &str, path: &str) -> String {
    if path.is_empty() {
        return from.to_owned();
    }
    let dir = from.rsplit_once('/').map_or("", |(dir, _)| dir);
    let base = if path.starts_with('/') { "" } else { dir };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a document has this heading, in the form a web page of it would be linked to.
fn has_heading(file: &TextFile, wanted: &str) -> bool {
    let headings = prose(&file.text).filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| anchor(line.trim_start_matches('#')))
        .any(|anchor| anchor == wanted)
}

fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let tree = Tree::fixture(&[
            ("docs/a.md", text),
            ("docs/deep/b.md", "# The map, and more\n"),
            ("README.md", ""),
            ("docs/images/x.png", ""),
        ]);
        check(&tree)
            .into_iter()
            .map(|complaint| complaint.to_string())
            .collect()
    }

    #[test]
    fn links_that_resolve() {
        let text = "[b](deep/b.md) [r](../README.md \"title\") [d](deep/) [h](deep/b.md#the-map-and-more)\n\
                    <img src=\"images/x.png\"> [w](https://example.org/x) [s](#own)\n## Own\n";
        assert!(found(text).is_empty(), "{:?}", found(text));
    }

    #[test]
    fn links_that_do_not() {
        for text in [
            "[b](c.md)",
            "[b](../../README.md/x)",
            "<img src=\"y.png\">",
            "[b](deep/b.md#other)",
            "[s](#own)",
        ] {
            assert_eq!(found(text).len(), 1, "{text}");
        }
        assert!(
            found("a\n[b](c.md)")[0].starts_with("docs/a.md:2: the link to c.md leads nowhere")
        );
    }

    #[test]
    fn code_is_no_prose() {
        assert!(found("```\n[b](c.md)\n```\n").is_empty());
    }
}
