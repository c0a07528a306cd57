//! Rooms where a number has a price: one payment is one number, wherever and whenever it is shown.

use std::{sync::Arc, time::Duration};

use policies::{
    admission::{
        Admission, Spec,
        bots::{BotsSpec, JoinRate, WorkSpec},
    },
    document::Scalar as _,
    limit::Quota,
};
use sha2::{Digest, Sha256};
use waiting_room::{
    Asked, Client, Held, Moment, Number, Outcome, Presented, Reason, TicketChange, Timestamp,
    counts::Event, status::Work, store::memory::MemoryStore, token::Claimant,
};

use crate::fleet::{Gateway, START, seal};

fn rules() -> Admission {
    Admission::new(Spec {
        active: Some(1),
        bots: BotsSpec {
            work: Some(WorkSpec {
                at_rest: 6,
                most: 10,
                wait: Duration::from_secs(64),
            }),
            ..BotsSpec::default()
        },
        ..Spec::default()
    })
    .expect("valid")
}

/// Two gateways on one store, ready to give numbers.
async fn pair() -> [Gateway; 2] {
    let store = MemoryStore::new();
    let mut pair = [1, 2].map(|id| Gateway::new(id, Arc::new(store.clone()), rules()));
    for step in 0..8 {
        for gateway in &mut pair {
            gateway.step(at(step * 250)).await;
        }
    }
    pair
}

fn at(ms: u64) -> Timestamp {
    START.plus(Duration::from_millis(ms))
}

fn seconds(count: u64) -> Timestamp {
    at(2_000).plus(Duration::from_secs(count))
}

fn solve(work: Work) -> String {
    let proves = |counter: &String| {
        let digest = Sha256::digest(format!("{}.{counter}", work.nonce.as_str()));
        let front = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        front.leading_zeros() >= u32::from(work.bits)
    };
    let mut counters = (0_u64..).map(|counter| counter.to_string());
    counters.find(proves).expect("there always is one")
}

async fn ask(
    gateway: &Gateway,
    (token, proof): (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Held {
    let asked = Asked {
        presented: Presented {
            ticket: token,
            pass: None,
        },
        client: Client {
            address: Some([192, 0, 2, 7].into()),
            proof,
            ..Client::default()
        },
    };
    let moment = Moment {
        now,
        entropy: now.0,
    };
    match gateway.room.status(asked, moment).await {
        Outcome::Held(held) => held,
        Outcome::Admitted(admitted) => panic!("{admitted:?}"),
    }
}

fn token(held: &Held) -> String {
    match held.ticket {
        TicketChange::Set(text) => text.as_str().to_owned(),
        other => panic!("no token: {other:?} {:?}", held.status),
    }
}

fn number(held: &Held) -> Option<Number> {
    let TicketChange::Set(text) = held.ticket else {
        return None;
    };
    match seal().read_claimant(text.as_str()) {
        Ok(Claimant::Ticket(ticket)) => Some(ticket.number),
        _ => None,
    }
}

/// Giving a place back and asking again with the old ticket is one more join, and is charged like any.
#[tokio::test]
async fn an_old_ticket_is_no_way_round_the_budget_of_a_prefix() {
    let rate = JoinRate {
        quota: Quota::read("6/min").expect("valid"),
        burst: 3.try_into().expect("not zero"),
    };
    let rules = Admission::new(Spec {
        active: Some(1),
        bots: BotsSpec {
            joins: Some(rate),
            ..BotsSpec::default()
        },
        ..Spec::default()
    });
    let store = Arc::new(MemoryStore::new());
    let mut gateway = Gateway::new(1, store, rules.expect("valid"));
    for step in 0..8 {
        gateway.step(at(step * 250)).await;
    }
    let (mut held, mut numbers) = (None, 0);
    for second in 0..20 {
        let shown = held.as_ref().map(token);
        let answer = ask(&gateway, (shown.as_deref(), None), seconds(second)).await;
        if number(&answer).is_some() {
            numbers += 1;
            let token = token(&answer);
            let presented = Presented {
                ticket: Some(&token),
                pass: None,
            };
            let moment = Moment {
                now: seconds(second),
                entropy: second,
            };
            let _ = gateway.room.leave(presented, moment).await;
            gateway.step(seconds(second)).await;
        }
        if matches!(answer.ticket, TicketChange::Set(_)) {
            held = Some(answer);
        }
    }
    // Three at once and one every ten seconds.
    assert!((3..=5).contains(&numbers), "{numbers}");
}

/// A challenge, and the work that was done for it.
async fn paid(gateway: &Gateway, now: Timestamp) -> (String, String) {
    let held = ask(gateway, (None, None), now).await;
    let work = held.status.work.expect("work");
    assert_eq!((work.bits, held.status.reason), (6, Some(Reason::Joining)));
    (token(&held), solve(work))
}

#[tokio::test]
async fn one_proof_is_one_number_at_every_gateway_and_for_as_long_as_it_is_good() {
    let gateways = pair().await;
    let (challenge, proof) = paid(&gateways[0], seconds(0)).await;
    let shown = (Some(challenge.as_str()), Some(proof.as_str()));
    let (a, b) = tokio::join!(
        ask(&gateways[0], shown, seconds(1)),
        ask(&gateways[1], shown, seconds(1)),
    );
    let first = number(&a).expect("a number");
    assert_eq!(number(&b), Some(first));
    // Longer than a gateway remembers arrivals by itself.
    for minutes in [3, 6, 9] {
        for gateway in &gateways {
            let held = ask(gateway, shown, seconds(minutes * 60)).await;
            assert_eq!(number(&held), Some(first), "after {minutes} minutes");
        }
    }
    let over = ask(&gateways[1], shown, seconds(600)).await;
    assert_eq!(number(&over), None);
    assert!(over.status.work.is_some(), "a challenge of its own");
    let joined = gateways[0].room.counts().of(Event::Joined);
    assert!(joined >= 1);
}

#[tokio::test]
async fn an_old_ticket_is_worth_no_second_number() {
    let gateways = pair().await;
    let (challenge, proof) = paid(&gateways[0], seconds(0)).await;
    let shown = (Some(challenge.as_str()), Some(proof.as_str()));
    let ticket = token(&ask(&gateways[0], shown, seconds(1)).await);
    let presented = Presented {
        ticket: Some(&ticket),
        pass: None,
    };
    let moment = Moment {
        now: seconds(2),
        entropy: 3,
    };
    let _ = gateways[0].room.leave(presented, moment).await;
    let mut gateways = gateways;
    for gateway in &mut gateways {
        gateway.step(seconds(3)).await;
        let shown = (Some(ticket.as_str()), Some(proof.as_str()));
        let held = ask(gateway, shown, seconds(4)).await;
        assert_eq!(number(&held), None);
        assert!(held.status.work.is_some());
    }
}

#[tokio::test]
async fn without_the_work_one_waits_for_what_it_costs() {
    let gateways = pair().await;
    let first = ask(&gateways[0], (None, None), seconds(0)).await;
    let challenge = token(&first);
    assert_eq!(
        first.status.poll_after,
        Duration::from_secs(4),
        "64 s / 2^4"
    );
    let shown = (Some(challenge.as_str()), Some("0x"));
    let early = ask(&gateways[1], shown, seconds(3)).await;
    assert_eq!((number(&early), early.ticket), (None, TicketChange::Keep));
    assert_eq!(early.status.work, first.status.work, "it is the same work");
    let later = ask(&gateways[1], (shown.0, None), seconds(4)).await;
    assert!(number(&later).is_some());
    let counts = gateways[1].room.counts();
    assert_eq!(counts.of(Event::WorkFailed), 1);
    assert_eq!(counts.of(Event::WorkWaited), 1);
}
