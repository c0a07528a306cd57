//! Migrations: numbered without a gap, forward only, and each begins with why.

use super::Complaint;
use super::tree::{TextFile, Tree};

/// Words of the opening comment: fewer are a title, not a reason.
const WORDS: usize = 6;

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let is_migration =
        |file: &&TextFile| file.path.starts_with("migrations/") && file.path.ends_with(".sql");
    let migrations = tree.files.iter().filter(is_migration);
    migrations
        .enumerate()
        .flat_map(|(i, file)| [numbered(i + 1, file), reasoned(file)])
        .flatten()
        .collect()
}

fn numbered(expected: usize, file: &TextFile) -> Option<Complaint> {
    let name = file
        .path
        .trim_start_matches("migrations/")
        .trim_end_matches(".sql");
    let (number, intent) = name.split_once('_').unwrap_or((name, ""));
    let forward = !intent.is_empty() && !name.ends_with(".down") && !name.ends_with(".up");
    let right = number.len() == 4 && number.parse() == Ok(expected) && forward;
    let text =
        format!("should be called {expected:04}_intent.sql: numbered without a gap, forward only");
    (!right).then(|| Complaint::new(&file.path, 1, text))
}

fn reasoned(file: &TextFile) -> Option<Complaint> {
    let comment = file.text.lines().map_while(|line| line.strip_prefix("--"));
    let words: usize = comment.map(|line| line.split_whitespace().count()).sum();
    let text = "does not begin with a comment that says why";
    (words < WORDS).then(|| Complaint::new(&file.path, 1, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHY: &str =
        "-- Tenants come first because every other row names one.\ncreate table t ();";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::fixture(files))
            .into_iter()
            .map(|complaint| complaint.to_string())
            .collect()
    }

    #[test]
    fn a_migration_says_why_first() {
        assert!(found(&[("migrations/0001_tenants.sql", WHY)]).is_empty());
        for text in ["create table t ();", "-- Tenants.\ncreate table t ();"] {
            assert!(
                found(&[("migrations/0001_tenants.sql", text)])[0].contains("says why"),
                "{text}"
            );
        }
    }

    #[test]
    fn numbers_have_no_gap_and_nothing_goes_back() {
        let found = found(&[
            ("migrations/0001_a.sql", WHY),
            ("migrations/0003_c.sql", WHY),
            ("migrations/0003_d.down.sql", WHY),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("0002_intent.sql"));
        assert!(found[1].contains("forward only"));
    }
}
