//! Each way of charging twice, losing a charge or inventing one, caught; and the lawful ones let pass.

use super::*;

fn line(seq: u64, payment_key: &str, kind: Kind) -> Approval {
    Approval {
        seq,
        merchant: "test_sk_acme_demo".into(),
        payment_key: payment_key.into(),
        order_id: "order-1".into(),
        minor: 1_000,
        currency: "KRW".into(),
        idempotency_key: Some(format!("att_{payment_key}_{kind:?}")),
        kind,
    }
}

fn payment(id: &str, payment_key: &str, state: &str) -> Payment {
    Payment {
        tenant: "acme".into(),
        id: id.into(),
        order_reference: "order-1".into(),
        state: state.into(),
        amount: 1_000,
        currency: "KRW".into(),
        payment_key: Some(payment_key.into()),
        idempotency_key: format!("key-{id}"),
    }
}

fn violations(approvals: &[Approval], payments: Vec<Payment>) -> (u64, u64) {
    let books = Books::new(payments);
    (
        charged_once(approvals, &books).violations,
        matched(approvals, approvals.len(), &books).violations,
    )
}

#[test]
fn a_charge_both_sides_know_is_fine() {
    assert_eq!(
        violations(
            &[line(1, "k1", Kind::Approval)],
            vec![payment("p1", "k1", "APPROVED")]
        ),
        (0, 0)
    );
    assert_eq!(
        violations(
            &[],
            vec![
                payment("p1", "k1", "UNKNOWN"),
                payment("p2", "k2", "FAILED")
            ]
        ),
        (0, 0)
    );
}

#[test]
fn a_charge_given_back_whole_is_fine_whether_failed_or_refunded() {
    let lines = [line(1, "k1", Kind::Approval), line(2, "k1", Kind::Cancel)];
    assert_eq!(
        violations(&lines, vec![payment("p1", "k1", "FAILED")]),
        (0, 0)
    );
    assert_eq!(
        violations(&lines, vec![payment("p1", "k1", "REFUNDED")]),
        (0, 0)
    );
    assert_eq!(violations(&lines, vec![]), (0, 0));
    assert_eq!(
        violations(&lines, vec![payment("p1", "k1", "APPROVED")]),
        (0, 1)
    );
}

#[test]
fn a_failed_try_and_a_second_session_of_one_order_are_fine() {
    let payments = vec![
        payment("p1", "k1", "FAILED"),
        payment("p2", "k2", "APPROVED"),
    ];
    assert_eq!(
        violations(&[line(1, "k2", Kind::Approval)], payments),
        (0, 0)
    );
}

#[test]
fn two_approvals_of_one_payment_are_caught() {
    let mut second = line(2, "k1", Kind::Approval);
    second.idempotency_key = Some("att_other".into());
    let (once, both) = violations(
        &[line(1, "k1", Kind::Approval), second],
        vec![payment("p1", "k1", "APPROVED")],
    );
    assert_eq!(
        (once, both),
        (1, 2),
        "approved twice; and the sums differ on both sides"
    );
}

#[test]
fn one_attempt_key_that_charged_two_sessions_is_caught() {
    let mut second = line(2, "k2", Kind::Approval);
    second.idempotency_key = line(1, "k1", Kind::Approval).idempotency_key;
    second.order_id = "order-2".into();
    assert_eq!(
        violations(&[line(1, "k1", Kind::Approval), second], vec![]).0,
        1
    );
}

#[test]
fn one_callers_key_that_charged_two_sessions_is_caught() {
    let mut payments = vec![
        payment("p1", "k1", "APPROVED"),
        payment("p2", "k2", "APPROVED"),
    ];
    payments[1].order_reference = "order-2".into();
    payments[1].idempotency_key = payments[0].idempotency_key.clone();
    let mut second = line(2, "k2", Kind::Approval);
    second.order_id = "order-2".into();
    assert_eq!(
        violations(&[line(1, "k1", Kind::Approval), second], payments),
        (1, 0)
    );
}

#[test]
fn an_order_charged_through_two_sessions_is_caught() {
    let lines = [line(1, "k1", Kind::Approval), line(2, "k2", Kind::Approval)];
    assert_eq!(
        violations(&lines, vec![payment("p1", "k1", "APPROVED")]),
        (1, 1)
    );
}

#[test]
fn a_charge_without_a_payment_and_a_payment_without_a_charge_are_caught() {
    assert_eq!(violations(&[line(1, "k1", Kind::Approval)], vec![]), (0, 1));
    assert_eq!(
        violations(
            &[line(1, "k1", Kind::Approval)],
            vec![payment("p1", "k1", "UNKNOWN")]
        ),
        (0, 1)
    );
    assert_eq!(
        violations(&[], vec![payment("p1", "k1", "APPROVED")]),
        (0, 1)
    );
}

#[test]
fn another_amount_or_currency_is_caught_on_both_sides() {
    let mut wrong = line(1, "k1", Kind::Approval);
    wrong.minor += 1;
    assert_eq!(
        violations(&[wrong], vec![payment("p1", "k1", "APPROVED")]),
        (0, 2)
    );
    let mut wrong = line(1, "k1", Kind::Approval);
    wrong.currency = "USD".into();
    assert_eq!(
        violations(&[wrong], vec![payment("p1", "k1", "APPROVED")]),
        (0, 2)
    );
}

#[test]
fn an_approval_that_came_while_the_books_were_read_is_not_missed_yet() {
    let lines = [line(1, "k1", Kind::Approval)];
    assert_eq!(matched(&lines, 0, &Books::default()).violations, 0);
}
