//! What the referee found, as text for people and as JSON for machines.

use std::fmt;

use serde_json::{Value, json};

/// One invariant, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its number in the design.
    pub invariant: u8,
    /// What it promises.
    pub promise: &'static str,
    /// What was looked at.
    pub counts: Vec<(&'static str, u64)>,
    /// How many violations.
    pub violations: u64,
    /// Some of them, with ids.
    pub examples: Vec<String>,
    /// What could not be checked yet.
    pub note: Option<&'static str>,
    /// True when it may become true a little later.
    pub converges: bool,
}

const EXAMPLES: usize = 10;

impl Finding {
    pub(super) fn new(invariant: u8, promise: &'static str) -> Self {
        Self {
            invariant,
            promise,
            counts: Vec::new(),
            violations: 0,
            examples: Vec::new(),
            note: None,
            converges: false,
        }
    }

    pub(super) fn count(&mut self, what: &'static str, count: usize) {
        self.counts.push((what, count as u64));
    }

    pub(super) fn violation(&mut self, example: impl Into<String>) {
        self.violations += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example.into());
        }
    }

    /// True when nothing speaks against it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations == 0
    }

    fn to_json(&self) -> Value {
        json!({
            "invariant": self.invariant,
            "promise": self.promise,
            "holds": self.holds(),
            "violations": self.violations,
            "examples": self.examples,
            "counts": self.counts.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
            "note": self.note,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds() { "PASS" } else { "FAIL" };
        write!(f, "  {verdict}  {}. {}", self.invariant, self.promise)?;
        let counts: Vec<String> = self
            .counts
            .iter()
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        write!(f, "\n        {}", counts.join(", "))?;
        if !self.holds() {
            write!(f, "\n        {} violations:", self.violations)?;
            self.examples
                .iter()
                .try_for_each(|example| write!(f, "\n          - {example}"))?;
        }
        self.note.map_or(Ok(()), |note| {
            write!(f, "\n        not checked yet: {note}")
        })
    }
}

/// All findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// In the order of the invariants.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// True when every invariant holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.iter().all(Finding::holds)
    }

    /// Violations of one invariant.
    #[must_use]
    pub fn violations_of(&self, invariant: u8) -> u64 {
        self.findings
            .iter()
            .filter(|finding| finding.invariant == invariant)
            .map(|finding| finding.violations)
            .sum()
    }

    /// For a report file.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "holds": self.holds(), "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>() })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Referee: {}",
            if self.holds() {
                "every invariant holds"
            } else {
                "AN INVARIANT IS BROKEN"
            }
        )?;
        self.findings
            .iter()
            .try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

/// Runs a query whose rows are violations and puts each one's name into the sentence.
pub(super) async fn collect(
    finding: &mut Finding,
    database: &mut sqlx::PgConnection,
    sentence: &str,
    query: &'static str,
) -> Result<(), sqlx::Error> {
    let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(database).await?;
    rows.iter()
        .for_each(|row| finding.violation(sentence.replace("{}", row)));
    Ok(())
}
