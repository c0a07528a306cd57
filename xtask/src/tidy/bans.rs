//! Words that may not stand where they stand: in code (comments and literals do not count) and in any
//! text.

use super::Complaint;
use super::source::Source;
use super::tree::{TextFile, Tree};

/// Which lines of Rust a ban is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    All,
    OutsideTests,
    InTests,
}

/// Words that code may not use.
struct Ban {
    words: &'static [&'static str],
    lines: Lines,
    /// Only files whose path begins so; empty for all.
    below: &'static str,
    /// Files (or folders) that may, and why.
    except: &'static [(&'static str, &'static str)],
    /// What is wrong, and the remedy.
    text: &'static str,
}

const IN_CODE: &[Ban] = &[
    Ban {
        words: &["todo!", "unimplemented!", "dbg!"],
        lines: Lines::All,
        below: "",
        except: &[],
        text: "is a leftover: finish it or take it out",
    },
    Ban {
        words: &["#[ignore]", "#[ignore"],
        lines: Lines::All,
        below: "",
        except: &[],
        text: "hides a test: make it pass or take it out",
    },
    Ban {
        words: &["unsafe"],
        lines: Lines::All,
        below: "",
        except: &[],
        text: "is not allowed: find a safe way, or list the file with its reason in xtask/src/tidy/bans.rs",
    },
    Ban {
        words: &["f32", "f64"],
        lines: Lines::OutsideTests,
        below: "core-api/src/",
        except: &[(
            "core-api/src/metrics",
            "durations in seconds, as Prometheus wants them",
        )],
        text: "is a float near money: use integer minor units or rust_decimal",
    },
    Ban {
        words: &[
            "Instant::now",
            "SystemTime::now",
            "Timestamp::now",
            "Zoned::now",
            "UNIX_EPOCH.elapsed",
            "Instant as",
            "SystemTime as",
        ],
        lines: Lines::OutsideTests,
        below: "",
        except: &[
            ("core-api/src/clock.rs", "the core's clock"),
            ("core-api/src/psp/client.rs", "times its calls for a metric"),
            ("gateway/src/clock.rs", "the gateway's clock"),
            (
                "gateway/src/edge/guarded.rs",
                "the deadline of a header, below the clock",
            ),
            ("psp-sim/src/clock.rs", "the simulator's clock"),
            (
                "waiting-room/src/stopwatch.rs",
                "whether the process stood still",
            ),
            ("sdk/demo-shop/src/clock.rs", "the shop's clock"),
            ("loadtest/", "measures"),
            ("waiting-room/benches/", "measures"),
            ("devkit/src/wait.rs", "deadlines of real processes"),
            ("xtask/", "tells a person how long things took"),
        ],
        text: "reads the time where nobody can step it: take it from the crate's clock, or as an argument",
    },
    Ban {
        words: &["sleep", "sleep_until"],
        lines: Lines::InTests,
        below: "",
        except: &[],
        text: "in a test is slow or flaky: poll a condition with a deadline (devkit::wait::until) or step the time",
    },
];

/// Leftovers in any text. In two parts, so that this file is not its own first finding.
const IN_TEXT: &[(&str, &str, &str)] = &[
    ("FIX", "ME", "is a leftover: do it now, or write an issue"),
    // With the colon: alone it is ISO 4217's "no currency".
    ("XX", "X:", "is a leftover: do it now, or write an issue"),
    ("TO", "DO", "is a leftover: do it now, or write an issue"),
    ("/ho", "me/", "is a path of one machine"),
    ("/Us", "ers/", "is a path of one machine"),
    ("/ro", "ot/", "is a path of one machine"),
    ("/wo", "rk/", "is a path of one machine"),
];
/// Text that is not ours to word, or that is about such words.
const TEXT_EXCEPT: &[&str] = &["xtask/src/tidy/"];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let code = tree
        .sources
        .iter()
        .flat_map(|source| IN_CODE.iter().flat_map(|ban| in_code(source, ban)));
    code.chain(tree.files.iter().flat_map(in_text)).collect()
}

fn in_code(source: &Source, ban: &Ban) -> Vec<Complaint> {
    let path = source.path.as_str();
    let excepted = ban.except.iter().any(|(start, _)| path.starts_with(start));
    if excepted || !path.starts_with(ban.below) {
        return Vec::new();
    }
    let complaint = |word: &str, line| Complaint::new(path, line, format!("`{word}` {}", ban.text));
    let meant = |line: &usize| match ban.lines {
        Lines::All => true,
        Lines::OutsideTests => !source.is_test_line(*line),
        Lines::InTests => source.is_test_line(*line),
    };
    let mut found: Vec<_> = Vec::new();
    for word in ban.words {
        found.extend(
            source
                .uses(word)
                .filter(meant)
                .map(|line| complaint(word, line)),
        );
    }
    // Two words of one ban may name the same thing; one complaint a line is enough.
    found.sort_by_key(|complaint| complaint.line);
    found.dedup_by_key(|complaint| complaint.line);
    found
}

fn in_text(file: &TextFile) -> Vec<Complaint> {
    if TEXT_EXCEPT.iter().any(|start| file.path.starts_with(start)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        for (start, end, text) in IN_TEXT {
            let word = format!("{start}{end}");
            if super::source::has_word(line, &word) {
                found.push(Complaint::new(
                    &file.path,
                    i + 1,
                    format!("`{word}` {text}"),
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let tree = Tree::fixture(&[(path, text)]);
        check(&tree)
            .into_iter()
            .map(|complaint| complaint.to_string())
            .collect()
    }

    #[test]
    fn leftovers_are_found_in_code_and_in_text() {
        assert!(found("x/src/a.rs", "fn a() { todo!() }")[0].starts_with("x/src/a.rs:1: `todo!`"));
        assert!(found("x/src/a.rs", "\n// FIXME later")[0].starts_with("x/src/a.rs:2: `FIXME`"));
        assert!(found("a.yaml", "a: 1 # TODO")[0].starts_with("a.yaml:1"));
        assert!(found("x/src/a.rs", "#[ignore = \"slow\"]")[0].contains("hides a test"));
    }

    #[test]
    fn words_in_comments_and_strings_are_no_code() {
        assert!(found("x/src/a.rs", "// unsafe f64\nlet a = \"dbg!(x)\";").is_empty());
    }

    #[test]
    fn a_machine_s_path_is_found_anywhere() {
        assert_eq!(found("docs/a.md", "cd /home/anna/x").len(), 1);
    }

    #[test]
    fn floats_are_banned_in_the_core_only() {
        let text = "fn a(x: f64) {}";
        assert!(found("core-api/src/money.rs", text)[0].contains("near money"));
        assert!(found("core-api/src/metrics.rs", text).is_empty());
        assert!(found("gateway/src/a.rs", text).is_empty());
    }

    #[test]
    fn the_time_is_read_by_clocks_and_tests_only() {
        let text = "fn a() { Instant::now() }\n#[cfg(test)]\nmod tests {\n    fn b() { Instant::now() }\n}";
        let found = |path| found(path, text);
        assert_eq!(found("waiting-room/src/line.rs").len(), 1);
        assert!(found("gateway/src/clock.rs").is_empty());
        assert!(found("gateway/tests/it/a.rs").is_empty());
    }

    #[test]
    fn a_sleep_is_banned_in_tests_only() {
        let text = "fn a() { thread::sleep(b) }";
        assert!(found("gateway/src/a.rs", text).is_empty());
        assert_eq!(found("gateway/tests/it/a.rs", text).len(), 1);
    }
}
