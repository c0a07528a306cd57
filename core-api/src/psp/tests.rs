use super::*;
use crate::money::Currency;
use uuid::Uuid;

fn charge() -> Charge {
    Charge {
        attempt: AttemptId(Uuid::nil()),
        order_reference: "order_123456".into(),
        money: Money::new(10_000, Currency::KRW).unwrap(),
        payment_key: Some("key-1".into()),
        round: 0,
    }
}

fn receipt() -> Receipt {
    Receipt {
        payment_key: "key-1".into(),
        order_reference: "order_123456".into(),
        money: Money::new(10_000, Currency::KRW).ok(),
        approved_at: Timestamp::from_micros(0).unwrap(),
    }
}

#[test]
fn a_receipt_that_agrees_is_believed() {
    assert_eq!(receipt().check(&charge()), Ok(()));
    let unnamed = Charge {
        payment_key: None,
        ..charge()
    };
    assert_eq!(receipt().check(&unnamed), Ok(()));
}

#[test]
fn a_receipt_for_another_payment_is_not_ours_to_touch() {
    let other_key = Receipt {
        payment_key: "key-2".into(),
        money: None,
        ..receipt()
    };
    assert_eq!(other_key.check(&charge()), Err(Mismatch::OtherPayment));
    let other_order = Receipt {
        order_reference: "order_999999".into(),
        ..receipt()
    };
    assert_eq!(other_order.check(&charge()), Err(Mismatch::OtherPayment));
}

#[test]
fn another_amount_or_currency_is_never_believed() {
    let usd = "USD".parse().unwrap();
    for money in [
        None,
        Money::new(10_001, Currency::KRW).ok(),
        Money::new(10_000, usd).ok(),
    ] {
        let receipt = Receipt { money, ..receipt() };
        assert_eq!(receipt.check(&charge()), Err(Mismatch::OtherAmount));
    }
}

#[test]
fn every_refusal_reads_back() {
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::parse(refusal.as_str()), Some(refusal));
    }
}
