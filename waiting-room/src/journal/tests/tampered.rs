//! Whatever is changed afterwards is found: in the bytes by the chain, in what is said by the rules.

use std::io::Cursor;

use proptest::{prelude::*, sample::Index};

use super::{
    history::{Step, history, some_cases, steps},
    *,
};

/// A file, and the head that was published for it.
fn file(steps: &[Step]) -> (Vec<String>, Head) {
    write(&history(steps))
}

fn is_found(lines: &[String], head: Head) -> bool {
    !read(lines, Verifier::new().passing(head)).is_clean()
}

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn a_flipped_byte_is_found(steps in steps(), at in any::<Index>(), flip in 1_u8..=255) {
        let (lines, head) = file(&steps);
        let mut bytes = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect::<Vec<_>>();
        prop_assert!(verify([Cursor::new(&bytes)], Verifier::new().passing(head)).expect("memory").is_clean());
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let report = verify([Cursor::new(&bytes)], Verifier::new().passing(head)).expect("memory");
        prop_assert!(!report.is_clean(), "byte {at}");
    }

    #[test]
    fn a_dropped_repeated_or_moved_entry_is_found(steps in steps(), a in any::<Index>(), b in any::<Index>()) {
        let (lines, head) = file(&steps);
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        let mut dropped = lines.clone();
        dropped.remove(a);
        prop_assert!(is_found(&dropped, head));
        let mut repeated = lines.clone();
        repeated.insert(b, lines[a].clone());
        prop_assert!(is_found(&repeated, head));
        let mut moved = lines.clone();
        moved.swap(a, b);
        prop_assert_eq!(is_found(&moved, head), a != b);
    }

    /// Also one whose place and `prev` are right, and also if all that follow are written anew.
    #[test]
    fn an_entry_put_in_is_found(steps in steps(), at in any::<Index>()) {
        let entries = history(&steps);
        let (lines, head) = write(&entries);
        let at = at.index(lines.len());
        let given = entries[at].given + 1;
        let more = Entry { given, late: vec![given], ..entries[at].clone() };
        let put_in = [&entries[..=at], &[more], &entries[at + 1..]].concat();
        let (anew, _) = write(&put_in);
        prop_assert!(is_found(&anew, head));
        let spliced = [&anew[..=at + 1], &lines[at + 1..]].concat();
        prop_assert!(is_found(&spliced, head));
    }

    /// Without any published head, and with the chain written anew by whoever keeps the log.
    #[test]
    fn a_lie_in_a_chain_written_anew_is_found(steps in steps(), at in any::<Index>(), lie in 0..7_usize) {
        let mut entries = history(&steps);
        let at = at.index(entries.len());
        let told = tell(&mut entries, at, lie);
        prop_assert_eq!(!verified(&entries).is_clean(), told, "lie {} at {}", lie, at);
    }
}

/// Changes the entry at `at`; whether there was something to change.
fn tell(entries: &mut [Entry], at: usize, lie: usize) -> bool {
    let before = entries[..at].last().cloned();
    let entry = &mut entries[at];
    let passed = |entry: &Entry| entry.passed().next().map(|p| (p.from(), p.to()));
    match lie {
        // The horizon moves back.
        0 => before
            .filter(|before| before.horizon > 0)
            .is_some_and(|before| {
                entry.horizon = before.horizon - 1;
                true
            }),
        // Fewer were given out than before.
        1 => before
            .filter(|before| before.given > 0)
            .is_some_and(|before| {
                entry.given = before.given - 1;
                true
            }),
        // Time goes back.
        2 => before.is_some_and(|before| {
            entry.at.0 = before.at.0 - 1;
            true
        }),
        // Somebody is called late whose turn is still to come.
        3 => {
            entry.late.push(entry.horizon);
            true
        }
        // Called in this very entry, and once more.
        4 => passed(entry).is_some_and(|(from, _)| {
            entry.late.push(from);
            true
        }),
        // A range that was left out, or begun too early.
        5 => match (entry.arrived.take(), entry.called.take()) {
            (None, None) => false,
            (arrived, None) => {
                entry.called = arrived.and_then(|p| Passed::all(p.from() + 1..p.to() + 1));
                true
            }
            _ => true,
        },
        // A limit that nobody announced.
        _ if entry.event.is_none() => {
            entry.limits.active = entry.limits.active.map(|limit| limit + 1);
            true
        }
        _ => false,
    }
}
