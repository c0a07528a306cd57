//! Invariant 4: a state only moves along its diagram, and every move leaves an audit record and an event in
//! its own transaction.

use sqlx::PgConnection;

use super::{Finding, finding};

/// The diagrams, from the design (not from the code): aggregate, from, to. A missing `from` is a birth.
const DIAGRAM: &str = "(values \
    ('order', null, 'PENDING'), ('order', 'PENDING', 'PAID'), ('order', 'PENDING', 'CANCELLED'), \
    ('order', 'PAID', 'COMPLETED'), ('order', 'PAID', 'CANCELLED'), \
    ('payment', null, 'READY'), ('payment', null, 'IN_PROGRESS'), \
    ('payment', 'READY', 'IN_PROGRESS'), ('payment', 'READY', 'CANCELLED'), \
    ('payment', 'IN_PROGRESS', 'APPROVED'), ('payment', 'IN_PROGRESS', 'FAILED'), \
    ('payment', 'IN_PROGRESS', 'UNKNOWN'), ('payment', 'UNKNOWN', 'APPROVED'), ('payment', 'UNKNOWN', 'FAILED'), \
    ('payment', 'APPROVED', 'PARTIALLY_REFUNDED'), ('payment', 'APPROVED', 'REFUNDED'), \
    ('payment', 'PARTIALLY_REFUNDED', 'PARTIALLY_REFUNDED'), ('payment', 'PARTIALLY_REFUNDED', 'REFUNDED') \
  ) as diagram (aggregate, from_state, to_state)";

/// Every record with the one before it. `xmin` is the transaction that wrote a row: audit and outbox rows
/// are never updated, so equal numbers prove one transaction.
const TRAILS: [(&str, &str); 3] = [
    (
        "{} does not begin where the move before it ended",
        "select tenant_id || '/' || aggregate || '/' || aggregate_id || ' #' || sequence from ( \
           select a.*, lag(a.to_state) over w as before, row_number() over w as place from audit a \
           window w as (partition by a.tenant_id, a.aggregate_id order by a.sequence)) t \
          where from_state is distinct from before or sequence <> place",
    ),
    (
        "{} has no event, or no record, or they were written in different transactions",
        "select coalesce(a.tenant_id, o.tenant_id) || '/' || coalesce(a.aggregate_id, o.aggregate_id) || ' #' \
                || coalesce(a.sequence, o.sequence) \
           from audit a full join outbox o using (tenant_id, aggregate_id, sequence) \
          where a.tenant_id is null or o.tenant_id is null or a.xmin <> o.xmin",
    ),
    (
        "{} stands elsewhere than its last record says",
        "with trail as ( \
           select tenant_id, aggregate_id, max(sequence) as moves, \
                  (array_agg(to_state order by sequence desc))[1] as last from audit group by 1, 2), \
         stands as ( \
           select tenant_id, id, state, version, 'payment' as aggregate from payment \
           union all select tenant_id, id, state, version, 'order' from orders) \
         select s.tenant_id || '/' || s.aggregate || '/' || s.id from stands s \
           left join trail t on t.tenant_id = s.tenant_id and t.aggregate_id = s.id \
          where t.last is distinct from s.state or t.moves is distinct from s.version",
    ),
];

/// 4. Legal moves only, each with its record and its event.
pub(super) async fn legal(database: &mut PgConnection) -> Result<Finding, sqlx::Error> {
    let mut found = Finding::new(
        4,
        "states move along their diagrams, each move with record and event",
    );
    let records: i64 = sqlx::query_scalar("select count(*) from audit")
        .fetch_one(&mut *database)
        .await?;
    found.counts = vec![("moves", records.unsigned_abs())];
    let illegal = format!(
        "select tenant_id || '/' || aggregate || '/' || aggregate_id || ': ' || coalesce(from_state, 'nothing') \
                || ' to ' || to_state from audit a where not exists ( \
           select from {DIAGRAM} where diagram.aggregate = a.aggregate and diagram.to_state = a.to_state \
              and diagram.from_state is not distinct from a.from_state)"
    );
    let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(illegal))
        .fetch_all(&mut *database)
        .await?;
    rows.iter()
        .for_each(|row| found.violation(format!("{row} is no move of the diagram")));
    for (sentence, query) in TRAILS {
        finding::collect(&mut found, database, sentence, query).await?;
    }
    Ok(found)
}
