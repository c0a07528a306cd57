-- Why: every move of an order or a payment leaves an event for others and a record for auditors,
-- in the transaction of the move itself. Both are numbered by the aggregate's own version, which
-- its row lock already serialises: the numbers have no gap, so that a reader can tell a loss.

create table outbox (
    tenant_id    text not null,
    aggregate    text not null check (aggregate in ('order', 'payment')),
    aggregate_id uuid not null,
    sequence     int not null check (sequence >= 1),
    id           uuid not null,
    type         text not null,
    data         jsonb not null,
    trace_id     text not null,
    created_at   timestamptz not null,
    primary key (tenant_id, aggregate_id, sequence)
);

create table audit (
    tenant_id    text not null,
    aggregate    text not null check (aggregate in ('order', 'payment')),
    aggregate_id uuid not null,
    sequence     int not null check (sequence >= 1),
    from_state   text,
    to_state     text not null,
    actor        text not null,
    reason       text not null,
    trace_id     text not null,
    created_at   timestamptz not null,
    primary key (tenant_id, aggregate_id, sequence)
);

alter table outbox enable row level security;
alter table outbox force row level security;
alter table audit enable row level security;
alter table audit force row level security;

create policy tenant_isolation on outbox to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));
create policy tenant_isolation on audit to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));

-- Neither is ever changed or deleted by the service.
grant select, insert on outbox, audit to fluxpay_app;
