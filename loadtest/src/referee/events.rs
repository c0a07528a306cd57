//! Invariant 5, as far as it exists: events are numbered without a gap per aggregate and stand in order.

use sqlx::PgConnection;

use super::{Finding, finding};

const CHECKS: [(&str, &str); 3] = [
    (
        "the events of {} have a gap",
        "select tenant_id || '/' || aggregate || '/' || aggregate_id from outbox \
          group by tenant_id, aggregate, aggregate_id having min(sequence) <> 1 or max(sequence) <> count(*)",
    ),
    (
        "event {} is older than the one before it",
        "select tenant_id || '/' || aggregate_id || ' #' || sequence from ( \
           select o.*, lag(created_at) over (partition by tenant_id, aggregate_id order by sequence) as before \
             from outbox o) t where created_at < before",
    ),
    (
        "the event id {} names two events",
        "select id::text from outbox group by id having count(*) > 1",
    ),
];

/// 5. Gapless and in order, one id each.
pub(super) async fn in_order(database: &mut PgConnection) -> Result<Finding, sqlx::Error> {
    let mut found = Finding::new(
        5,
        "every aggregate's events are numbered without a gap, in order",
    );
    let sizes = "select count(*), count(distinct (tenant_id, aggregate_id)) from outbox";
    let (events, aggregates): (i64, i64) = sqlx::query_as(sizes).fetch_one(&mut *database).await?;
    found.counts = vec![
        ("events", events.unsigned_abs()),
        ("aggregates", aggregates.unsigned_abs()),
    ];
    for (sentence, query) in CHECKS {
        finding::collect(&mut found, database, sentence, query).await?;
    }
    found.note = Some("delivery to subscribers: there is no relay yet");
    Ok(found)
}
