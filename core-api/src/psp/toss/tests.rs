use super::*;
use bytes::Bytes;
use http::StatusCode;

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn payment(status: &str, amount: &str) -> String {
    format!(
        r#"{{"version":"2022-11-16","paymentKey":"key-1","orderId":"order_123456","status":"{status}","currency":"KRW",
            "totalAmount":{amount},"approvedAt":"2026-02-04T19:30:00+09:00","method":"카드","card":{{"amount":{amount}}},"news":1}}"#
    )
}

#[test]
fn a_done_payment_is_a_receipt_whatever_else_it_holds() {
    let Confirmed::Approved(receipt) = read_confirm(&reply(200, &payment("DONE", "10000.0")))
    else {
        panic!("not approved")
    };
    assert_eq!(receipt.money.map(|money| money.minor()), Some(10_000));
    assert_eq!(receipt.approved_at.to_string(), "2026-02-04T10:30:00Z");
}

#[test]
fn an_amount_that_is_none_is_kept_as_none() {
    let Confirmed::Approved(receipt) = read_confirm(&reply(200, &payment("DONE", "10000.5")))
    else {
        panic!("not approved")
    };
    assert_eq!(receipt.money, None);
}

#[test]
fn a_success_that_is_not_done_or_not_readable_is_doubt() {
    for body in [
        payment("IN_PROGRESS", "1"),
        "<html>".into(),
        "{}".into(),
        String::new(),
    ] {
        assert!(
            matches!(read_confirm(&reply(200, &body)), Confirmed::Doubt(_)),
            "{body}"
        );
    }
}

#[test]
fn the_code_decides_and_not_the_status() {
    let confirm = |status, code: &str| {
        read_confirm(&reply(
            status,
            &format!(r#"{{"code":"{code}","message":"m"}}"#),
        ))
    };
    assert_eq!(
        confirm(403, "REJECT_CARD_PAYMENT"),
        Confirmed::Refused(Refusal::CardDeclined)
    );
    assert_eq!(
        confirm(500, "REJECT_CARD_PAYMENT"),
        Confirmed::Refused(Refusal::CardDeclined)
    );
    assert_eq!(
        confirm(404, "NOT_FOUND_PAYMENT_SESSION"),
        Confirmed::Unconfirmable(Refusal::SessionExpired)
    );
    assert!(matches!(
        confirm(400, "PROVIDER_ERROR"),
        Confirmed::Doubt(_)
    ));
    assert!(matches!(
        read_confirm(&reply(502, "Bad Gateway")),
        Confirmed::Doubt(_)
    ));
}

#[test]
fn a_look_up_says_what_became_of_a_payment() {
    let found = |status: &str| read_look_up(Ok(reply(200, &payment(status, "10000"))));
    assert!(matches!(found("DONE"), Found::Done(_)));
    assert_eq!(found("ABORTED"), Found::Ended(Refusal::CardDeclined));
    assert_eq!(found("EXPIRED"), Found::Ended(Refusal::SessionExpired));
    assert_eq!(found("CANCELED"), Found::Ended(Refusal::Cancelled));
    assert_eq!(found("IN_PROGRESS"), Found::Open);
    assert_eq!(found("PARTIAL_CANCELED"), Found::PartlyCancelled);
    assert!(matches!(found("WAITING_FOR_DEPOSIT"), Found::Doubt(_)));
    let nothing = reply(404, r#"{"code":"NOT_FOUND_PAYMENT","message":"none"}"#);
    assert_eq!(read_look_up(Ok(nothing)), Found::Nothing);
    assert!(matches!(
        read_look_up(Ok(reply(404, "not found"))),
        Found::Doubt(_)
    ));
}

#[test]
fn a_key_is_one_segment_of_a_path() {
    assert_eq!(path_segment("tgen_1-x.y~="), "tgen_1-x.y~%3D");
    assert_eq!(path_segment("a/../b"), "a%2F..%2Fb");
}
