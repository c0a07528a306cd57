//! What known waiting rooms get wrong, and every other way in which a record may be false.

use super::*;

fn check(record: &Record) -> Result<Report, VerifyError> {
    verify(&record.to_json())
}

/// The sentence a checker reads about a false record.
fn complaint(text: &str) -> String {
    verify(text).expect_err("a false record").to_string()
}

#[test]
fn an_honest_draw_holds_for_every_ticket() {
    for count in [1, 2, 33, 100] {
        for index in [0, count / 2, count - 1] {
            let proven = proven(count, index);
            let report = check(&proven).expect("honest");
            assert_eq!(report.record, proven);
            assert_eq!(report.seed, proven.draw().seed());
        }
    }
}

#[test]
fn nobody_came() {
    let report = check(&record(0)).expect("honest");
    assert!(report.to_string().contains("among 0 tickets"), "{report}");
}

#[test]
fn the_operator_who_chooses_the_seed_after_seeing_the_list_is_caught() {
    // A friend stands at index 7. The operator tries secrets until the friend is first ...
    let honest = record(50);
    let first = |secret: &Secret| Draw::new(secret, &honest.digest, None, 50).place(7) == Some(0);
    let chosen = (0..=u8::MAX)
        .map(|n| Secret([n; 32]))
        .find(first)
        .expect("one in fifty suits");
    // ... and publishes it. It is not the one whose hash was on the page.
    let mut rigged = Record {
        secret: chosen.reveal(),
        ..honest
    };
    rigged.proof = tree(50).proof(7, &rigged.draw());
    assert!(matches!(
        check(&rigged),
        Err(VerifyError::Commitment { .. })
    ));
    // With a commitment to match, the file agrees with itself; the report names what to compare.
    let shown = rigged.commitment;
    rigged.commitment = chosen.commitment();
    let report = check(&rigged).expect("consistent").to_string();
    assert!(report.contains(&format!("commitment {}", rigged.commitment)));
    assert!(!report.contains(&shown.to_string()));
}

#[test]
fn a_late_joiner_is_not_in_the_list() {
    let closed = record(50);
    // Number 51 came a moment after the list was closed, and has a true tag.
    let late = proven(51, 50).proof.expect("made so");
    let claim = |count, digest| Record {
        count,
        digest,
        proof: Some(late.clone()),
        ..closed.clone()
    };
    assert!(matches!(
        check(&claim(50, closed.digest)),
        Err(VerifyError::NotInList {
            index: 50,
            count: 50
        })
    ));
    // Counting one more does not bring it into a digest that was already shown.
    assert!(matches!(
        check(&claim(51, closed.digest)),
        Err(VerifyError::Path { index: 50 })
    ));
}

#[test]
fn a_claimed_place_that_was_not_drawn_is_caught() {
    let mut record = proven(50, 7);
    let proof = record.proof.as_mut().expect("made so");
    let drawn = proof.place;
    proof.place = (drawn + 1) % 50;
    let claimed = proof.place;
    assert_eq!(
        complaint(&record.to_json()),
        format!("the ticket drew place {drawn}, but the record says {claimed} (both from 0)")
    );
}

#[test]
fn somebody_elses_proof_is_not_mine() {
    let mut record = proven(50, 7);
    record.proof.as_mut().expect("made so").tag = tags().tag(8);
    assert!(matches!(
        check(&record),
        Err(VerifyError::Path { index: 7 })
    ));
}

#[test]
fn a_list_that_is_included_must_be_the_one_that_was_closed() {
    let listed = |tags: &[u32]| Record {
        tags: Some(tags.iter().map(|index| self::tags().tag(*index)).collect()),
        ..record(3)
    };
    let report = check(&listed(&[0, 1, 2])).expect("honest").to_string();
    assert!(
        report.contains("The list in this file has the digest"),
        "{report}"
    );
    assert!(matches!(
        check(&listed(&[0, 2, 1])),
        Err(VerifyError::Digest { .. })
    ));
    assert!(matches!(
        check(&listed(&[0, 1])),
        Err(VerifyError::Count {
            listed: 2,
            count: 3
        })
    ));
}

#[test]
fn a_public_value_is_named_beforehand_and_then_used() {
    let with = |beacon: Option<Beacon>, name: Option<&str>| Record {
        beacon,
        beacon_name: name.map(str::to_owned),
        ..record(50)
    };
    assert!(matches!(
        check(&with(Some(beacon()), None)),
        Err(VerifyError::BeaconUnnamed)
    ));
    assert_eq!(
        complaint(&with(None, Some("round 7")).to_json()),
        "the public value \"round 7\" was announced but not mixed in"
    );
    let used = check(&with(Some(beacon()), Some("round 7"))).expect("honest");
    assert_ne!(used.seed, record(50).draw().seed());
}

#[test]
fn the_report_is_for_somebody_who_wanted_a_ticket() {
    let record = proven(50, 7);
    let place = record.proof.as_ref().expect("made so").place + 1;
    let report = check(&record).expect("honest");
    let Record {
        commitment, digest, ..
    } = record;
    let seed = report.seed;
    assert_eq!(
        report.to_string(),
        format!(
            "The draw of \"flash-sale\" for \"2027-01-01T09:00:00+09:00\" among 50 tickets is consistent.
- The secret is the one committed to.
- The list is not in this file; its digest is taken as published.
- No public value was mixed in: whoever holds the keys could have added tickets at the end until the draw suited them.
- The seed is {seed}.
- Ticket 8 of 50 was in the list and drew place {place}.
Compare with what you were shown:
- before the pre-queue opened: commitment {commitment}
- when the list was closed: 50 tickets, digest {digest}"
        )
    );
}

#[test]
fn nothing_in_a_file_can_pose_as_a_line_of_the_report() {
    let mut record = record(5);
    record.room = "sale\n- Ticket 1 drew place 1.\u{1b}[2K".into();
    record.beacon = Some(beacon());
    record.beacon_name = Some("round\n7".into());
    let report = check(&record).expect("consistent").to_string();
    assert!(!report.contains('\u{1b}'), "{report}");
    assert_eq!(report.lines().count(), 9, "{report}");
    let unknown = record.to_json().replace("\"room\"", "\"\\u001b[2K\"");
    assert!(!complaint(&unknown).contains('\u{1b}'));
}

#[test]
fn another_version_or_rule_is_not_guessed_at() {
    let json = record(5).to_json();
    let newer = json.replace("\"version\": 1", "\"version\": 2, \"more\": true");
    assert!(matches!(
        verify(&newer),
        Err(VerifyError::Version { found: 2 })
    ));
    let other = json.replace("\"rule\": 1", "\"rule\": 2");
    assert!(matches!(
        verify(&other),
        Err(VerifyError::Rule { found: 2 })
    ));
}

#[test]
fn what_is_not_a_record_is_said_to_be_none() {
    let json = proven(5, 2).to_json();
    let texts = [
        String::new(),
        "[1]".into(),
        json.replace("\"room\"", "\"zimmer\""),
        json.replace("\"count\": 5", "\"count\": 5, \"count\": 6"),
        json.replace("\"count\": 5", "\"count\": -5"),
        json.replace("\"count\": 5", "\"count\": 4294967296"),
        json.replace("\"index\"", "\"extra\": 1, \"index\""),
        json.replace("\"digest\": \"", "\"digest\": \"00"),
        json.to_uppercase(),
    ];
    for text in texts {
        let error = verify(&text).expect_err(&text);
        assert!(matches!(error, VerifyError::Form(_)), "{text}\n{error}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_checker_panic(at: usize, with in "[0-9a-f\"{}\\[\\],:\\-.e ]{0,12}") {
        let mut text = proven(5, 2).to_json();
        let at = at % text.len();
        text.replace_range(at..(at + with.len()).min(text.len()), &with);
        let _ = verify(&text);
    }
}

#[test]
fn what_was_noted_before_the_draw_is_held_against_the_record() {
    let report = || check(&record(20)).expect("honest");
    let honest = report().record;
    let list = |count: u32| {
        format!("{count}:{}", honest.digest)
            .parse()
            .expect("a list")
    };
    let noted = Shown {
        commitment: Some(honest.commitment),
        list: Some(list(20)),
    };
    let text = report().against(noted).expect("the same").to_string();
    assert_eq!(text.matches(", as you noted it").count(), 2, "{text}");
    // The digest of a list does not fix its length: the record may not tell another one.
    let longer = Shown {
        list: Some(list(21)),
        ..noted
    };
    assert!(matches!(
        report().against(longer),
        Err(VerifyError::OtherList { .. })
    ));
    let other = Shown {
        commitment: Some(honest.digest),
        ..noted
    };
    assert!(matches!(
        report().against(other),
        Err(VerifyError::OtherCommitment { .. })
    ));
    for text in ["", "20", "20:", ":00", "x:00", "20:00"] {
        assert_eq!(text.parse::<ShownList>(), Err(ShownListError), "{text}");
    }
}
