-- Why: due work was taken oldest first over all tenants and kinds. One tenant whose PSP is down has thousands
-- of payments to ask about, again and again, and everybody else's single crashed payment waited behind them;
-- and webhooks, which anybody may send, stood in the same queue. Now payments come before hints, and
-- tenants take turns. The bounds keep one look at the queue cheap however long it gets.

create index saga_due_by_kind on saga (kind, due_at);
drop index saga_due;

create or replace function saga_claim(p_holder uuid, p_limit int, p_lease_seconds int)
    returns table (tenant_id text, kind text, id uuid, fence bigint, tries int)
    language sql volatile security definer
    set search_path = public, pg_temp
as $$
    with due as materialized (
        (select s.tenant_id, s.kind, s.id, s.due_at
           from saga s
          where s.kind = 'payment.settle' and s.due_at <= now()
          order by s.due_at
          limit 10000)
        union all
        (select s.tenant_id, s.kind, s.id, s.due_at
           from saga s
          where s.kind = 'psp.hint' and s.due_at <= now()
          order by s.due_at
          limit 1000)
    ), turns as (
        select d.*, row_number() over (partition by d.kind, d.tenant_id order by d.due_at) as turn
          from due d
    ), taken as (
        select s.tenant_id, s.kind, s.id
          from turns t
          join saga s on s.tenant_id = t.tenant_id and s.kind = t.kind and s.id = t.id
         where s.due_at <= now()
         order by t.kind = 'psp.hint', t.turn, t.due_at
         limit p_limit
           for update of s skip locked
    )
    update saga s
       set holder = p_holder, fence = s.fence + 1, tries = s.tries + 1,
           due_at = now() + make_interval(secs => p_lease_seconds)
      from taken t
     where s.tenant_id = t.tenant_id and s.kind = t.kind and s.id = t.id
    returning s.tenant_id, s.kind, s.id, s.fence, s.tries
$$;
