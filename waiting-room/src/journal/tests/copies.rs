//! Each gateway writes its own copy; together they are one log.

use std::io::{self, BufReader, Cursor, Read};

use proptest::{collection::vec, prelude::*};

use super::{
    history::{Step, history, some_cases, steps},
    *,
};

fn merged(copies: &[Vec<String>]) -> Report {
    let files = copies.iter().map(|lines| Cursor::new(lines.join("\n")));
    verify(files, Verifier::new()).expect("memory can be read")
}

fn lines(count: u64) -> Vec<String> {
    let steps: Vec<_> = (0..count).map(|_| Step::Join(1)).collect();
    let lines = write(&history(&steps)).0;
    assert!(lines.len() > 6, "long enough for what is done to it");
    lines
}

proptest! {
    #![proptest_config(some_cases())]

    /// Every entry is in at least one copy: all is there, whatever each copy lacks.
    #[test]
    fn what_one_copy_lacks_another_has(steps in steps(), held in vec(1_u8..8, 200)) {
        let lines = write(&history(&steps)).0;
        let copy = |bit: u8| {
            let held = lines.iter().zip(&held).filter(|(_, held)| *held & bit != 0);
            held.map(|(line, _)| line.clone()).collect::<Vec<_>>()
        };
        let report = merged(&[copy(1), copy(2), copy(4)]);
        prop_assert!(report.is_clean(), "{report}");
        prop_assert_eq!(report.entries, lines.len() as u64);
    }
}

#[test]
fn a_gap_that_no_copy_fills_is_found_and_the_rest_is_judged() {
    let lines = lines(12);
    let without = |gone: &[usize]| {
        let kept = lines.iter().enumerate().filter(|(i, _)| !gone.contains(i));
        kept.map(|(_, line)| line.clone()).collect::<Vec<_>>()
    };
    let report = merged(&[without(&[2, 3, 5]), without(&[3, 4])]);
    assert_eq!(faults(&report), [Fault::Missing { from: 4, to: 4 }]);
    assert_eq!(report.entries as usize, lines.len() - 1);
    let mut broken = without(&[3]);
    broken[4] = broken[4].replace("\"active\":", "\"active\":9");
    let report = merged(&[broken]);
    assert!(report.found > 1, "{report}");
}

#[test]
fn a_log_without_its_beginning_is_still_judged() {
    let lines = lines(12);
    let report = merged(&[lines[3..].to_vec()]);
    assert_eq!(faults(&report), [Fault::Missing { from: 1, to: 3 }]);
    assert_eq!(report.opening, None);
}

#[test]
fn copies_that_differ_are_found_and_the_one_that_follows_is_taken() {
    let lines = lines(12);
    let mut other = lines.clone();
    let changed = Entry::parse(lines[4].as_bytes()).expect("an entry");
    let lie = Entry {
        living: 999,
        ..changed.entry
    };
    let prev = Head {
        seq: 4,
        hash: changed.prev,
    };
    other[4] = lie.write(&prev).0;
    // Which of the two was changed cannot be told by them alone, but the next entry tells.
    let report = merged(&[lines.clone(), other.clone()]);
    assert_eq!(faults(&report), [Fault::Differs(1, 2)]);
    let report = merged(&[other, lines]);
    assert_eq!(faults(&report), [Fault::Differs(1, 2), Fault::Broken]);
}

#[test]
fn a_line_that_was_cut_off_is_found_where_it_is() {
    let lines = lines(12);
    let mut torn = lines.clone();
    torn[2].truncate(40);
    let report = merged(&[lines.clone(), torn]);
    assert_eq!(report.found, 1, "{report}");
    assert_eq!(report.findings[0].place, Place::Line(2, 3));
    assert_eq!(report.entries as usize, lines.len());
}

#[test]
fn no_file_and_an_empty_file_are_no_log() {
    assert_eq!(faults(&merged(&[])), [Fault::Empty]);
    assert_eq!(faults(&merged(&[Vec::new()])), [Fault::Empty]);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_not_a_finding() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = verify([BufReader::new(Broken)], Verifier::new()).expect_err("it broke");
    assert_eq!(error.to_string(), "file 1 cannot be read");
}
