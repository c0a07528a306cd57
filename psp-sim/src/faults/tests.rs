//! Rules: matching, counting, rates and what is refused as a rule.

use super::*;

fn rule(id: &str, fault: Fault) -> Rule {
    let matches = Match {
        op: Op::Confirm,
        order_id_prefix: None,
        payment_key: None,
    };
    Rule {
        id: id.to_owned(),
        matches,
        fault,
        times: None,
        rate: None,
    }
}

fn facts<'a>(order_id: &'a str) -> Facts<'a> {
    Facts {
        op: Op::Confirm,
        order_id,
        payment_key: "tgen_x",
    }
}

fn faults(rules: Vec<Rule>) -> Faults {
    let faults = Faults::default();
    faults.replace(rules).unwrap();
    faults
}

#[test]
fn a_rule_meets_only_what_it_names() {
    let meets =
        |json: &str, facts: &Facts<'_>| serde_json::from_str::<Match>(json).unwrap().meets(facts);
    assert!(meets(r#"{"op":"confirm"}"#, &facts("order-1")));
    assert!(!meets(r#"{"op":"cancel"}"#, &facts("order-1")));
    assert!(meets(
        r#"{"op":"confirm","orderIdPrefix":"order-"}"#,
        &facts("order-1")
    ));
    assert!(!meets(
        r#"{"op":"confirm","orderIdPrefix":"slow-"}"#,
        &facts("order-1")
    ));
    assert!(meets(
        r#"{"op":"confirm","paymentKey":"tgen_x"}"#,
        &facts("order-1")
    ));
    assert!(!meets(
        r#"{"op":"confirm","paymentKey":"tgen_y"}"#,
        &facts("order-1")
    ));
}

#[test]
fn times_bounds_how_often_a_rule_fires() {
    let faults = faults(vec![Rule {
        times: Some(2),
        ..rule("twice", Fault::DropAfterCommit)
    }]);
    let fired: Vec<bool> = (0..4)
        .map(|_| faults.plan(&facts("o"), || 0.0).drop_after)
        .collect();
    assert_eq!(fired, [true, true, false, false]);
    assert_eq!(faults.list()[0].1, 2);
}

#[test]
fn rate_compares_with_the_dice() {
    let faults = faults(vec![Rule {
        rate: Some(0.3),
        ..rule("some", Fault::DropAfterCommit)
    }]);
    assert!(faults.plan(&facts("o"), || 0.29).drop_after);
    assert!(!faults.plan(&facts("o"), || 0.3).drop_after);
}

#[test]
fn rules_add_up() {
    let faults = faults(vec![
        rule("slow", Fault::Latency { ms: 40 }),
        rule("slower", Fault::Latency { ms: 60 }),
        rule(
            "broken",
            Fault::ErrorAfterCommit {
                status: 500,
                code: "COMMON_ERROR".into(),
            },
        ),
        rule("twice", Fault::DuplicateWebhook { copies: 3 }),
    ]);
    let plan = faults.plan(&facts("o"), || 0.0);
    assert_eq!(plan.wait_before, Duration::from_millis(100));
    assert_eq!(plan.refuse_after.unwrap().status(), 500);
    assert_eq!(plan.extra_webhooks, 2);
}

#[test]
fn every_kind_reads_from_its_documented_json() {
    let kinds = [
        (r#"{"kind":"latency","ms":5}"#, Fault::Latency { ms: 5 }),
        (
            r#"{"kind":"timeout_after_commit","ms":5}"#,
            Fault::TimeoutAfterCommit { ms: 5 },
        ),
        (
            r#"{"kind":"error_before_commit","status":500,"code":"COMMON_ERROR"}"#,
            Fault::ErrorBeforeCommit {
                status: 500,
                code: "COMMON_ERROR".into(),
            },
        ),
        (
            r#"{"kind":"error_after_commit","status":500,"code":"COMMON_ERROR"}"#,
            Fault::ErrorAfterCommit {
                status: 500,
                code: "COMMON_ERROR".into(),
            },
        ),
        (
            r#"{"kind":"wrong_amount","delta":-1}"#,
            Fault::WrongAmount { delta: -1 },
        ),
        (r#"{"kind":"drop_after_commit"}"#, Fault::DropAfterCommit),
        (
            r#"{"kind":"duplicate_webhook","copies":2}"#,
            Fault::DuplicateWebhook { copies: 2 },
        ),
        (
            r#"{"kind":"late_webhook","delay_ms":9}"#,
            Fault::LateWebhook { delay_ms: 9 },
        ),
    ];
    for (json, fault) in kinds {
        assert_eq!(
            serde_json::from_str::<Fault>(json).unwrap(),
            fault,
            "{json}"
        );
    }
}

#[test]
fn rules_out_of_range_are_refused_with_a_reason() {
    let bad = [
        Rule {
            rate: Some(1.1),
            ..rule("a", Fault::DropAfterCommit)
        },
        rule(
            "a",
            Fault::Latency {
                ms: PAUSE_MAX_MS + 1,
            },
        ),
        rule(
            "a",
            Fault::ErrorBeforeCommit {
                status: 200,
                code: "X".into(),
            },
        ),
        rule("a", Fault::DuplicateWebhook { copies: 1 }),
        rule("a", Fault::WrongAmount { delta: 0 }),
    ];
    for rule in bad {
        assert!(
            matches!(
                check(std::slice::from_ref(&rule)),
                Err(BadRules::OutOfRange { .. })
            ),
            "{rule:?}"
        );
    }
    let twice = vec![
        rule("a", Fault::DropAfterCommit),
        rule("a", Fault::DropAfterCommit),
    ];
    assert_eq!(check(&twice), Err(BadRules::Twice("a".into())));
}
