//! Invariant 3: the books balance.

use sqlx::PgConnection;

use super::Finding;

/// What each query finds is a violation, told by its first column.
const CHECKS: [(&str, &str); 4] = [
    (
        "transfer {} does not sum to zero",
        "select tenant_id || '/' || transfer_id || ' ' || currency from ledger_posting \
          group by tenant_id, transfer_id, currency having sum(amount) <> 0",
    ),
    (
        "transfer {} has no postings",
        "select t.tenant_id || '/' || t.id from ledger_transfer t where not exists \
          (select from ledger_posting p where p.tenant_id = t.tenant_id and p.transfer_id = t.id)",
    ),
    (
        "payment {} is approved and not booked once with its amount",
        "select p.tenant_id || '/' || p.id from payment p \
          where p.state in ('APPROVED', 'PARTIALLY_REFUNDED', 'REFUNDED') and 1 <> ( \
            select count(*) from ledger_transfer t where t.tenant_id = p.tenant_id and t.payment_id = p.id \
               and t.kind = 'payment_approved' and p.amount = ( \
                 select coalesce(sum(l.amount), 0) from ledger_posting l \
                  where l.tenant_id = t.tenant_id and l.transfer_id = t.id and l.amount > 0 and l.currency = p.currency))",
    ),
    (
        "transfer {} books a payment that was not approved",
        "select t.tenant_id || '/' || t.id from ledger_transfer t \
           left join payment p on p.tenant_id = t.tenant_id and p.id = t.payment_id \
          where t.kind = 'payment_approved' \
            and coalesce(p.state not in ('APPROVED', 'PARTIALLY_REFUNDED', 'REFUNDED'), true)",
    ),
];

/// 3. Every transfer sums to zero per currency, and every approval is booked exactly once.
pub(super) async fn balanced(database: &mut PgConnection) -> Result<Finding, sqlx::Error> {
    let mut finding = Finding::new(
        3,
        "every ledger transfer sums to zero, every approval is booked once",
    );
    let sizes =
        "select (select count(*) from ledger_transfer), (select count(*) from ledger_posting)";
    let (transfers, postings): (i64, i64) = sqlx::query_as(sizes).fetch_one(&mut *database).await?;
    finding.counts = vec![
        ("transfers", transfers.unsigned_abs()),
        ("postings", postings.unsigned_abs()),
    ];
    for (sentence, query) in CHECKS {
        super::finding::collect(&mut finding, database, sentence, query).await?;
    }
    finding.note =
        Some("wallets (there are none) and stored balances (a balance is the sum of its postings)");
    Ok(finding)
}
