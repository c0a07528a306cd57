//! Logs whose every byte is frozen, in `waiting-room/vectors/journal/`: whoever writes another reader can
//! test it with them. Each `.txt` is what the verifier says about the log of the same name.

use std::{
    fs::{self, File},
    io::BufReader,
    path::PathBuf,
    process::Command,
};

use super::*;

const GUIDE: &str = include_str!("../../../../docs/line-log.md");

fn path(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/journal");
    PathBuf::from(folder).join(name)
}

fn frozen(name: &str) -> String {
    fs::read_to_string(path(name)).expect("the vector is there")
}

/// A small sale with one of everything: 16 numbers in eight entries.
fn sale() -> Vec<Entry> {
    [until_the_pause(), from_the_pause_on()].concat()
}

fn entry(seconds: u64, given: u64, horizon: u64) -> Entry {
    let limits = Limits {
        active: Some(12),
        per_minute: Some(8),
    };
    Entry {
        given,
        horizon,
        limits,
        ..quiet(Timestamp(START.0 + seconds * 1_000))
    }
}

fn by(kind: Kind, by: &str, detail: &str) -> Option<Event> {
    let (by, detail) = (Some(text(by)), Some(text(detail)));
    Some(Event { kind, by, detail })
}

fn until_the_pause() -> Vec<Entry> {
    vec![
        Entry {
            why: Some(Why::NOT_OPEN),
            event: event(Kind::Opened(opening())),
            ..entry(0, 0, 0)
        },
        Entry {
            called: Passed::all(0..6),
            living: 2,
            active: 6,
            ..entry(30, 8, 6)
        },
        Entry {
            called: Passed::new(6..12, |n| n != 8),
            living: 2,
            active: 9,
            lapsed: 2,
            ..entry(95, 14, 12)
        },
        Entry {
            why: Some(Why::PAUSED),
            event: by(Kind::Paused, "anna", r#"checks the "last" box \ stock"#),
            living: 2,
            active: 9,
            ..entry(100, 14, 12)
        },
    ]
}

fn from_the_pause_on() -> Vec<Entry> {
    let limits = Limits {
        active: Some(20),
        per_minute: Some(30),
    };
    let first = First {
        number: 13,
        by: text("anna"),
        reason: text("휠체어 이용"),
    };
    vec![
        Entry {
            first: vec![first],
            event: by(Kind::Resumed, "anna", "all there"),
            living: 1,
            active: 10,
            ..entry(130, 14, 12)
        },
        Entry {
            called: Passed::new(12..14, |n| n == 12),
            limits,
            event: by(Kind::Tuned(None), "jun", "a second till"),
            active: 11,
            ..entry(140, 14, 16)
        },
        Entry {
            arrived: Passed::all(14..16),
            late: vec![8],
            limits,
            active: 13,
            lapsed: 1,
            ..entry(150, 16, 16)
        },
        Entry {
            why: Some(Why::SOLD_OUT),
            event: event(Kind::Closed),
            limits,
            active: 13,
            ..entry(160, 16, 16)
        },
    ]
}

/// The same sale, written anew with a friend in it: number 15 is called while the line is paused.
fn sale_with_a_friend() -> Vec<Entry> {
    let mut entries = sale();
    entries[3].late = vec![15];
    entries
}

fn log(entries: &[Entry]) -> String {
    write(entries).0.join("\n") + "\n"
}

fn said(names: &[&str], verifier: Verifier) -> String {
    let files = names
        .iter()
        .map(|name| File::open(path(name)).expect("the vector is there"));
    let report = verify(files.map(BufReader::new), verifier).expect("it can be read");
    let stories = (0..16)
        .filter_map(|n| report.of_number(n))
        .map(|story| format!("\n{story}\n"));
    stories.fold(format!("{report}\n"), |text, story| text + &story)
}

#[test]
fn the_form_is_frozen() {
    assert_eq!(log(&sale()), frozen("sale.jsonl"));
    assert_eq!(log(&sale_with_a_friend()), frozen("friend.jsonl"));
}

#[test]
fn what_is_said_about_each_log_is_frozen() {
    let head: Head = frozen("sale.head").trim().parse().expect("a head");
    let asked = || Verifier::new().passing(head);
    let stories = || asked().about(8).about(12).about(13);
    assert_eq!(said(&["sale.jsonl"], stories()), frozen("sale.txt"));
    assert_eq!(said(&["changed.jsonl"], asked()), frozen("changed.txt"));
    assert_eq!(said(&["friend.jsonl"], asked()), frozen("friend.txt"));
    // Two copies with different holes are the whole log.
    assert_eq!(
        said(&["copy-a.jsonl", "copy-b.jsonl"], stories()),
        frozen("sale.txt")
    );
    assert_eq!(said(&["copy-a.jsonl"], asked()), frozen("copy-a.txt"));
}

/// The blocks of Python in the guide, in their order.
fn python() -> Vec<&'static str> {
    let blocks = GUIDE.split("```python\n").skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .collect()
}

/// What a block of the guide's Python prints about a log, or its last word if it fails.
fn run(block: usize, name: &str, more: &[&str]) -> Result<String, String> {
    let output = Command::new("python3")
        .args(["-c", python()[block]])
        .arg(path(name))
        .args(more)
        .output()
        .expect("this test needs python3, to run the guide's own reader of the log");
    let text = |bytes| String::from_utf8(bytes).expect("Python writes UTF-8");
    if output.status.success() {
        return Ok(text(output.stdout).trim().to_owned());
    }
    Err(text(output.stderr)
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned())
}

#[test]
fn the_guides_own_verifier_agrees() {
    let head = frozen("sale.head");
    let whole = run(0, "sale.jsonl", &[]).expect("an honest log");
    assert_eq!(
        whole,
        format!(
            "8 entries, 16 numbers passed in order, head {}",
            head.trim()
        )
    );
    let changed = run(0, "changed.jsonl", &[]).expect_err("a changed log");
    assert_eq!(changed, "AssertionError: entry 4 does not follow");
    let holes = run(0, "copy-a.jsonl", &[]).expect_err("a log with holes");
    assert_eq!(holes, "AssertionError: entry 4 does not follow");
}

#[test]
fn the_guides_own_answer_about_a_number_is_right() {
    let answer = |number| run(1, "sale.jsonl", &[number]).expect("an honest log");
    assert_eq!(answer("8"), "entry 3: passed over\nentry 7: late or first");
    assert_eq!(answer("12"), "entry 6: called");
    assert_eq!(answer("13"), "entry 5: late or first\nentry 6: passed over");
    assert_eq!(answer("15"), "entry 7: arrived");
    assert_eq!(answer("16"), "");
}

#[test]
fn the_guide_states_the_form_as_it_is() {
    let shown = GUIDE
        .split("```json\n")
        .nth(1)
        .and_then(|block| block.split("```").next());
    let line = frozen("sale.jsonl").lines().nth(2).map(str::to_owned);
    assert_eq!(shown.map(str::trim), line.as_deref());
}
