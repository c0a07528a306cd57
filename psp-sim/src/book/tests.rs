//! The book as its users know it: states, owners, one approval per order, expiry, the bound.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::money::{Currency, Money};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn merchant() -> Merchant {
    Merchant::from_secret("test_sk_acme").unwrap()
}

fn new(order_id: &str, won: i64) -> NewPayment {
    NewPayment {
        merchant: merchant(),
        order_id: order_id.to_owned(),
        order_name: "Sneakers".to_owned(),
        total: Money {
            minor: won,
            currency: Currency::Krw,
        },
        urls: None,
    }
}

fn authenticated(book: &Book, order_id: &str) -> String {
    let key = book.open(new(order_id, 42_000), NOW).unwrap().key.clone();
    book.authenticate(&key, Card::GOOD, NOW).unwrap();
    key
}

fn confirmation(order_id: &str, amount: &str) -> Confirmation {
    Confirmation {
        order_id: order_id.to_owned(),
        amount: amount.to_owned(),
        ..Confirmation::default()
    }
}

fn confirm(book: &Book, key: &str, order_id: &str, amount: &str) -> Result<Status, Refusal> {
    let confirmed = book.confirm(&merchant(), key, &confirmation(order_id, amount), NOW);
    confirmed.result.map(|payment| payment.status)
}

fn cancellation(amount: Option<&str>) -> Cancellation {
    Cancellation {
        reason: "changed my mind".into(),
        amount: amount.map(Into::into),
        ..Default::default()
    }
}

#[test]
fn an_authenticated_payment_is_approved_once() {
    let book = Book::new(10);
    let key = authenticated(&book, "order-1");
    assert_eq!(confirm(&book, &key, "order-1", "42000"), Ok(Status::Done));
    assert_eq!(
        confirm(&book, &key, "order-1", "42000"),
        Err(refusal::ALREADY_PROCESSED_PAYMENT)
    );
    assert_eq!(book.totals(), (1, 0));
}

#[test]
fn a_second_session_of_an_approved_order_is_refused() {
    let book = Book::new(10);
    let (first, second) = (
        authenticated(&book, "order-1"),
        authenticated(&book, "order-1"),
    );
    assert_eq!(confirm(&book, &first, "order-1", "42000"), Ok(Status::Done));
    assert_eq!(
        confirm(&book, &second, "order-1", "42000"),
        Err(refusal::DUPLICATED_ORDER_ID)
    );
    let found = book.find_order(&merchant(), "order-1", NOW).unwrap();
    assert_eq!(
        found.key, first,
        "a look-up by order gives the approved one"
    );
}

#[test]
fn amount_order_and_owner_must_match_what_was_authenticated() {
    let book = Book::new(10);
    let key = authenticated(&book, "order-1");
    assert_eq!(
        confirm(&book, &key, "order-1", "41999"),
        Err(refusal::INVALID_REQUEST)
    );
    assert_eq!(
        confirm(&book, &key, "order-2", "42000"),
        Err(refusal::FORBIDDEN_REQUEST)
    );
    let other = Merchant::from_secret("test_sk_other").unwrap();
    let stolen = book.confirm(&other, &key, &confirmation("order-1", "42000"), NOW);
    assert_eq!(
        stolen.result.unwrap_err(),
        refusal::NOT_FOUND_PAYMENT_SESSION
    );
    assert_eq!(
        book.find(&other, &key, NOW).unwrap_err(),
        refusal::NOT_FOUND_PAYMENT
    );
    assert_eq!(book.totals(), (0, 0));
}

#[test]
fn a_window_lives_thirty_minutes_and_an_authentication_ten() {
    let book = Book::new(10);
    let window = book.open(new("order-1", 42_000), NOW).unwrap();
    let key = authenticated(&book, "order-2");
    let almost = NOW + SignedDuration::from_secs(599);
    assert_eq!(
        book.find(&merchant(), &key, almost).unwrap().status,
        Status::InProgress
    );
    let ten = NOW + SignedDuration::from_mins(10);
    assert_eq!(
        book.find(&merchant(), &key, ten).unwrap().status,
        Status::Expired
    );
    assert_eq!(
        book.find(&merchant(), &window.key, ten).unwrap().status,
        Status::Ready
    );
    let thirty = NOW + SignedDuration::from_mins(30);
    let told: Vec<_> = book
        .expire_due(thirty)
        .iter()
        .map(|p| p.order_id.clone())
        .collect();
    assert_eq!(
        told.len(),
        2,
        "each is told once, even if a look-up saw it first: {told:?}"
    );
    assert!(book.expire_due(thirty).is_empty());
    assert_eq!(
        confirm(&book, &key, "order-2", "42000"),
        Err(refusal::NOT_FOUND_PAYMENT_SESSION)
    );
}

#[test]
fn a_card_over_its_limit_ends_the_payment_at_confirm() {
    let book = Book::new(10);
    let key = book.open(new("order-1", 42_000), NOW).unwrap().key.clone();
    book.authenticate(&key, Card::OVER_LIMIT, NOW).unwrap();
    assert_eq!(
        confirm(&book, &key, "order-1", "42000"),
        Err(refusal::REJECT_CARD_PAYMENT)
    );
    assert_eq!(
        book.find(&merchant(), &key, NOW).unwrap().status,
        Status::Aborted
    );
    assert_eq!(book.totals(), (0, 0));
}

#[test]
fn cancellations_take_back_no_more_than_was_approved() {
    let book = Book::new(10);
    let key = authenticated(&book, "order-1");
    let cancel = |amount| {
        book.cancel(&merchant(), &key, &cancellation(amount), NOW)
            .map(|p| p.status)
    };
    assert_eq!(cancel(None), Err(refusal::NOT_CANCELABLE_PAYMENT));
    confirm(&book, &key, "order-1", "42000").unwrap();
    assert_eq!(cancel(Some("42001")), Err(refusal::NOT_CANCELABLE_AMOUNT));
    assert_eq!(cancel(Some("0")), Err(refusal::NOT_CANCELABLE_AMOUNT));
    assert_eq!(cancel(Some("2000")), Ok(Status::PartialCanceled));
    assert_eq!(cancel(None), Ok(Status::Canceled));
    assert_eq!(cancel(None), Err(refusal::ALREADY_CANCELED_PAYMENT));
    let amounts: Vec<_> = book
        .entries(0, 10)
        .iter()
        .map(|entry| entry.amount.minor)
        .collect();
    assert_eq!(amounts, [42_000, 2_000, 40_000]);
}

#[test]
fn a_full_book_says_so_and_an_emptied_one_takes_sessions_again() {
    let book = Book::new(1);
    book.open(new("order-1", 42_000), NOW).unwrap();
    assert_eq!(
        book.open(new("order-2", 42_000), NOW).unwrap_err(),
        refusal::SIMULATOR_FULL
    );
    book.clear();
    assert!(book.is_empty());
    book.open(new("order-2", 42_000), NOW).unwrap();
}

#[test]
fn keys_that_no_shard_wrote_are_unknown() {
    let book = Book::new(1);
    for key in [
        "",
        "tgen_",
        "tgen_x",
        "tgen_2026zz",
        "tgen_2026ff",
        "5zJ4xY7m0kODnyRpQWGrN",
    ] {
        assert_eq!(
            book.find(&merchant(), key, NOW).unwrap_err(),
            refusal::NOT_FOUND_PAYMENT,
            "{key}"
        );
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Authenticate,
    Abandon,
    Confirm,
    Cancel(i64),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Authenticate),
        Just(Step::Abandon),
        Just(Step::Confirm),
        (1_i64..60_000).prop_map(Step::Cancel),
        (1_i64..20).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..24)
}

proptest! {
    /// Whatever is asked in whatever order: at most one approval, and what was taken back plus
    /// what is left is what was approved.
    #[test]
    fn money_adds_up(steps in steps()) {
        let book = Book::new(1);
        let key = book.open(new("order-1", 42_000), NOW).unwrap().key.clone();
        let mut now = NOW;
        for step in steps {
            // A step the state does not allow is refused; the sums below must hold all the same.
            let _ = match step {
                Step::Authenticate => book.authenticate(&key, Card::GOOD, now),
                Step::Abandon => book.abandon(&key, &refusal::PAY_PROCESS_CANCELED, now),
                Step::Confirm => {
                    book.confirm(&merchant(), &key, &confirmation("order-1", "42000"), now).result
                }
                Step::Cancel(won) => {
                    book.cancel(&merchant(), &key, &cancellation(Some(&won.to_string())), now)
                }
                Step::Wait(minutes) => {
                    now += SignedDuration::from_mins(minutes);
                    book.find(&merchant(), &key, now)
                }
            };
        }
        let payment = book.find(&merchant(), &key, now).unwrap();
        let taken_back: i64 = payment.cancels.iter().map(|cancel| cancel.amount).sum();
        prop_assert_eq!(taken_back + payment.balance, 42_000);
        let (approvals, cancels) = book.totals();
        prop_assert_eq!(approvals, u64::from(payment.status.was_approved()));
        prop_assert_eq!(cancels, payment.cancels.len() as u64);
    }
}
