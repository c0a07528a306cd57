-- Phase 1 of a new payment: all of it or nothing. See payment/sql/open.rs.
with seen as (
    insert into idempotency (tenant_id, key, fingerprint, payment_id, created_at)
    values ($1, $2, $3, $4, $5)
    on conflict do nothing
    returning tenant_id
), ordered as (
    insert into orders as o (tenant_id, id, reference, state, version, amount, currency, metadata, items, created_at, updated_at)
    select tenant_id, $6, $7, $8, 1, $9, $10, '{}', '[]', $5, $5 from seen
    on conflict on constraint order_reference_is_unique do update set updated_at = excluded.updated_at
     where o.state = excluded.state and o.amount = excluded.amount and o.currency = excluded.currency
    returning tenant_id, id, id = $6 as is_new
), begun as (
    insert into payment (tenant_id, id, order_id, order_reference, state, version, amount, currency, method, metadata,
                         payment_key, attempt_id, idempotency_key, trace_id, created_at, updated_at)
    select tenant_id, $4, id, $7, $11, 1, $9, $10, $12, $13, $14, $15, $2, $16, $5, $5 from ordered
    returning tenant_id, id, version, state
), due as (
    insert into saga (tenant_id, kind, id, due_at, holder, created_at)
    select tenant_id, 'payment.settle', id, now() + make_interval(secs => $17::int), $18, now()
      from begun where state = 'IN_PROGRESS'
), told as (
    insert into outbox (tenant_id, aggregate, aggregate_id, sequence, id, type, data, trace_id, created_at)
    select tenant_id, 'payment', id, version, $19::uuid, $20, $21::jsonb, $16, $5::timestamptz from begun
    union all
    select tenant_id, 'order', id, 1, $22::uuid, $23, $24::jsonb, $16, $5 from ordered where is_new
), noted as (
    insert into audit (tenant_id, aggregate, aggregate_id, sequence, to_state, actor, reason, trace_id, created_at)
    select tenant_id, 'payment', id, version, state, $25, 'requested', $16, $5::timestamptz from begun
    union all
    select tenant_id, 'order', id, 1, $8, $25, 'created by its payment', $16, $5 from ordered where is_new
)
select exists (select from seen) as "is_first!", exists (select from begun) as "is_begun!"
