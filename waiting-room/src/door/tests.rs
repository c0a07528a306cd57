use policies::{
    admission::{
        Spec,
        bots::{BotsSpec, JoinRate, WorkSpec},
    },
    document::Scalar,
    limit::Quota,
};

use super::*;
use crate::{
    token::{KeyId, Keyring, Seal},
    value::LineId,
};

const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn rules(work: Option<WorkSpec>, joins: Option<(&str, u32)>) -> Admission {
    let joins = joins.map(|(quota, burst)| JoinRate {
        quota: Quota::read(quota).expect("a quota"),
        burst: burst.try_into().expect("not zero"),
    });
    Admission::new(Spec {
        per_minute: Some(60),
        bots: BotsSpec {
            work,
            joins,
            ..BotsSpec::default()
        },
        ..Spec::default()
    })
    .expect("valid")
}

fn easy() -> WorkSpec {
    WorkSpec {
        at_rest: 4,
        most: 10,
        wait: Duration::from_secs(64),
    }
}

fn door(work: Option<WorkSpec>, joins: Option<(&str, u32)>) -> Door {
    Door::new(rules(work, joins), [1; 32])
}

fn seal() -> Seal {
    let ring = Keyring::new(vec![(KeyId(1), vec![7; 32])]).expect("a ring");
    ring.seal("acme", "sale")
}

fn challenge(bits: u8) -> (Challenge, String) {
    let challenge = Challenge {
        issued_at: NOW,
        nonce: u64::from(bits),
        bits,
    };
    let text = seal().challenge(&challenge).as_str().to_owned();
    (challenge, text)
}

fn solve(text: &str, bits: u8) -> String {
    let nonce = proof::nonce(text);
    let counters = (0_u64..).map(|counter| counter.to_string());
    let mut counters = counters.filter(|counter| proof::proves(&nonce, counter, bits));
    counters.next().expect("there always is one")
}

fn from(third: u8) -> Option<Prefix> {
    Some(Prefix::of([192, 0, third, 1].into()))
}

/// Joins of so many a second, seen until the door has their measure.
fn press(door: &Door, per_second: u64) {
    for step in 0..200 {
        let at = NOW.plus(Duration::from_millis(step * 250));
        let mut line = Line::open(NOW, 0);
        line.id = LineId(1);
        door.observe(&line, Number(1 + step * per_second / 4), at);
    }
}

#[test]
fn who_did_the_work_enters_and_nobody_else() {
    let door = door(Some(easy()), None);
    let (challenge, text) = challenge(4);
    let proof = solve(&text, 4);
    let shown = |proof| Shown {
        challenge,
        text: &text,
        proof,
        prefix: from(1),
    };
    assert_eq!(door.bits(from(1), NOW), 4);
    assert_eq!(
        door.judge(&shown(Some(&proof)), NOW),
        Verdict::Enter(By::Work)
    );
    let asked = Verdict::Work {
        bits: 4,
        wait: Duration::from_secs(1),
    };
    for bad in [None, Some(""), Some("-1"), Some("99999999999999999999999")] {
        assert_eq!(door.judge(&shown(bad), NOW), asked, "{bad:?}");
    }
    // A proof of another challenge, however hard.
    let (_, other) = self::challenge(9);
    let foreign = solve(&other, 9);
    if !proof::proves(&proof::nonce(&text), &foreign, 4) {
        assert_eq!(door.judge(&shown(Some(&foreign)), NOW), asked);
    }
}

#[test]
fn an_easy_challenge_from_before_the_storm_is_worth_little_in_it() {
    let door = door(Some(easy()), None);
    press(&door, 20);
    let bits = door.bits(None, NOW);
    assert_eq!(bits, 8, "sixteen times what the room takes");
    let judged = |bits| {
        let (challenge, text) = challenge(bits);
        let proof = solve(&text, bits);
        let shown = Shown {
            challenge,
            text: &text,
            proof: Some(&proof),
            prefix: None,
        };
        door.judge(&shown, NOW)
    };
    assert_eq!(judged(6), Verdict::Enter(By::Work), "it rose meanwhile");
    let wait = Duration::from_secs(16);
    assert_eq!(judged(5), Verdict::Work { bits: 8, wait });
    assert_eq!(judged(0), Verdict::Work { bits: 8, wait }, "an unasked one");
}

#[test]
fn who_cannot_work_waits_in_proportion_and_one_by_one_in_each_prefix() {
    let door = door(Some(easy()), None);
    press(&door, 20);
    let (challenge, text) = challenge(8);
    let judged = |prefix, seconds| {
        let shown = Shown {
            challenge,
            text: &text,
            proof: None,
            prefix,
        };
        door.judge(&shown, NOW.plus(Duration::from_secs(seconds)))
    };
    let asked = |seconds| Verdict::Work {
        bits: 8,
        wait: Duration::from_secs(seconds),
    };
    assert_eq!(judged(from(1), 10), asked(6));
    assert_eq!(judged(from(1), 16), Verdict::Enter(By::Waiting));
    assert_eq!(judged(from(1), 20), asked(12), "one by one");
    assert_eq!(
        judged(from(2), 20),
        Verdict::Enter(By::Waiting),
        "elsewhere"
    );
    assert_eq!(judged(from(1), 32), Verdict::Enter(By::Waiting));
}

#[test]
fn a_prefix_pays_more_and_more_and_is_then_told_to_come_again() {
    let door = door(Some(easy()), Some(("60/min", 8)));
    let mut asked = Vec::new();
    for _ in 0..8 {
        let bits = door.bits(from(1), NOW);
        asked.push(bits);
        let (challenge, text) = challenge(bits);
        let proof = solve(&text, bits);
        let shown = Shown {
            challenge,
            text: &text,
            proof: Some(&proof),
            prefix: from(1),
        };
        assert_eq!(door.judge(&shown, NOW), Verdict::Enter(By::Work));
    }
    assert_eq!(asked, [4, 4, 4, 4, 5, 6, 7, 8]);
    let (challenge, text) = challenge(9);
    let proof = solve(&text, 9);
    let shown = |prefix| Shown {
        challenge,
        text: &text,
        proof: Some(&proof),
        prefix,
    };
    assert_eq!(
        door.judge(&shown(from(1)), NOW),
        Verdict::Later(Duration::from_secs(1))
    );
    assert_eq!(door.bits(from(2), NOW), 4, "others pay what they did");
    assert_eq!(door.judge(&shown(from(2)), NOW), Verdict::Enter(By::Work));
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(door.judge(&shown(from(1)), later), Verdict::Enter(By::Work));
}

#[test]
fn a_reload_forgets_neither_pressure_nor_budgets() {
    let old = door(Some(easy()), Some(("1/min", 1)));
    press(&old, 20);
    let without_work = rules(None, Some(("1/min", 1)));
    let (challenge, text) = challenge(10);
    let proof = solve(&text, 10);
    let shown = Shown {
        challenge,
        text: &text,
        proof: Some(&proof),
        prefix: from(1),
    };
    assert_eq!(old.judge(&shown, NOW), Verdict::Enter(By::Work));
    let new = old.succeed(without_work);
    assert_eq!(
        new.judge(&shown, NOW),
        Verdict::Later(Duration::from_secs(60))
    );
    assert_eq!(new.bits(None, NOW), 0);
    let again = new.succeed(rules(Some(easy()), None));
    assert_eq!(again.bits(None, NOW), 8);
}

#[test]
fn a_room_without_rules_asks_nothing() {
    let door = door(None, None);
    let (challenge, text) = challenge(0);
    let shown = Shown {
        challenge,
        text: &text,
        proof: None,
        prefix: from(1),
    };
    assert_eq!(door.judge(&shown, NOW), Verdict::Enter(By::Nothing));
    assert_eq!((door.bits(from(1), NOW), door.has_a_price()), (0, false));
}
