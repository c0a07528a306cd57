//! A file made to hurt whoever reads it: no panic, and no more memory than the file's size accounts for.

use std::io::{BufReader, Read as _, repeat};

use proptest::{collection::vec, prelude::*};

use super::{
    history::{history, some_cases, steps},
    *,
};

const HUGE: u64 = MOST_NUMBER;

/// An entry whose figures are as large as they can be.
fn huge() -> Entry {
    Entry {
        given: HUGE,
        horizon: HUGE,
        living: HUGE,
        active: HUGE,
        lapsed: HUGE,
        limits: Limits {
            active: Some(0),
            per_minute: Some(0),
        },
        ..quiet(Timestamp(HUGE))
    }
}

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn no_bytes_make_it_panic(lines in vec(vec(any::<u8>(), 0..200), 0..20)) {
        let report = read(&lines, Verifier::new().about(3));
        prop_assert_eq!(report.found as usize, lines.len() + 1);
    }

    /// Near to real: pieces of an honest log with a few bytes changed, and the chain as it comes.
    #[test]
    fn no_damaged_log_makes_it_panic(steps in steps(), damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let mut bytes = write(&history(&steps)).0.join("\n").into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = if byte < 128 { b'0' + byte % 10 } else { byte };
        }
        let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
        let report = read(&lines, Verifier::new().about(7));
        prop_assert!(!report.to_string().is_empty());
    }

    #[test]
    fn no_figures_make_it_panic(figures in vec(vec(prop_oneof![Just(0), Just(1), Just(HUGE), Just(HUGE - 1)], 10), 1..20)) {
        let entry = |f: &Vec<u64>| Entry {
            given: f[0],
            horizon: f[1],
            called: Passed::all(f[2]..f[3]),
            arrived: Passed::all(f[4]..f[5]),
            late: vec![f[6]],
            first: vec![First { number: f[7], by: text("a"), reason: text("b") }],
            lapsed: f[8],
            ..Entry { at: Timestamp(f[9]), ..huge() }
        };
        let entries: Vec<_> = figures.iter().map(entry).collect();
        let (lines, _) = write(&entries);
        let report = read(&lines, Verifier::new().about(0).about(1).about(HUGE).about(u64::MAX));
        prop_assert!(!report.is_clean());
        for number in [0, 1, HUGE, u64::MAX] {
            prop_assert!(report.of_number(number).is_some_and(|story| !story.to_string().is_empty()));
        }
    }
}

#[test]
fn a_range_of_nearly_everything_costs_nothing() {
    let all = Entry {
        called: Passed::all(0..HUGE),
        ..huge()
    };
    let (lines, _) = write(&vec![all; 1_000]);
    let mut verifier = Verifier::new().about(5);
    lines.iter().for_each(|line| verifier.feed(line.as_bytes()));
    assert!(verifier.kept() < 10, "{}", verifier.kept());
    assert!(!verifier.finish().is_clean());
}

#[test]
fn what_is_kept_is_bounded_by_what_was_read() {
    // Each skipped number and each late one lies alone, each entry has a time of its own: the dearest there is.
    let entry = |n: u64| Entry {
        at: Timestamp(n),
        given: (n + 1) * 128,
        horizon: (n + 1) * 128,
        arrived: Passed::all(n * 128..n * 128 + 124),
        called: Passed::new(n * 128 + 124..(n + 1) * 128, |number| number % 2 == 0),
        late: (0..50).map(|i| HUGE - (n * 50 + i) * 64).collect(),
        ..quiet(START)
    };
    let entries: Vec<_> = (0..500).map(entry).collect();
    let (lines, _) = write(&entries);
    let mut verifier = Verifier::new();
    lines.iter().for_each(|line| verifier.feed(line.as_bytes()));
    let read: usize = lines.iter().map(String::len).sum();
    // A node of the map is at most some forty bytes an item.
    assert!(
        verifier.kept() * 45 < read * 10,
        "{} items of {read} bytes",
        verifier.kept()
    );
}

#[test]
fn findings_are_counted_but_not_all_kept() {
    let late = vec![5; MOST_LATE];
    let (lines, _) = write(&[Entry { late, ..huge() }]);
    let report = read(&lines, Verifier::new());
    assert!(report.found > MOST_LATE as u64);
    assert_eq!(report.findings.len(), 100);
    assert!(report.to_string().ends_with("not shown."));
}

#[test]
fn a_line_without_end_is_not_kept() {
    let endless = repeat(b'[').take(40 << 20);
    let report = verify([BufReader::new(endless)], Verifier::new()).expect("memory");
    assert_eq!(report.found, 2, "{report}");
    assert_eq!(report.findings[0].place, Place::Line(1, 1));
    let wanted = "a line of at most 4 MiB";
    assert_eq!(
        report.findings[0].fault,
        Fault::Unreadable(ParseError {
            at: MOST_LINE,
            wanted
        })
    );
}

#[test]
fn lists_and_nesting_are_bounded() {
    let many = Entry {
        late: vec![1; MOST_LATE + 1],
        ..huge()
    };
    let line = many.write(&opening().start()).0;
    let error = Entry::parse(line.as_bytes()).expect_err("one too many");
    assert_eq!(error.wanted, "a list of at most 131,072");
    let deep = quiet(START)
        .write(&opening().start())
        .0
        .replace("[]", &"[".repeat(100_000));
    assert!(Entry::parse(deep.as_bytes()).is_err());
    let mut bad = quiet(START).write(&opening().start()).0.into_bytes();
    bad[100] = 0xff;
    assert_eq!(Entry::parse(&bad).expect_err("no UTF-8").wanted, "UTF-8");
}

/// The largest line there is: all bits of a long range.
#[test]
fn the_longest_line_is_read() {
    let called = Passed::new(0..20_000_000, |number| number == 0).expect("a range");
    let entry = Entry {
        called: Some(called),
        ..huge()
    };
    let line = entry.write(&opening().start()).0;
    assert!(line.len() < MOST_LINE && line.len() > MOST_LINE / 2);
    assert_eq!(Entry::parse(line.as_bytes()).expect("it fits").entry, entry);
}
