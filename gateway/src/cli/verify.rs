//! `fluxgate line verify` and `fluxgate lottery verify`: a buyer's checks. They need no gateway and no secret.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use lexopt::prelude::*;
use waiting_room::journal::{self, Head, Verifier};
use waiting_room::lottery;

/// What is to be checked.
#[derive(Debug, PartialEq)]
pub(crate) enum Check {
    /// A line's log, in any number of copies.
    Line {
        files: Vec<PathBuf>,
        /// Heads that were published and must be in it.
        heads: Vec<Head>,
        /// Numbers to tell the story of.
        numbers: Vec<u64>,
    },
    /// A lottery's record or one ticket's proof.
    Lottery { file: PathBuf },
}

/// Reads the words after `fluxgate line` or `fluxgate lottery`.
pub(super) fn parse(what: &str, parser: &mut lexopt::Parser) -> Result<Check, lexopt::Error> {
    match parser.next()? {
        Some(Value(word)) if word == "verify" => {}
        _ => return Err(format!("usage: fluxgate {what} verify FILE").into()),
    }
    let (mut files, mut heads, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("head") if what == "line" => heads.push(parser.value()?.parse()?),
            Long("number") if what == "line" => numbers.push(parser.value()?.parse()?),
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
        Check::Lottery { file } => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            let report = lottery::verify(&text).map_err(|error| error.to_string())?;
            Ok(format!("{report}\n"))
        }
        Check::Line {
            files,
            heads,
            numbers,
        } => line(&files, heads, &numbers),
    }
}

fn line(files: &[PathBuf], heads: Vec<Head>, numbers: &[u64]) -> Result<String, String> {
    let mut verifier = Verifier::new();
    for head in heads {
        verifier = verifier.passing(head);
    }
    for number in numbers {
        verifier = verifier.about(*number);
    }
    let open = |file: &PathBuf| {
        File::open(file)
            .map(BufReader::new)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))
    };
    let readers: Vec<_> = files.iter().map(open).collect::<Result<_, _>>()?;
    let report = journal::verify(readers, verifier).map_err(|error| error.to_string())?;
    let mut text = format!("{report}\n");
    for number in numbers {
        if let Some(story) = report.of_number(*number) {
            text.push_str(&format!("{story}\n"));
        }
    }
    if report.is_clean() {
        Ok(text)
    } else {
        Err(text)
    }
}
