-- Why: what a PSP tells us unasked. TossPayments does not sign payment webhooks, so a body is a
-- hint and never a fact: it is kept as it came, once for each transmission, and makes us ask.

create table psp_webhook (
    tenant_id    text not null references tenant,
    id           uuid not null,
    transmission text not null check (length(transmission) between 1 and 200),
    body         bytea not null check (length(body) <= 65536),
    received_at  timestamptz not null,
    outcome      text check (length(outcome) <= 200),
    primary key (tenant_id, id),
    constraint webhook_transmission_is_kept_once unique (tenant_id, transmission)
);

alter table psp_webhook enable row level security;
alter table psp_webhook force row level security;
create policy tenant_isolation on psp_webhook to fluxpay_app
    using (tenant_id = current_setting('app.tenant'))
    with check (tenant_id = current_setting('app.tenant'));

grant select, insert, update on psp_webhook to fluxpay_app;
