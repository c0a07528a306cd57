-- Why: double entry. A transfer is a set of postings that sums to zero in its currency; a balance
-- is the sum of an account's postings. There is no balance row to contend for: accounts without a
-- limit are only appended to (a hot balance row costs five times the throughput).
--
-- An account is (tenant, code, currency). Codes are a closed list in the code and here; an account
-- needs no row of its own, so that no insert locks a shared one.

create table ledger_transfer (
    tenant_id  text not null,
    id         uuid not null,
    kind       text not null check (kind in ('payment_approved')),
    payment_id uuid not null,
    created_at timestamptz not null,
    primary key (tenant_id, id),
    -- A payment is booked once for each kind, whoever tries again.
    constraint ledger_booked_once unique (tenant_id, payment_id, kind)
);

-- amount: minor units, debit positive, credit negative.
create table ledger_posting (
    tenant_id   text not null,
    transfer_id uuid not null,
    line        smallint not null check (line >= 1),
    account     text not null check (account in ('psp_clearing', 'merchant_payable')),
    amount      bigint not null check (amount <> 0),
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    primary key (tenant_id, transfer_id, line),
    foreign key (tenant_id, transfer_id) references ledger_transfer
);

-- Once a statement, over all it inserted: measured as free, where a deferred row trigger is not.
-- A transfer is posted by one statement, so a later statement cannot unbalance it either: its own
-- lines would have to sum to zero as well.
create function ledger_sums_to_zero() returns trigger language plpgsql as $$
begin
    if exists (select 1 from posted group by tenant_id, transfer_id, currency having sum(amount) <> 0) then
        raise exception 'a ledger transfer does not sum to zero'
            using errcode = 'check_violation', constraint = 'ledger_sums_to_zero';
    end if;
    return null;
end $$;
create trigger ledger_sums_to_zero after insert on ledger_posting
    referencing new table as posted for each statement execute function ledger_sums_to_zero();

alter table ledger_transfer enable row level security;
alter table ledger_transfer force row level security;
alter table ledger_posting enable row level security;
alter table ledger_posting force row level security;

create policy tenant_isolation on ledger_transfer to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));
create policy tenant_isolation on ledger_posting to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));

-- Books are appended to, never corrected in place.
grant select, insert on ledger_transfer, ledger_posting to fluxpay_app;
