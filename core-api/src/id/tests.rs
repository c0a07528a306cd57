use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn an_id_reads_back_as_written(value: u128) {
        let id = PaymentId(Uuid::from_u128(value));
        let text = id.to_string();
        prop_assert_eq!(text.len(), 30);
        prop_assert_eq!(text.parse::<PaymentId>(), Ok(id));
    }

    #[test]
    fn ids_sort_as_their_texts_do(a: u128, b: u128) {
        let (a, b) = (OrderId(Uuid::from_u128(a)), OrderId(Uuid::from_u128(b)));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = text.parse::<PaymentId>();
        let _ = text.parse::<TenantId>();
    }
}

#[test]
fn an_order_is_not_taken_for_a_payment() {
    let order = OrderId::fresh(Timestamp::from_micros(0).unwrap());
    assert_eq!(order.to_string().parse::<PaymentId>(), Err(NotAnId));
}

#[test]
fn a_second_spelling_of_an_id_is_refused() {
    let text = format!("pay_{}", "8".repeat(26));
    assert_eq!(text.parse::<PaymentId>(), Err(NotAnId));
}

#[test]
fn later_ids_sort_later() {
    let early = PaymentId::fresh(Timestamp::from_micros(1_000_000).unwrap());
    let late = PaymentId::fresh(Timestamp::from_micros(2_000_000).unwrap());
    assert!(early < late);
}

#[test]
fn a_tenant_is_a_slug() {
    for good in ["acme", "service-a", "0"] {
        assert!(good.parse::<TenantId>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "-a",
        "Acme",
        "a'; drop table payment; --",
        "a b",
        "é",
        &"a".repeat(64),
    ] {
        assert!(bad.parse::<TenantId>().is_err(), "{bad}");
    }
}
