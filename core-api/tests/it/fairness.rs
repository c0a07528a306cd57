//! Background work: whose turn it is.

use crate::stage::Stage;

/// Puts work of `count` rows in the queue, due `minutes` ago.
fn due(tenant: &str, kind: &str, count: u32, minutes: u32) -> String {
    format!(
        "insert into saga (tenant_id, kind, id, due_at, created_at) \
         select '{tenant}', '{kind}', gen_random_uuid(), now() - interval '{minutes} minutes', now() \
           from generate_series(1, {count})"
    )
}

#[tokio::test]
async fn one_tenants_flood_of_doubts_and_hints_keeps_nobody_waiting() {
    let stage = Stage::start().await;
    // Nobody but this test claims.
    stage.kill_core();
    // acme's PSP has been down for an hour, and somebody sends it webhooks without end.
    stage.sql(&due("acme", "psp.hint", 3_000, 90)).await;
    stage.sql(&due("acme", "payment.settle", 2_000, 60)).await;
    stage.sql(&due("service-a", "payment.settle", 1, 1)).await;
    let claimed = "select tenant_id || ' ' || kind || ' ' || count(*) \
                     from saga_claim(gen_random_uuid(), 64, 75) group by tenant_id, kind order by 1";
    let first = stage
        .sql(&format!(
            "select string_agg(c, ', ') from ({claimed}) as t (c)"
        ))
        .await;
    assert_eq!(first, "acme payment.settle 63, service-a payment.settle 1");
    // Nobody gets what another holds, and hints have their turn once payments are in hand.
    let all = "select count(*) from saga_claim(gen_random_uuid(), 5000, 75) where kind = 'payment.settle'";
    assert_eq!(stage.sql(all).await, "1937");
    let rest = "select count(*) from saga_claim(gen_random_uuid(), 5000, 75)";
    assert_ne!(stage.sql(rest).await, "0", "hints are claimed too");
}
