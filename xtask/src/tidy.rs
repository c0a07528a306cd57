//! `cargo xtask tidy`: the rules of this repository that no other tool checks, as data and small pure
//! functions over text. A rule that no tool checks is not a rule.
//!
//! Each complaint names file, line, rule and remedy. Exceptions are lists beside the rule, each entry
//! with its reason; what is there may only shrink.

mod arrows;
mod bans;
mod links;
mod migrations;
mod sizes;
mod source;
mod tree;

use crate::cargo;
use crate::options::Options;
use std::fmt;
use tree::Tree;

/// Something to be put right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Complaint {
    /// The file, from the root.
    file: String,
    /// Its line, from 1.
    line: usize,
    /// What is wrong, and the remedy.
    text: String,
}

impl Complaint {
    fn new(file: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            text: text.into(),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

pub(crate) fn run(args: lexopt::Parser) -> Result<(), String> {
    let options = Options::read(args, &[])?;
    match options.words.first() {
        Some(word) => Err(format!("tidy takes no {word:?}; see cargo xtask help")),
        None => check(),
    }
}

/// Checks the whole repository and prints what it finds.
pub(crate) fn check() -> Result<(), String> {
    let tree = Tree::read(cargo::root())?;
    let complaints = complaints(&tree);
    for complaint in &complaints {
        println!("  {complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        1 => Err("tidy has a complaint".into()),
        n => Err(format!("tidy has {n} complaints")),
    }
}

fn complaints(tree: &Tree) -> Vec<Complaint> {
    let rules: [fn(&Tree) -> Vec<Complaint>; 5] = [
        sizes::check,
        bans::check,
        arrows::check,
        migrations::check,
        links::check,
    ];
    let mut complaints: Vec<_> = rules.iter().flat_map(|rule| rule(tree)).collect();
    complaints.sort();
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_can_be_clicked_in_an_editor() {
        let complaint = Complaint::new("a/b.rs", 7, "too long");
        assert_eq!(complaint.to_string(), "a/b.rs:7: too long");
    }
}
