-- Why: work that outlives a request. A row says that something must be looked at again, when, and
-- who has it now. It is written in the transaction that makes it necessary and deleted in the one
-- that finishes it, so a crash at any point leaves a row that another process takes up.
--
-- due_at: when somebody must look. Whoever takes the row moves it to the end of the lease, so one
-- index answers "what is due" for fresh, postponed and abandoned work alike.
-- fence: counts takers; the write that finishes compares it, so a process that was paused past its
-- lease writes nothing.

create table saga (
    tenant_id  text not null,
    kind       text not null check (kind in ('payment.settle', 'psp.hint')),
    id         uuid not null,
    tries      int not null default 0,
    fence      bigint not null default 1,
    due_at     timestamptz not null,
    holder     uuid,
    created_at timestamptz not null,
    primary key (tenant_id, kind, id)
) with (fillfactor = 60);
create index saga_due on saga (due_at);

-- One heartbeat a process rather than one a row: a process unseen for 9 s (three beats of 3 s) is
-- dead, and all it held is due at once.
create table worker (
    id      uuid primary key,
    seen_at timestamptz not null
) with (fillfactor = 20);

alter table saga enable row level security;
alter table saga force row level security;
create policy tenant_isolation on saga to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));

-- The one place where background work looks across tenants. The service's role cannot: it may only
-- call the functions below, which give out (tenant, kind, id, fence) and no business data. What it
-- then does for a row happens under that row's tenant.
create policy claim_due_work on saga to current_user using (true) with check (true);

create function saga_claim(p_holder uuid, p_limit int, p_lease_seconds int)
    returns table (tenant_id text, kind text, id uuid, fence bigint, tries int)
    language sql volatile security definer
    set search_path = public, pg_temp
as $$
    with taken as (
        select s.tenant_id, s.kind, s.id
          from saga s
         where s.due_at <= now()
         order by s.due_at
         limit p_limit
           for update skip locked
    )
    update saga s
       set holder = p_holder, fence = s.fence + 1, tries = s.tries + 1,
           due_at = now() + make_interval(secs => p_lease_seconds)
      from taken t
     where s.tenant_id = t.tenant_id and s.kind = t.kind and s.id = t.id
    returning s.tenant_id, s.kind, s.id, s.fence, s.tries
$$;

-- Says "I live", and makes what the dead held due now. The scan of saga happens only when a dead
-- process is found; the table holds unfinished work only.
create function saga_beat(p_holder uuid) returns bigint
    language sql volatile security definer
    set search_path = public, pg_temp
as $$
    with beat as (
        insert into worker (id, seen_at) values (p_holder, now())
        on conflict (id) do update set seen_at = excluded.seen_at
    ), dead as (
        delete from worker w where w.id <> p_holder and w.seen_at < now() - interval '9 seconds'
        returning w.id
    ), freed as (
        update saga s set due_at = now(), holder = null from dead d where s.holder = d.id
        returning 1
    )
    select count(*) from freed
$$;

-- A process that ends in good order gives back what it holds.
create function saga_retire(p_holder uuid) returns void
    language sql volatile security definer
    set search_path = public, pg_temp
as $$
    delete from worker w where w.id = p_holder;
    update saga s set due_at = now(), holder = null where s.holder = p_holder
$$;

-- For the gauge of open work: numbers only.
create function saga_open() returns table (kind text, waiting bigint, oldest_seconds bigint)
    language sql stable security definer
    set search_path = public, pg_temp
as $$
    select s.kind, count(*), coalesce(extract(epoch from now() - min(s.created_at))::bigint, 0)
      from saga s group by s.kind
$$;

revoke all on function saga_claim(uuid, int, int), saga_beat(uuid), saga_retire(uuid), saga_open() from public;
grant execute on function saga_claim(uuid, int, int), saga_beat(uuid), saga_retire(uuid), saga_open() to fluxpay_app;
grant select, insert, update, delete on saga to fluxpay_app;
