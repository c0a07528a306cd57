//! Complaints about a document: where, what, and what to write instead.
//!
//! Compilers of a document push into one [`Diagnostics`] and go on, so that an operator sees every
//! mistake of a file at once instead of one per attempt.

use std::fmt;

/// A position in a document: line and column, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line, from 1; 0 when the position is not known (a value made by the program, not by a file).
    pub line: u32,
    /// Column, from 1; 0 when not known.
    pub column: u32,
}

/// What is wrong with one value, before anybody knows where it stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Complaint {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to write instead, if there is a good guess.
    pub hint: Option<String>,
}

impl Complaint {
    /// A complaint without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    /// Adds advice: "write it as …", "did you mean …?".
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// "unknown `what` `word`", with the nearest of `known` as the hint.
    pub fn unknown<'k>(what: &str, word: &str, known: impl IntoIterator<Item = &'k str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let complaint = Self::new(format!("unknown {what} `{word}`"));
        match nearest(word, known.iter().copied()) {
            Some(near) => complaint.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() => complaint,
            None => complaint.hint(format!("known here: {}", known.join(", "))),
        }
    }

    /// Places the complaint in a document.
    #[must_use]
    pub fn at(self, place: Place) -> Diagnostic {
        Diagnostic {
            place,
            complaint: self,
        }
    }
}

/// A complaint with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it stands.
    pub place: Place,
    /// What is wrong there.
    pub complaint: Complaint,
}

impl Diagnostic {
    /// The form editors and people know: `file:line:column: message`, the hint on its own line.
    pub fn render(&self, file: &str) -> String {
        let Place { line, column } = self.place;
        let place = match line {
            0 => file.to_owned(),
            _ => format!("{file}:{line}:{column}"),
        };
        match &self.complaint.hint {
            Some(hint) => format!("{place}: {}\n  hint: {hint}", self.complaint.message),
            None => format!("{place}: {}", self.complaint.message),
        }
    }
}

/// All complaints about a document, in the order of the file once [sorted](Self::into_sorted).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No complaint yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// True while nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The complaints from the top of the file to its end.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|diagnostic| diagnostic.place);
        self.0
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&diagnostic.render("document"))?;
        }
        Ok(())
    }
}

/// The word of `known` that `word` was most likely meant to be: at most a third of its letters wrong,
/// two at least. `None` is better than a silly guess.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = (word.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row at a time.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_typing_errors_and_nothing_else() {
        let known = ["capacity", "session", "match"];
        assert_eq!(nearest("capcity", known), Some("capacity"));
        assert_eq!(nearest("sesion", known), Some("session"));
        assert_eq!(nearest("upstream", known), None);
        assert_eq!(nearest("x", ["ab"]), None);
    }

    #[test]
    fn renders_place_message_and_hint() {
        let place = Place { line: 3, column: 7 };
        let told = Complaint::unknown("key", "hostz", ["hosts", "limits"]).at(place);
        assert_eq!(
            told.render("a.yaml"),
            "a.yaml:3:7: unknown key `hostz`\n  hint: did you mean `hosts`?"
        );
    }

    #[test]
    fn sorts_by_place() {
        let mut all = Diagnostics::new();
        all.push(Complaint::new("second").at(Place { line: 9, column: 1 }));
        all.push(Complaint::new("first").at(Place { line: 2, column: 5 }));
        let order: Vec<String> = all
            .into_sorted()
            .into_iter()
            .map(|told| told.complaint.message)
            .collect();
        assert_eq!(order, ["first", "second"]);
    }
}
