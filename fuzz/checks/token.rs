//! What must hold of tokens and of the store's records, whatever the bytes: nothing panics, and no two
//! texts are read as one token.
//!
//! The first byte of an input says what the rest is. The program of the fuzzer and a test of the waiting
//! room, which replays the seeds, share this file.

use std::time::Duration;

use waiting_room::handoff::Move;
use waiting_room::line::{Line, Marks};
use waiting_room::provisional::{List, ListId, Roster, Spot};
use waiting_room::token::{Bound, Challenge, Claimant, Provisional, Ticket, Told};
use waiting_room::{KeyId, Keyring, LineId, Number, Pass, Seal, Timestamp, TokenText};

#[path = "forge.rs"]
mod forge;
#[path = "input.rs"]
mod input;

use input::Input;

/// Milliseconds have 48 bits in a token.
const TIME: u64 = (1 << 48) - 1;
/// Before every token's end.
const NOW: Timestamp = Timestamp(0);
const KINDS: u8 = 6;
/// As many changes as one text gets.
const EDITS: usize = 4;

/// Checks one input.
///
/// # Panics
/// When something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    match input.byte() % 7 {
        0 => any_text(input.rest()),
        1 => any_signed_bytes(input.rest()),
        2 | 3 => changed(&mut input),
        4 => a_line(input.rest()),
        5 => lists(&mut input),
        _ => a_move(input.rest()),
    }
}

fn seal(tenant: &str, room: &str) -> Seal {
    let keys = [1, 2].map(|id| (KeyId(id), vec![id; 32]));
    let ring = Keyring::new(keys.into()).expect("two keys with two ids");
    ring.seal(tenant, room)
}

fn own() -> Seal {
    seal("acme", "flash-sale")
}

fn another() -> Seal {
    seal("acme", "flash-sale-2")
}

/// The client that bound tokens belong to, and one that they do not.
fn clients() -> [Bound; 2] {
    let away = Bound::to(forge::HOME, None);
    [Bound::to(forge::HOME, Some(forge::AGENT)), away]
}

/// A token, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Claimant(Claimant),
    Pass(Pass),
}

impl Read {
    /// What `text` is to a client, if it is anything.
    fn of(seal: &Seal, text: &str, client: Option<&Bound>) -> Option<Self> {
        let claimant = seal.read_claimant_of(text, client);
        let pass = seal.read_pass_of(text, NOW, client);
        if client.is_none() {
            assert_eq!(seal.read_claimant(text), claimant);
            assert_eq!(seal.read_pass(text, NOW), pass);
        }
        let late = seal.read_pass_of(text, Timestamp(TIME), client);
        assert!(late.is_err(), "an end of time that is after all times");
        match (claimant, pass) {
            (Ok(_), Ok(_)) => panic!("a ticket that is a pass: {text}"),
            (Ok(claimant), _) => Some(Self::Claimant(claimant)),
            (_, pass) => pass.ok().map(Self::Pass),
        }
    }

    /// The one text that may be read as this.
    fn write(self, seal: &Seal, bound: Option<&Bound>) -> TokenText {
        match self {
            Self::Claimant(Claimant::Challenge(challenge)) => seal.challenge_for(&challenge, bound),
            Self::Claimant(Claimant::Provisional(spot)) => seal.provisional(&spot, bound),
            Self::Claimant(Claimant::Ticket(ticket)) => seal.ticket_for(&ticket, bound),
            Self::Pass(pass) => seal.pass_for(&pass, bound),
        }
    }

    /// A token of any kind, with fields of any value.
    fn made(input: &mut Input<'_>) -> Self {
        let kind = input.byte() % KINDS;
        let mut time = || Timestamp(input.u64() & TIME);
        let (one, two, three) = (time(), time(), time());
        let (line, number, secret) = (LineId(input.u64()), Number(input.u64()), input.u64());
        let ticket = |told| {
            Self::Claimant(Claimant::Ticket(Ticket {
                line,
                number,
                joined_at: one,
                told,
                secret,
            }))
        };
        match kind {
            0 => Self::Claimant(Claimant::Challenge(Challenge {
                issued_at: one,
                nonce: secret,
                bits: input.byte(),
            })),
            1 => Self::Claimant(Claimant::Provisional(Provisional {
                spot: Spot {
                    list: ListId(line.0),
                    came_at: one,
                    index: input.u32(),
                },
                nonce: secret,
            })),
            2 => ticket(Told::Wait {
                next_poll_at: two,
                shown_ahead: input.u32(),
                shown_wait: input.u32(),
            }),
            3 => ticket(Told::Called {
                at: two,
                until: three,
            }),
            _ => Self::Pass(Pass {
                line,
                number,
                issued_at: one,
                // Good at `NOW`.
                expires_at: Timestamp(two.0.max(1)),
                secret,
            }),
        }
    }
}

/// Whatever a visitor sends: what is read is the one text of what was read.
fn any_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (seal, [home, away]) = (own(), clients());
    if let Some(read) = Read::of(&seal, text, None) {
        let rewritten = [None, Some(&home)].map(|bound| read.write(&seal, bound));
        assert!(
            rewritten.iter().any(|other| other.as_str() == text),
            "{text}"
        );
    }
    let _ = Read::of(&seal, text, Some(&away));
    assert_eq!(Read::of(&another(), text, None), None);
}

/// As if somebody had the key: past the signature any bytes are refused or have one meaning.
fn any_signed_bytes(bytes: &[u8]) {
    let (seal, [home, away]) = (own(), clients());
    let text = forge::signed(bytes);
    let is_bound = bytes.first().is_some_and(|first| first & 8 != 0);
    let read = Read::of(&seal, &text, Some(&home));
    if let Some(read) = read {
        let bound = is_bound.then_some(&home);
        assert_eq!(read.write(&seal, bound).as_str(), text, "{read:?}");
    }
    assert_eq!(Read::of(&seal, &text, None), read);
    let stolen = Read::of(&seal, &text, Some(&away));
    assert_eq!(stolen, read.filter(|_| !is_bound));
}

/// From a true token: it is read back, and no change of it is read as anything.
fn changed(input: &mut Input<'_>) {
    let (seal, [home, away]) = (own(), clients());
    let bound = Some(&home).filter(|_| input.byte().is_multiple_of(2));
    let made = Read::made(input);
    let text = made.write(&seal, bound);
    let text = text.as_str();
    for client in [None, Some(&home)] {
        assert_eq!(Read::of(&seal, text, client), Some(made), "{text}");
    }
    let stolen = Read::of(&seal, text, Some(&away));
    assert_eq!(stolen, Some(made).filter(|_| bound.is_none()), "{text}");
    assert_eq!(Read::of(&another(), text, None), None, "{text}");
    let as_text = edited(text.as_bytes(), input);
    let as_bytes = forge::text(&edited(&forge::bytes(text), input));
    let changes = [String::from_utf8(as_text).unwrap_or_default(), as_bytes];
    for change in changes.iter().filter(|change| *change != text) {
        for client in [None, Some(&home), Some(&away)] {
            assert_eq!(Read::of(&seal, change, client), None, "{text} {change}");
        }
    }
}

/// Bytes with some of them set, flipped, taken out, put in or cut off.
fn edited(bytes: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..EDITS {
        let (what, value) = (input.byte(), input.byte());
        let at = usize::from(input.byte()) % (bytes.len() + 1);
        match what % 6 {
            0 => return bytes,
            1 => bytes.insert(at, value),
            2 => bytes.truncate(at),
            _ if at == bytes.len() => bytes.push(value),
            3 => bytes[at] = value,
            4 => bytes[at] ^= 1 << (value % 8),
            _ => {
                bytes.remove(at);
            }
        }
    }
    bytes
}

/// A record that is read is written so that it is read as the same again.
fn a_line(bytes: &[u8]) {
    let Ok(mut line) = Line::decode(bytes) else {
        return;
    };
    let written = line.encode();
    let again = Line::decode(&written).expect("what we write we read");
    // By their bytes: a pace that is no number is not equal to itself.
    assert_eq!(again.encode(), written);
    let marks = Marks::default();
    for number in [line.floor, line.frontier, line.horizon, line.soon] {
        let _ = (line.call_of(number, &marks), line.was_replaced(number));
    }
    line.coalesce(line.ticked_at, Duration::from_secs(1));
    Line::decode(&line.encode()).expect("what we write we read");
}

/// Lists that are read are written alike, and number each spot on them once.
fn lists(input: &mut Input<'_>) {
    let length = usize::from(input.byte());
    let parts = [input.take(length), input.rest()];
    let read = (1..)
        .zip(parts)
        .map(|(id, part)| List::decode(ListId(id), part));
    let lists: Vec<_> = read.flatten().collect();
    for list in &lists {
        let again = List::decode(list.id, &list.encode());
        assert_eq!(again.as_ref(), Some(list));
    }
    let roster = Roster::new(Number(0), &lists);
    let total: u64 = lists.iter().map(|list| u64::from(list.total())).sum();
    // The first moments; a list has no other door to them than the spots it gives.
    for came_at in (0..200).step_by(5).map(Timestamp) {
        for list in &lists {
            let spot = |index| Spot {
                list: list.id,
                came_at,
                index,
            };
            let numbers = [0, 1].map(|index| roster.number(&spot(index)));
            if let [Some(first), Some(second)] = numbers {
                assert_eq!(second, first.plus(1));
            }
            assert!(numbers.iter().flatten().all(|number| number.0 < total));
        }
    }
}

fn a_move(bytes: &[u8]) {
    match Move::decode(bytes) {
        Some(read) => assert_eq!(read.encode(), bytes),
        None => assert_ne!(bytes.len(), 24),
    }
}
