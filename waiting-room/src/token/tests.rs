use proptest::prelude::*;

use super::*;

mod vectors;

fn ring(ids: &[u8]) -> Keyring {
    Keyring::new(ids.iter().map(|id| (KeyId(*id), vec![*id; 32])).collect()).expect("valid ring")
}

fn seal() -> Seal {
    ring(&[1]).seal("acme", "flash-sale")
}

const TICKET: Ticket = Ticket {
    line: LineId(1_790_000_000_000),
    number: Number(1_790_000_000_042),
    joined_at: Timestamp(1_790_000_001_000),
    told: Told::Wait {
        next_poll_at: Timestamp(1_790_000_006_000),
        shown_ahead: 41,
        shown_wait: u32::MAX,
    },
    secret: 0x0123_4567_89ab_cdef,
};

const SHOWN: Ticket = Ticket {
    told: Told::Wait {
        next_poll_at: Timestamp(1_790_000_006_000),
        shown_ahead: 41,
        shown_wait: 90_000,
    },
    ..TICKET
};

const CALLED: Ticket = Ticket {
    told: Told::Called {
        at: Timestamp(1_790_000_007_000),
        until: Timestamp(1_790_000_127_000),
    },
    ..TICKET
};

const PASS: Pass = Pass {
    line: LineId(1_790_000_000_000),
    number: Number(1_790_000_000_042),
    issued_at: Timestamp(1_790_000_010_000),
    expires_at: Timestamp(1_790_000_610_000),
    secret: 7,
};

#[test]
fn what_was_signed_is_read_back() {
    let seal = seal();
    for bits in [0, 1, 17] {
        let challenge = Challenge {
            issued_at: Timestamp(1_790_000_000_123),
            nonce: u64::MAX,
            bits,
        };
        assert_eq!(
            seal.read_claimant(seal.challenge(&challenge).as_str()),
            Ok(Claimant::Challenge(challenge))
        );
    }
    for ticket in [TICKET, SHOWN, CALLED] {
        assert_eq!(
            seal.read_claimant(seal.ticket(&ticket).as_str()),
            Ok(Claimant::Ticket(ticket))
        );
    }
    assert_eq!(
        seal.read_pass(seal.pass(&PASS).as_str(), PASS.issued_at),
        Ok(PASS)
    );
}

#[test]
fn tokens_stay_under_a_hundred_bytes() {
    assert_eq!(seal().ticket(&TICKET).as_str().len(), 78);
    assert_eq!(seal().ticket(&SHOWN).as_str().len(), 83);
    assert_eq!(seal().ticket(&CALLED).as_str().len(), 80);
    assert_eq!(seal().pass(&PASS).as_str().len(), 72);
}

/// The form is a contract with every ticket in the wild: these texts must not change within version 1.
/// They were made with Python's hmac and struct, from the tables in the module's head.
#[test]
fn the_tickets_of_the_documented_vectors() {
    assert_eq!(
        seal().ticket(&TICKET).as_str(),
        "EgEAAAGgxFBsAAAAAaDEUGwqAaDEUG_oAaDEUINwAAAAKQEjRWeJq83vJ0YVquakgakdNvX_ujDRmQ"
    );
    assert_eq!(
        seal().ticket(&CALLED).as_str(),
        "FAEAAAGgxFBsAAAAAaDEUGwqAaDEUG_oAaDEUIdYAaDEUlwYASNFZ4mrze-sOiqjjXkWUVHfhp-0M_em"
    );
}

#[test]
fn a_token_of_another_tenant_or_room_is_no_token() {
    let text = seal().ticket(&TICKET);
    for foreign in [
        ring(&[1]).seal("other", "flash-sale"),
        ring(&[1]).seal("acme", "other"),
    ] {
        assert_eq!(
            foreign.read_claimant(text.as_str()),
            Err(TokenError::Signature)
        );
    }
    // The names are length-prefixed: moving the border between them is another room.
    assert_eq!(
        ring(&[1])
            .seal("acmef", "lash-sale")
            .read_claimant(text.as_str()),
        Err(TokenError::Signature)
    );
}

#[test]
fn a_rotated_key_still_verifies_and_a_dropped_one_does_not() {
    let old = ring(&[1]).seal("acme", "flash-sale").ticket(&TICKET);
    let rotated = ring(&[2, 1]).seal("acme", "flash-sale");
    assert_eq!(
        rotated.read_claimant(old.as_str()),
        Ok(Claimant::Ticket(TICKET))
    );
    assert_ne!(rotated.ticket(&TICKET), old, "the first key signs");
    let dropped = ring(&[2]).seal("acme", "flash-sale");
    assert_eq!(dropped.read_claimant(old.as_str()), Err(TokenError::Key));
}

#[test]
fn a_pass_ends_on_time_and_is_not_a_ticket() {
    let text = seal().pass(&PASS);
    assert_eq!(
        seal().read_pass(text.as_str(), PASS.expires_at),
        Err(TokenError::Expired)
    );
    assert_eq!(seal().read_claimant(text.as_str()), Err(TokenError::Kind));
    let ticket = seal().ticket(&TICKET);
    assert_eq!(
        seal().read_pass(ticket.as_str(), PASS.issued_at),
        Err(TokenError::Kind)
    );
}

#[test]
fn weak_rings_are_refused() {
    assert_eq!(Keyring::new(vec![]).err(), Some(KeyringError::Empty));
    let short = vec![(KeyId(1), vec![0; 31])];
    assert_eq!(
        Keyring::new(short).err(),
        Some(KeyringError::Short { id: 1, length: 31 })
    );
    let twice = vec![(KeyId(1), vec![0; 32]), (KeyId(1), vec![1; 32])];
    assert_eq!(
        Keyring::new(twice).err(),
        Some(KeyringError::Twice { id: 1 })
    );
}

#[test]
fn nothing_secret_is_printed() {
    let printed = format!("{:?} {:?} {:?}", TICKET, seal().ticket(&TICKET), ring(&[1]));
    assert!(!printed.contains("81985529216486895"), "{printed}");
    assert!(!printed.contains("EgEAAA"), "{printed}");
}

proptest! {
    #[test]
    fn no_single_changed_character_survives(at in 0_usize..78, with in "[A-Za-z0-9_-]") {
        let text = seal().ticket(&TICKET);
        let mut forged = text.as_str().to_owned();
        forged.replace_range(at..=at, &with);
        prop_assume!(forged != text.as_str());
        prop_assert!(seal().read_claimant(&forged).is_err());
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,120}") {
        prop_assert!(seal().read_claimant(&text).is_err());
        prop_assert!(seal().read_pass(&text, Timestamp(0)).is_err());
    }
}
