mod order;
mod published;
mod trees;
mod vectors;

use super::*;
use crate::{
    token::{KeyId, Keyring, Seal},
    value::Timestamp,
};

/// 2027-01-01T00:00:00Z.
const OPENS_AT: Timestamp = Timestamp(1_798_761_600_000);
const KEY: KeyId = KeyId(1);

fn seal() -> Seal {
    ring(&[1]).seal("acme", "flash-sale")
}

fn ring(ids: &[u8]) -> Keyring {
    Keyring::new(ids.iter().map(|id| (KeyId(*id), vec![*id; 32])).collect()).expect("valid ring")
}

fn secret() -> Secret {
    seal().draw_secret(KEY, OPENS_AT).expect("the ring has it")
}

fn tags() -> TagMaker {
    seal().draw_tags(KEY, OPENS_AT).expect("the ring has it")
}

fn tree(count: u32) -> Tree {
    Tree::build(tags(), count)
}

fn beacon() -> Beacon {
    Beacon::new(Hash::of([b"a round of a beacon"]).0.to_vec()).expect("32 bytes")
}

/// What the operator of an honest draw publishes, without anybody's proof.
fn record(count: u32) -> Record {
    Record {
        version: VERSION,
        room: "flash-sale".into(),
        opens_at: "2027-01-01T09:00:00+09:00".into(),
        rule: RULE,
        commitment: secret().commitment(),
        secret: secret().reveal(),
        count,
        digest: tree(count).digest(),
        beacon: None,
        beacon_name: None,
        tags: None,
        proof: None,
    }
}

/// The same with the proof of the ticket at `index`.
fn proven(count: u32, index: u32) -> Record {
    let record = record(count);
    let proof = tree(count).proof(index, &record.draw());
    assert!(proof.is_some(), "{index} of {count}");
    Record { proof, ..record }
}

#[test]
fn every_gateway_of_a_fleet_derives_the_same_draw() {
    assert_eq!(secret().reveal(), secret().reveal());
    assert_eq!(tree(100).digest(), tree(100).digest());
}

#[test]
fn a_key_that_no_longer_signs_makes_the_same_draw() {
    let rotated = ring(&[2, 1]).seal("acme", "flash-sale");
    assert_eq!(rotated.signing_key(), KeyId(2));
    let kept = rotated.draw_secret(KEY, OPENS_AT).expect("still there");
    assert_eq!(kept.commitment(), secret().commitment());
    let kept = rotated.draw_tags(KEY, OPENS_AT).expect("still there");
    assert_eq!(kept.tag(7), tags().tag(7));
}

#[test]
fn a_dropped_key_is_said_to_be_missing() {
    let dropped = ring(&[2]).seal("acme", "flash-sale");
    assert!(dropped.draw_secret(KEY, OPENS_AT).is_none());
    assert!(dropped.draw_tags(KEY, OPENS_AT).is_none());
}

#[test]
fn another_room_or_opening_or_key_is_another_draw() {
    let later = Timestamp(OPENS_AT.0 + 1);
    let others = [
        (ring(&[1]).seal("acme", "other"), KEY, OPENS_AT),
        (ring(&[1]).seal("other", "flash-sale"), KEY, OPENS_AT),
        (ring(&[2]).seal("acme", "flash-sale"), KeyId(2), OPENS_AT),
        (seal(), KEY, later),
    ];
    for (seal, key, opens_at) in others {
        let other = seal.draw_secret(key, opens_at).expect("the ring has it");
        assert_ne!(other.commitment(), secret().commitment());
        let other = seal.draw_tags(key, opens_at).expect("the ring has it");
        assert_ne!(other.tag(0), tags().tag(0));
    }
}

#[test]
fn what_must_stay_secret_is_not_printed() {
    let draw = record(10).draw();
    let printed = format!("{:?} {:?} {:?} {draw:?}", secret(), tags(), tree(3));
    for hidden in [secret().reveal(), draw.seed()] {
        assert!(!printed.contains(&hidden.to_string()), "{printed}");
    }
    assert!(!printed.contains(&tags().tag(0).to_string()), "{printed}");
}

#[test]
fn bytes_have_one_text() {
    let tag: Tag = "000102030405060708090a0b0c0d0eff"
        .parse()
        .expect("16 bytes");
    assert_eq!(tag.to_string(), "000102030405060708090a0b0c0d0eff");
    for (text, why) in [
        ("000102030405060708090A0B0C0D0EFF", BytesError::Hex),
        ("0", BytesError::Hex),
        ("0x", BytesError::Hex),
        ("é", BytesError::Hex),
        ("00", BytesError::Length { found: 1 }),
    ] {
        assert_eq!(text.parse::<Tag>(), Err(why), "{text}");
    }
    assert_eq!("".parse::<Beacon>(), Err(BytesError::Length { found: 0 }));
    let long = vec![0; 1025];
    assert_eq!(Beacon::new(long), Err(BytesError::Length { found: 1025 }));
}
