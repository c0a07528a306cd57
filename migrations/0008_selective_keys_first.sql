-- Why: the service's plans are generic and made when they are first needed, which in a new installation is when
-- every table is empty. The planner then holds each index whose first column is bound for equally good, chose
-- payment_one_live_per_order by its tenant alone, and read all of the tenant's payments to settle one: in a
-- flash sale on a fresh database each payment was slower than the one before (docs/decisions/0013). An index
-- that begins with its selective column cannot be used that way, with any statistics or none. Primary keys go
-- on beginning with the tenant.
--
-- A payment by its payment_key, which a webhook asks for, had no index at all once it had failed.

alter table orders
    drop constraint order_reference_is_unique,
    add constraint order_reference_is_unique unique (reference, tenant_id);

drop index payment_one_live_per_order;
create unique index payment_one_live_per_order on payment (order_id, tenant_id)
    where state in ('IN_PROGRESS', 'UNKNOWN', 'APPROVED', 'PARTIALLY_REFUNDED', 'REFUNDED');

drop index payment_key_is_used_once;
create unique index payment_key_is_used_once on payment (payment_key, tenant_id)
    where payment_key is not null and state not in ('FAILED', 'CANCELLED');
create index payment_failed_by_key on payment (payment_key, tenant_id)
    where state in ('FAILED', 'CANCELLED');

drop index payment_by_order;
create index payment_by_order on payment (order_id, id);

alter table ledger_transfer
    drop constraint ledger_booked_once,
    add constraint ledger_booked_once unique (payment_id, kind, tenant_id);

alter table psp_webhook
    drop constraint webhook_transmission_is_kept_once,
    add constraint webhook_transmission_is_kept_once unique (transmission, tenant_id);
