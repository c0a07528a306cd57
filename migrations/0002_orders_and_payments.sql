-- Why: the order, the payment that pays it, and the answer a retry must get.
--
-- No table here refers to tenant by foreign key: each insert would share-lock the same tenant row,
-- and under load that one row's lock list costs more than the payment. Row-level security already
-- pins tenant_id to the authenticated tenant.

create table orders (
    tenant_id  text not null,
    id         uuid not null,
    reference  text not null check (reference ~ '^[A-Za-z0-9_-]{6,64}$'),
    state      text not null check (state in ('PENDING', 'PAID', 'COMPLETED', 'CANCELLED')),
    version    int not null check (version >= 1),
    amount     bigint not null check (amount > 0),
    currency   text not null check (currency ~ '^[A-Z]{3}$'),
    metadata   jsonb not null,
    items      jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    constraint order_reference_is_unique unique (tenant_id, reference)
) with (fillfactor = 80);

create table payment (
    tenant_id       text not null,
    id              uuid not null,
    order_id        uuid not null,
    order_reference text not null,
    state           text not null check (state in ('READY', 'IN_PROGRESS', 'APPROVED',
                        'PARTIALLY_REFUNDED', 'REFUNDED', 'FAILED', 'CANCELLED', 'UNKNOWN')),
    version         int not null check (version >= 1),
    amount          bigint not null check (amount > 0),
    currency        text not null check (currency ~ '^[A-Z]{3}$'),
    method          text,
    metadata        jsonb not null,
    -- The PSP's name for the payment, from the window or from its answer.
    payment_key     text,
    -- Our name for the one attempt to collect it: the Idempotency-Key the PSP sees.
    attempt_id      uuid not null,
    -- The request that set the attempt going; its answer is frozen when the attempt is settled.
    idempotency_key text not null,
    trace_id        text not null,
    failure_code    text,
    approved_at     timestamptz,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, order_id) references orders,
    constraint payment_approval_is_dated check ((approved_at is not null) =
        (state in ('APPROVED', 'PARTIALLY_REFUNDED', 'REFUNDED'))),
    constraint payment_failure_is_named check ((failure_code is not null) = (state = 'FAILED'))
) with (fillfactor = 80);

-- One live attempt an order, and one approval an order: the database refuses the second, whatever
-- the code believes.
create unique index payment_one_live_per_order on payment (tenant_id, order_id)
    where state in ('IN_PROGRESS', 'UNKNOWN', 'APPROVED', 'PARTIALLY_REFUNDED', 'REFUNDED');
-- One session of the PSP's window pays one payment. A failed one may be tried again.
create unique index payment_key_is_used_once on payment (tenant_id, payment_key)
    where payment_key is not null and state not in ('FAILED', 'CANCELLED');
create index payment_by_order on payment (tenant_id, order_id, id);

-- A row is written with the payment it names and lives at least 15 days (deleted by retention).
-- status and body stay null until the payment is settled: only a final answer is frozen.
create table idempotency (
    tenant_id   text not null,
    key         text not null check (length(key) between 1 and 255),
    fingerprint bytea not null check (length(fingerprint) = 32),
    payment_id  uuid not null,
    status      smallint,
    body        bytea,
    created_at  timestamptz not null,
    primary key (tenant_id, key),
    constraint idempotency_answer_is_whole check ((status is null) = (body is null))
) with (fillfactor = 60);

alter table orders enable row level security;
alter table orders force row level security;
alter table payment enable row level security;
alter table payment force row level security;
alter table idempotency enable row level security;
alter table idempotency force row level security;

create policy tenant_isolation on orders to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));
create policy tenant_isolation on payment to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));
create policy tenant_isolation on idempotency to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));

grant select, insert, update on orders, payment, idempotency to fluxpay_app;
