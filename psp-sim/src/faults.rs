//! Faults on demand: rules as data, matched purely; whoever carries out the request acts on them.
//!
//! A rule says which requests it meets (operation, order, payment key), how often (`times`,
//! `rate`) and what goes wrong. Every rule that matches applies, so "slow and then a 500" is two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

#[cfg(test)]
mod tests;

/// Most rules at once: each is looked at for every request.
const RULES_MAX: usize = 100;
/// Longest pause a rule may cause, in milliseconds: an hour.
const PAUSE_MAX_MS: u64 = 3_600_000;
/// Most copies of one webhook.
const COPIES_MAX: u32 = 100;

/// A request's kind, as rules name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// `POST /v1/payments/confirm`
    Confirm,
    /// `GET /v1/payments/{paymentKey}` and `GET /v1/payments/orders/{orderId}`
    Get,
    /// `POST /v1/payments/{paymentKey}/cancel`
    Cancel,
    /// `GET /window`
    Window,
    /// `POST /sandbox/v1/authorizations`
    Authorize,
}

/// Which requests a rule meets; absent fields match all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// The operation.
    pub op: Op,
    /// How the order's id begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id_prefix: Option<String>,
    /// The payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_key: Option<String>,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The request waits this long before anything happens.
    Latency {
        /// Milliseconds.
        ms: u64,
    },
    /// It is carried out at once, the answer comes this much later.
    TimeoutAfterCommit {
        /// Milliseconds.
        ms: u64,
    },
    /// It is refused and nothing happened.
    ErrorBeforeCommit {
        /// HTTP status.
        status: u16,
        /// The provider's code.
        code: String,
    },
    /// It is carried out and yet answered with an error.
    ErrorAfterCommit {
        /// HTTP status.
        status: u16,
        /// The provider's code.
        code: String,
    },
    /// The approval (for `get`: the answer) is off by this many minor units.
    WrongAmount {
        /// Minor units, of either sign.
        delta: i64,
    },
    /// It is carried out and the connection closes without an answer.
    DropAfterCommit,
    /// Its webhook is sent this many times in all.
    DuplicateWebhook {
        /// How many, from 2.
        copies: u32,
    },
    /// Its webhook leaves this much later.
    LateWebhook {
        /// Milliseconds.
        delay_ms: u64,
    },
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, unique in the list.
    pub id: String,
    /// Which requests it meets.
    #[serde(rename = "match")]
    pub matches: Match,
    /// What goes wrong.
    pub fault: Fault,
    /// It fires at most this often; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The share of matching requests it fires for, 0 to 1; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

/// A list of rules that cannot be used, and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRules {
    /// Over the bound.
    #[error("{0} rules are more than the {RULES_MAX} that fit")]
    TooMany(usize),
    /// Two rules share an id.
    #[error("rule `{0}`: the id is used twice")]
    Twice(String),
    /// A value is out of its range.
    #[error("rule `{id}`: {what}")]
    OutOfRange {
        /// Which rule.
        id: String,
        /// What is wrong and what is right.
        what: &'static str,
    },
}

/// What a rule may know about a request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The operation.
    pub op: Op,
    /// The order, if known.
    pub order_id: &'a str,
    /// The payment, if known.
    pub payment_key: &'a str,
}

impl Match {
    /// Whether a request is meant.
    pub fn meets(&self, facts: &Facts<'_>) -> bool {
        self.op == facts.op
            && self
                .order_id_prefix
                .as_ref()
                .is_none_or(|prefix| facts.order_id.starts_with(prefix))
            && self
                .payment_key
                .as_ref()
                .is_none_or(|key| facts.payment_key == key)
    }
}

/// Everything that goes wrong with one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Wait before carrying it out.
    pub wait_before: Duration,
    /// Wait between carrying it out and answering.
    pub wait_after: Duration,
    /// Refuse without carrying it out.
    pub refuse_before: Option<Refusal>,
    /// Carry it out and answer this.
    pub refuse_after: Option<Refusal>,
    /// Minor units the amount is off.
    pub amount_delta: i64,
    /// Carry it out and close the connection.
    pub drop_after: bool,
    /// Webhooks beyond the first.
    pub extra_webhooks: u32,
    /// How late the webhooks leave.
    pub webhook_delay: Duration,
}

impl Plan {
    /// Adds one fault.
    fn add(&mut self, fault: &Fault) {
        match fault {
            Fault::Latency { ms } => self.wait_before += Duration::from_millis(*ms),
            Fault::TimeoutAfterCommit { ms } => self.wait_after += Duration::from_millis(*ms),
            Fault::ErrorBeforeCommit { status, code } => {
                self.refuse_before = Some(Refusal::named(code).with_status(*status));
            }
            Fault::ErrorAfterCommit { status, code } => {
                self.refuse_after = Some(Refusal::named(code).with_status(*status));
            }
            Fault::WrongAmount { delta } => self.amount_delta += delta,
            Fault::DropAfterCommit => self.drop_after = true,
            Fault::DuplicateWebhook { copies } => self.extra_webhooks += copies.saturating_sub(1),
            Fault::LateWebhook { delay_ms } => {
                self.webhook_delay += Duration::from_millis(*delay_ms)
            }
        }
    }
}

/// Checks a list of rules before it is used.
pub fn check(rules: &[Rule]) -> Result<(), BadRules> {
    if rules.len() > RULES_MAX {
        return Err(BadRules::TooMany(rules.len()));
    }
    for (index, rule) in rules.iter().enumerate() {
        if rules[..index].iter().any(|earlier| earlier.id == rule.id) {
            return Err(BadRules::Twice(rule.id.clone()));
        }
        if let Some(what) = out_of_range(rule) {
            return Err(BadRules::OutOfRange {
                id: rule.id.clone(),
                what,
            });
        }
    }
    Ok(())
}

fn out_of_range(rule: &Rule) -> Option<&'static str> {
    if rule.rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
        return Some("`rate` lies between 0 and 1");
    }
    match &rule.fault {
        Fault::Latency { ms }
        | Fault::TimeoutAfterCommit { ms }
        | Fault::LateWebhook { delay_ms: ms } => {
            (*ms > PAUSE_MAX_MS).then_some("a pause is at most 3600000 ms")
        }
        Fault::ErrorBeforeCommit { status, .. } | Fault::ErrorAfterCommit { status, .. } => {
            (!(400..=599).contains(status)).then_some("`status` lies between 400 and 599")
        }
        Fault::DuplicateWebhook { copies } => {
            (!(2..=COPIES_MAX).contains(copies)).then_some("`copies` lies between 2 and 100")
        }
        Fault::WrongAmount { delta } => (*delta == 0).then_some("`delta` is not 0"),
        Fault::DropAfterCommit => None,
    }
}

#[derive(Debug)]
struct Armed {
    rule: Rule,
    fired: AtomicU64,
}

impl Armed {
    /// Whether the rule fires now; counts it if so.
    fn fires(&self, facts: &Facts<'_>, dice: impl FnOnce() -> f64) -> bool {
        if !self.rule.matches.meets(facts) || self.rule.rate.is_some_and(|rate| dice() >= rate) {
            return false;
        }
        let most = self.rule.times.unwrap_or(u64::MAX);
        let count = |fired| (fired < most).then_some(fired + 1);
        self.fired
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count)
            .is_ok()
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    any: AtomicBool,
    armed: RwLock<Arc<[Armed]>>,
}

impl Faults {
    /// Replaces all rules; their counters begin at 0.
    pub fn replace(&self, rules: Vec<Rule>) -> Result<(), BadRules> {
        check(&rules)?;
        self.any.store(!rules.is_empty(), Ordering::Relaxed);
        let armed = rules.into_iter().map(|rule| Armed {
            rule,
            fired: AtomicU64::new(0),
        });
        *self.armed.write() = armed.collect();
        Ok(())
    }

    /// Every rule with the number of times it fired.
    pub fn list(&self) -> Vec<(Rule, u64)> {
        let armed = Arc::clone(&self.armed.read());
        armed
            .iter()
            .map(|armed| (armed.rule.clone(), armed.fired.load(Ordering::Relaxed)))
            .collect()
    }

    /// Whether there is any rule: the cheap question asked for every request.
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// What goes wrong with this request. `dice` gives numbers in [0, 1).
    pub fn plan(&self, facts: &Facts<'_>, mut dice: impl FnMut() -> f64) -> Plan {
        let armed = Arc::clone(&self.armed.read());
        let mut plan = Plan::default();
        for armed in armed.iter().filter(|armed| armed.fires(facts, &mut dice)) {
            plan.add(&armed.rule.fault);
        }
        plan
    }
}
