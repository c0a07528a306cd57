-- Phase 2 of a payment: its outcome, once. See payment/sql/settle.rs.
with held as (
    delete from saga where tenant_id = $1 and kind = 'payment.settle' and id = $2 and fence = $3
    returning id
), moved as (
    update payment p
       set state = $4, version = p.version + 1, payment_key = $5, approved_at = $6, failure_code = $7, updated_at = $8
     where exists (select from held)
       and p.tenant_id = $1 and p.id = $2 and p.state = $9 and p.attempt_id = $10
    returning p.tenant_id, p.id, p.order_id, p.version, p.state, p.currency
), paid as (
    update orders o set state = $11, version = o.version + 1, updated_at = $8
      from moved
     where $12 and o.tenant_id = moved.tenant_id and o.id = moved.order_id and o.state = $13
    returning o.tenant_id, o.id, o.version, o.state
), booked as (
    insert into ledger_transfer (tenant_id, id, kind, payment_id, created_at)
    select tenant_id, $14, $15, id, $8 from moved where $12
    returning tenant_id, id
), posted as (
    insert into ledger_posting (tenant_id, transfer_id, line, account, amount, currency)
    select b.tenant_id, b.id, l.line, l.account, l.amount, m.currency
      from booked b, moved m, unnest($16::text[], $17::bigint[]) with ordinality as l (account, amount, line)
), frozen as (
    update idempotency i set status = $18, body = $19
      from moved where i.tenant_id = moved.tenant_id and i.key = $20
), told as (
    insert into outbox (tenant_id, aggregate, aggregate_id, sequence, id, type, data, trace_id, created_at)
    select tenant_id, 'payment', id, version, $21::uuid, $22, $23::jsonb, $24, $8::timestamptz from moved
    union all
    select tenant_id, 'order', id, version, $25::uuid, $26, $27::jsonb, $24, $8 from paid
), noted as (
    insert into audit (tenant_id, aggregate, aggregate_id, sequence, from_state, to_state, actor, reason, trace_id, created_at)
    select tenant_id, 'payment', id, version, $9, state, $28, $29, $24, $8::timestamptz from moved
    union all
    select tenant_id, 'order', id, version, $13, state, $28, $29, $24, $8 from paid
)
select exists (select from moved) as "is_moved!", exists (select from paid) as "is_paid!"
