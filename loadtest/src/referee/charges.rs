//! Invariants 1 and 2: nobody is charged twice, and both sides know of the same charges.

use std::collections::{BTreeMap, HashSet};

use super::{Approval, Books, Finding, Kind, Payment};

/// 1. A key is charged at most once, whatever fails or is retried; nor is an order, nor does one of our own
///    attempts lead to two approvals.
#[must_use]
pub fn charged_once(approvals: &[Approval], books: &Books) -> Finding {
    let mut finding = Finding::new(
        1,
        "one (tenant, idempotency key) has at most one PSP approval",
    );
    let taken: Vec<&Approval> = approvals
        .iter()
        .filter(|line| line.kind == Kind::Approval)
        .collect();
    finding.count("approvals", taken.len());
    finding.count("payments", books.payments.len());
    for ((merchant, key), count) in
        counted(taken.iter().map(|line| (&line.merchant, &line.payment_key)))
    {
        if count > 1 {
            finding.violation(format!(
                "{key} of {} was approved {count} times",
                masked(merchant)
            ));
        }
    }
    let sent = taken
        .iter()
        .filter_map(|line| Some((&line.merchant, line.idempotency_key.as_ref()?)));
    for ((_, key), count) in counted(sent) {
        if count > 1 {
            finding.violation(format!("{count} approvals carry the attempt key {key}"));
        }
    }
    let ours = taken.iter().flat_map(|line| {
        books
            .of(&line.order_id, &line.payment_key)
            .map(move |payment| (line, payment))
    });
    let by_caller = ours.map(|(line, payment)| {
        (
            (&payment.tenant, &payment.idempotency_key),
            &line.payment_key,
        )
    });
    let distinct: HashSet<_> = by_caller.collect();
    for ((tenant, key), count) in counted(distinct.into_iter().map(|(caller, _)| caller)) {
        if count > 1 {
            finding.violation(format!(
                "{count} approvals for the idempotency key {key} of {tenant}"
            ));
        }
    }
    for ((_, order), keys) in kept_by_order(approvals) {
        if keys.len() > 1 {
            finding.violation(format!(
                "the order {order} is charged {} times: {}",
                keys.len(),
                keys.join(", ")
            ));
        }
    }
    finding
}

/// 2. Every approval at the PSP is a payment here and the reverse, with the same amount. Only the first
///    `stood` lines stood when the books were read.
#[must_use]
pub fn matched(approvals: &[Approval], stood: usize, books: &Books) -> Finding {
    let mut finding = Finding::new(2, "every PSP approval is a payment here, and the reverse");
    finding.converges = true;
    let all = sums(approvals);
    let known = sums(&approvals[..stood]);
    finding.count("charges at the PSP", known.len());
    finding.count(
        "approved payments here",
        books
            .payments
            .iter()
            .filter(|payment| payment.was_approved())
            .count(),
    );
    for ((key, order, _), sum) in &known {
        let kept = all.values_of(order, key).map_or(0, Sum::kept);
        let fits = books
            .of(order, key)
            .any(|payment| agrees(payment, sum) || agrees_now(payment, &all));
        if !fits && (kept != 0 || sum.kept() != 0) {
            finding.violation(format!(
                "{key} took {} {} for {order}, and no payment here says so",
                sum.kept(),
                sum.currency
            ));
        }
    }
    for payment in books
        .payments
        .iter()
        .filter(|payment| payment.was_approved())
    {
        if !agrees_now(payment, &all) {
            let (id, state, order) = (&payment.id, &payment.state, &payment.order_reference);
            finding.violation(format!(
                "payment {id} of order {order} is {state}, the PSP says otherwise"
            ));
        }
    }
    finding
}

/// What the PSP took and gave back for one of its payments.
#[derive(Clone, Debug, Default)]
struct Sum {
    taken: i64,
    returned: i64,
    currency: String,
}

impl Sum {
    const fn kept(&self) -> i64 {
        self.taken - self.returned
    }
}

type Sums = BTreeMap<(String, String, String), Sum>;

trait ByPayment {
    fn values_of(&self, order: &str, key: &str) -> Option<&Sum>;
}

impl ByPayment for Sums {
    /// Payment keys are the PSP's own and unique across merchants, so the merchant need not be known.
    fn values_of(&self, order: &str, key: &str) -> Option<&Sum> {
        let start = (key.to_owned(), order.to_owned(), String::new());
        self.range(start..)
            .next()
            .filter(|((k, o, _), _)| k == key && o == order)
            .map(|(_, sum)| sum)
    }
}

fn sums(approvals: &[Approval]) -> Sums {
    let mut sums = Sums::new();
    for line in approvals {
        let id = (
            line.payment_key.clone(),
            line.order_id.clone(),
            line.merchant.clone(),
        );
        let sum = sums.entry(id).or_default();
        sum.currency.clone_from(&line.currency);
        match line.kind {
            Kind::Approval => sum.taken += line.minor,
            Kind::Cancel => sum.returned += line.minor,
        }
    }
    sums
}

fn agrees_now(payment: &Payment, sums: &Sums) -> bool {
    let key = payment.payment_key.as_deref();
    key.and_then(|key| sums.values_of(&payment.order_reference, key))
        .is_some_and(|sum| agrees(payment, sum))
}

fn agrees(payment: &Payment, sum: &Sum) -> bool {
    let whole = sum.taken == payment.amount && sum.currency == payment.currency;
    match payment.state.as_str() {
        "APPROVED" => whole && sum.returned == 0,
        "PARTIALLY_REFUNDED" => whole && 0 < sum.returned && sum.returned < sum.taken,
        "REFUNDED" => whole && sum.kept() == 0,
        _ => sum.kept() == 0,
    }
}

/// The PSP payments of each (merchant, order) whose money was kept.
fn kept_by_order(approvals: &[Approval]) -> BTreeMap<(String, String), Vec<String>> {
    let mut orders: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for ((key, order, merchant), sum) in sums(approvals) {
        if sum.kept() > 0 {
            orders.entry((merchant, order)).or_default().push(key);
        }
    }
    orders
}

fn counted<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_insert(0) += 1);
    counts
}

/// A merchant is named by its secret key: enough of it to tell two apart.
fn masked(secret: &str) -> String {
    format!("{}…", secret.chars().take(12).collect::<String>())
}

#[cfg(test)]
mod tests;
