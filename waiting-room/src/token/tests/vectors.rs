//! The vectors of docs/tokens.md: ours, the document's, and those of a script that knows the document alone.

use std::{collections::BTreeMap, process::Command};

use super::super::*;

const DOCUMENT: &str = include_str!("../../../../docs/tokens.md");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tokens.py");

const AT: Timestamp = Timestamp(1_790_000_000_123);
const NONCE: u64 = 0xfedc_ba98_7654_3210;

fn later(ms: u64) -> Timestamp {
    Timestamp(AT.0 + ms)
}

fn ticket(told: Told) -> Ticket {
    Ticket {
        line: LineId(1_790_000_000_000),
        number: Number(1_790_000_000_042),
        joined_at: AT,
        told,
        secret: 0x0123_4567_89ab_cdef,
    }
}

fn ours() -> BTreeMap<String, String> {
    let ring = Keyring::new(vec![(KeyId(1), vec![1; 32])]).expect("a ring");
    let seal = ring.seal("acme", "flash-sale");
    let challenge = |bits| Challenge {
        issued_at: AT,
        nonce: NONCE,
        bits,
    };
    let pass = Pass {
        line: LineId(1_790_000_000_000),
        number: Number(1_790_000_000_042),
        issued_at: AT,
        expires_at: later(600_000),
        secret: 7,
    };
    let waits = |shown_wait| Told::Wait {
        next_poll_at: later(5_000),
        shown_ahead: 41,
        shown_wait,
    };
    let called = Told::Called {
        at: later(6_000),
        until: later(126_000),
    };
    let provisional = Provisional {
        spot: Spot {
            list: ListId(99),
            came_at: Timestamp(AT.0 - 3),
            index: 2,
        },
        nonce: NONCE,
    };
    let home = Bound::to([4, 192, 0, 2, 0, 0, 0, 0], Some(b"Browser/1.0"));
    let all = [
        ("challenge", seal.challenge(&challenge(0))),
        ("waits", seal.ticket(&ticket(waits(u32::MAX)))),
        ("shown", seal.ticket(&ticket(waits(90_000)))),
        ("pass", seal.pass(&pass)),
        ("called", seal.ticket(&ticket(called))),
        ("work", seal.challenge(&challenge(16))),
        ("provisional", seal.provisional(&provisional, None)),
        ("bound-pass", seal.pass_for(&pass, Some(&home))),
    ];
    let all = all.iter();
    all.map(|(name, token)| ((*name).to_owned(), token.as_str().to_owned()))
        .collect()
}

#[test]
fn the_document_says_what_we_sign() {
    let rows = DOCUMENT.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | `")?;
        Some((name.to_owned(), rest.strip_suffix("` |")?.to_owned()))
    });
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), ours());
}

#[test]
fn another_language_makes_the_same_from_the_document() {
    let made = Command::new("python3").arg(SCRIPT).output();
    let made = made.expect("python3 is installed with the tests' packages");
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8(made.stdout).expect("ASCII");
    let theirs = text.lines().filter_map(|line| line.split_once(' '));
    let theirs = theirs.map(|(name, token)| (name.to_owned(), token.to_owned()));
    assert_eq!(theirs.collect::<BTreeMap<_, _>>(), ours());
}
