mod copies;
mod form;
mod history;
mod honest;
mod hostile;
mod lies;
mod shown;
mod tampered;
mod vectors;

use super::*;
use crate::value::{LineId, Number, Timestamp};

const START: Timestamp = Timestamp(1_790_000_000_000);

fn text(text: &str) -> Text {
    Text::new(text).expect("a plain text")
}

fn opening() -> Opening {
    Opening {
        tenant: text("acme"),
        room: text("sale"),
        line: LineId(START.0),
        first: Number(START.0),
        grace: std::time::Duration::from_secs(20),
        absent_after: std::time::Duration::from_secs(90),
    }
}

/// An entry in which nothing happens.
fn quiet(at: Timestamp) -> Entry {
    Entry::quiet(at)
}

fn event(kind: Kind) -> Option<Event> {
    Some(Event {
        kind,
        by: None,
        detail: None,
    })
}

/// The entries as lines, from the opening on, and the last head.
fn write(entries: &[Entry]) -> (Vec<String>, Head) {
    let mut head = opening().start();
    let mut next = |entry: &Entry| {
        let (line, after) = entry.write(&head);
        head = after;
        line
    };
    let lines = entries.iter().map(&mut next).collect();
    (lines, head)
}

fn read<S: AsRef<[u8]>>(lines: &[S], mut verifier: Verifier) -> Report {
    lines.iter().for_each(|line| verifier.feed(line.as_ref()));
    verifier.finish()
}

fn verified(entries: &[Entry]) -> Report {
    let (lines, head) = write(entries);
    read(&lines, Verifier::new().passing(head))
}

fn faults(report: &Report) -> Vec<Fault> {
    report
        .findings
        .iter()
        .map(|finding| finding.fault.clone())
        .collect()
}
