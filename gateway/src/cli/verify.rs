//! `fluxgate line verify` and `fluxgate lottery verify`: a buyer's checks. They need no gateway and no secret.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use lexopt::prelude::*;
use waiting_room::journal::{self, Entry, Noted, Verifier};
use waiting_room::lottery::{self, Shown};

/// No opening is longer, in bytes.
const LONGEST_FIRST: u64 = 64 * 1024;

/// What is to be checked.
#[derive(Debug, PartialEq)]
pub(crate) enum Check {
    /// A line's log, in any number of copies.
    Line {
        files: Vec<PathBuf>,
        /// Heads that were published and must be in it.
        heads: Vec<Noted>,
        /// Numbers to tell the story of.
        numbers: Vec<u64>,
    },
    /// A lottery's record or one ticket's proof.
    Lottery { file: PathBuf, shown: Shown },
}

/// Reads the words after `fluxgate line` or `fluxgate lottery`.
pub(super) fn parse(what: &str, parser: &mut lexopt::Parser) -> Result<Check, lexopt::Error> {
    match parser.next()? {
        Some(Value(word)) if word == "verify" => {}
        _ => return Err(format!("usage: fluxgate {what} verify FILE").into()),
    }
    let (mut files, mut heads, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    let mut shown = Shown::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("head") if what == "line" => heads.push(parser.value()?.parse()?),
            Long("number") if what == "line" => numbers.push(parser.value()?.parse()?),
            Long("commitment") if what == "lottery" => {
                shown.commitment = Some(parser.value()?.parse()?);
            }
            Long("list") if what == "lottery" => shown.list = Some(parser.value()?.parse()?),
            Value(file) => files.push(PathBuf::from(file)),
            other => return Err(other.unexpected()),
        }
    }
    match (what, files.len()) {
        (_, 0) => Err("which file?".into()),
        ("line", _) => Ok(Check::Line {
            files,
            heads,
            numbers,
        }),
        (_, 1) => Ok(Check::Lottery {
            file: files.remove(0),
            shown,
        }),
        (_, _) => Err("one file at a time".into()),
    }
}

/// Checks, and says what was found.
///
/// # Errors
/// What is wrong, in sentences.
pub(crate) fn run(check: Check) -> Result<String, String> {
    match check {
        Check::Lottery { file, shown } => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            let report = lottery::verify(&text).and_then(|report| report.against(shown));
            let report = report.map_err(|error| error.to_string())?;
            Ok(format!("{report}\n"))
        }
        Check::Line {
            files,
            heads,
            numbers,
        } => line(&files, &heads, &numbers),
    }
}

fn line(files: &[PathBuf], heads: &[Noted], numbers: &[u64]) -> Result<String, String> {
    let lines = by_line(files);
    if lines.len() > 1 && !(heads.is_empty() && numbers.is_empty()) {
        let count = lines.len();
        return Err(format!(
            "these files are of {count} lines; --head and --number are of one: name only its files, LINE-….jsonl\n"
        ));
    }
    let (mut texts, mut is_clean) = (Vec::new(), true);
    for copies in lines.into_values() {
        let (text, clean) = one_line(&copies, heads, numbers)?;
        texts.push(text);
        is_clean &= clean;
    }
    let text = texts.join("\n");
    if is_clean { Ok(text) } else { Err(text) }
}

/// Files by the line that they are of. What is known of no line is a copy of the only one that there is.
fn by_line(files: &[PathBuf]) -> BTreeMap<Option<u64>, Vec<&PathBuf>> {
    let mut lines = BTreeMap::<_, Vec<_>>::new();
    for file in files {
        lines.entry(line_of(file)).or_default().push(file);
    }
    if lines.len() == 2
        && let Some(unknown) = lines.remove(&None)
        && let Some(copies) = lines.values_mut().next()
    {
        copies.extend(unknown);
    }
    lines
}

/// Which line a file is of: its first entry says so, if that is the opening; else a gateway put it in front of the name.
fn line_of(file: &Path) -> Option<u64> {
    let opening = || {
        let mut first = String::new();
        let mut read = BufReader::new(File::open(file).ok()?.take(LONGEST_FIRST));
        read.read_line(&mut first).ok()?;
        let written = Entry::parse(first.trim_end().as_bytes()).ok()?;
        Some(written.entry.event.as_ref()?.kind.opening()?.line.0)
    };
    let named = || {
        let name = file.file_stem()?.to_str()?;
        name.split_once('-')?.0.parse().ok()
    };
    opening().or_else(named)
}

/// What is to be said of one line's copies, and whether nothing is wrong.
fn one_line(
    files: &[&PathBuf],
    heads: &[Noted],
    numbers: &[u64],
) -> Result<(String, bool), String> {
    // An origin is told the whole number, which begins at the line's own.
    let line = files.iter().find_map(|file| line_of(file));
    let relative = |number: &u64| {
        line.and_then(|line| number.checked_sub(line))
            .unwrap_or(*number)
    };
    let numbers: Vec<_> = numbers.iter().map(relative).collect();
    let heads = heads.iter().cloned();
    let verifier = heads.fold(Verifier::new(), Verifier::passing);
    let verifier = numbers.iter().copied().fold(verifier, Verifier::about);
    let open = |file: &&PathBuf| {
        File::open(file)
            .map(BufReader::new)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))
    };
    let readers: Vec<_> = files.iter().map(open).collect::<Result<_, _>>()?;
    let report = journal::verify(readers, verifier).map_err(|error| error.to_string())?;
    let mut text = format!("{report}\n");
    for number in &numbers {
        if let Some(story) = report.of_number(*number) {
            text.push_str(&format!("{story}\n"));
        }
    }
    Ok((text, report.is_clean()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_told_apart_by_the_line_in_front_of_their_names() {
        let files = [
            "d/17-a.jsonl",
            "d/18-a.jsonl",
            "d/17-b.jsonl",
            "copy-a.jsonl",
            "x.jsonl",
        ];
        let files = files.map(PathBuf::from);
        let lines: Vec<_> = by_line(&files)
            .into_iter()
            .map(|(line, all)| (line, all.len()))
            .collect();
        assert_eq!(lines, [(None, 2), (Some(17), 2), (Some(18), 1)]);
        let said = line(&files, &[], &[4]).expect_err("of one line");
        assert!(said.contains("3 lines"), "{said}");
    }

    /// A forger names the file as they like: what it says counts.
    #[test]
    fn a_copy_is_compared_with_the_others_of_its_line_whatever_it_is_called() {
        let scratch = devkit::Scratch::new("line-copies").expect("a directory");
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../waiting-room/vectors/journal");
        let copy = |of: &str, name: &str| {
            let to = scratch.path().join(name);
            std::fs::copy(vectors.join(of), &to).expect("copied");
            to
        };
        let ours = copy("sale.jsonl", "1790000000000-0a.jsonl");
        for name in ["mine.jsonl", "17-forged.jsonl"] {
            let theirs = copy("friend.jsonl", name);
            let said = line(&[ours.clone(), theirs], &[], &[]).expect_err("forged");
            assert!(
                said.contains("is not the same in file 1 and in file 2"),
                "{said}"
            );
        }
        // The end of a log does not say of which line it is.
        let end = copy("sale.jsonl", "end.jsonl");
        let text = std::fs::read_to_string(&end).expect("readable");
        let text = text.split_once('\n').expect("several entries").1;
        std::fs::write(&end, text).expect("writable");
        line(&[ours, end], &[], &[]).expect("one line, and nothing is wrong");
    }
}
