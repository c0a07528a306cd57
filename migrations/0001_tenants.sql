-- Why: every other table hangs on a tenant, and the wall between tenants has to stand before the
-- first row exists.
--
-- The wall is row-level security, forced, on every table with a tenant_id. The service's role
-- (fluxpay_app) sees a row only while `app.tenant` names its tenant; the setting lives for one
-- transaction. Unset it is an error, empty it matches nothing: both fail closed.
-- The owner's role (fluxpay_owner) runs migrations and has no policy on these tables, so that even
-- it sees nothing unless a policy below says what and why.

create table tenant (
    tenant_id  text primary key check (tenant_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name       text not null check (length(name) between 1 and 200),
    created_at timestamptz not null
);

-- A key is 160 random bits, so a plain SHA-256 cannot be searched; the prefix finds the row.
create table api_key (
    tenant_id  text not null references tenant,
    prefix     text primary key check (length(prefix) = 16),
    hash       bytea not null check (length(hash) = 32),
    kind       text not null check (kind in ('secret', 'publishable')),
    scope      text not null check (scope in ('app', 'ops', 'finance')),
    created_at timestamptz not null,
    revoked_at timestamptz
);
create index api_key_by_tenant on api_key (tenant_id);

-- The tenant's own contract with its PSP. The secret is sealed with the service's master key and
-- bound to this tenant: a row copied to another tenant does not open.
create table psp_account (
    tenant_id  text primary key references tenant,
    kind       text not null check (kind in ('toss', 'sandbox')),
    base_url   text not null,
    sealed     bytea not null,
    updated_at timestamptz not null
);

alter table tenant enable row level security;
alter table tenant force row level security;
alter table api_key enable row level security;
alter table api_key force row level security;
alter table psp_account enable row level security;
alter table psp_account force row level security;

create policy tenant_isolation on tenant to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));
create policy tenant_isolation on api_key to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));
create policy tenant_isolation on psp_account to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));

-- Who calls is not known until the key is found, so this one question crosses tenants. It answers
-- for one exact prefix and gives no secret away: the hash still has to match.
create policy find_caller on api_key for select to current_user using (true);
create function api_key_find(p_prefix text)
    returns table (tenant_id text, hash bytea, kind text, scope text)
    language sql stable security definer
    set search_path = public, pg_temp
as $$
    select k.tenant_id, k.hash, k.kind, k.scope
      from api_key k
     where k.prefix = p_prefix and k.revoked_at is null
$$;
revoke all on function api_key_find(text) from public;
grant execute on function api_key_find(text) to fluxpay_app;

grant usage on schema public to fluxpay_app;
grant select, insert, update on tenant, api_key, psp_account to fluxpay_app;
