//! The wall between tenants.

use crate::stage::{Stage, brief};
use devkit::Postgres;

#[tokio::test]
async fn the_same_names_in_two_tenants_are_strangers() {
    let stage = Stage::start().await;
    let a = stage
        .pay("service-a", "same-key", &brief("order_same"))
        .await;
    assert_eq!(a.status, 200, "{a:?}");
    let b = stage.pay("acme", "same-key", &brief("order_same")).await;
    assert_eq!(
        (b.status, b.at("/data/status")),
        (201, "READY".into()),
        "neither replayed nor refused: {b:?}"
    );
    assert_ne!(a.at("/data/paymentId"), b.at("/data/paymentId"));
}

#[tokio::test]
async fn another_tenants_payment_does_not_exist() {
    let stage = Stage::start().await;
    let paid = stage.pay("service-a", "k-1", &brief("order_wall")).await;
    let id = paid.at("/data/paymentId");
    for path in [
        format!("/api/v1/payments/{id}"),
        format!("/api/v1/payments/{id}/audit"),
        "/api/v1/orders/order_wall".into(),
    ] {
        let theirs = stage.get("acme", &path).await;
        let nobodys = stage
            .get(
                "acme",
                &path
                    .replace(&id, "pay_00000000000000000000000000")
                    .replace("wall", "nope"),
            )
            .await;
        assert_eq!(
            (theirs.status, theirs.code()),
            (404, "not_found".into()),
            "{path}"
        );
        assert_eq!(
            theirs.at("/title"),
            nobodys.at("/title"),
            "it looks like any id that names nothing"
        );
    }
    let list = stage
        .get("acme", "/api/v1/payments?orderId=order_wall")
        .await;
    assert_eq!(list.at("/data/items"), "[]");
    let confirm = stage
        .post(
            "acme",
            &format!("/api/v1/payments/{id}/confirm"),
            "k-1",
            &serde_json::json!({ "paymentKey": "x" }),
        )
        .await;
    assert_eq!((confirm.status, confirm.code()), (404, "not_found".into()));
}

/// Asks as the service's own role, with this prelude.
async fn as_service(stage: &Stage, sql: &str) -> Result<String, String> {
    let (name, sql) = (
        stage.database.name.clone(),
        format!("set role fluxpay_app; {sql}"),
    );
    tokio::task::spawn_blocking(move || {
        Postgres::shared()
            .psql(&name, &sql)
            .map_err(|error| format!("{error:?}"))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_database_itself_closes_every_table_to_other_tenants() {
    let stage = Stage::start().await;
    assert_eq!(
        stage
            .pay("service-a", "k-1", &brief("order_rls"))
            .await
            .status,
        200
    );
    let tables = stage
        .sql(
            "select string_agg(distinct table_name, ' ') from information_schema.columns \
                            where table_schema = 'public' and column_name = 'tenant_id'",
        )
        .await;
    let tables: Vec<&str> = tables.split(' ').collect();
    assert!(tables.len() >= 12, "{tables:?}");
    let unguarded = "select count(*) from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' \
                     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and not (c.relrowsecurity and c.relforcerowsecurity)";
    assert_eq!(
        stage.sql(unguarded).await,
        "0",
        "a table with tenants has no forced row-level security"
    );
    for table in tables {
        let count = |tenant: &str| {
            format!(
                "begin; set local app.tenant = '{tenant}'; select count(*) from {table} where tenant_id <> '{tenant}'"
            )
        };
        assert_eq!(
            as_service(&stage, &count("acme")).await.unwrap().trim(),
            "0",
            "{table}"
        );
        assert_eq!(
            as_service(&stage, &count("")).await.unwrap().trim(),
            "0",
            "{table}: an empty tenant sees nothing"
        );
        let unset = as_service(&stage, &format!("select count(*) from {table}")).await;
        assert!(
            unset.unwrap_err().contains("app.tenant"),
            "{table}: without a tenant it is an error"
        );
    }
    let foreign = "begin; set local app.tenant = 'acme'; insert into idempotency values ('service-a', 'x', sha256('x'), gen_random_uuid(), null, null, now())";
    assert!(
        as_service(&stage, foreign)
            .await
            .unwrap_err()
            .contains("row-level security")
    );
    let rewrite = "begin; set local app.tenant = 'service-a'; update audit set reason = 'x'";
    assert!(
        as_service(&stage, rewrite)
            .await
            .unwrap_err()
            .contains("permission denied"),
        "records are not rewritten"
    );
}

#[tokio::test]
async fn no_secret_is_in_the_database_or_in_the_log() {
    let stage = Stage::start().await;
    assert_eq!(
        stage
            .pay("service-a", "k-1", &brief("order_secret"))
            .await
            .status,
        200
    );
    let sealed = stage
        .sql("select count(*) from psp_account where position('test_sk_'::bytea in sealed) > 0")
        .await;
    assert_eq!(sealed, "0");
    let log = std::fs::read_to_string(stage.core().log()).unwrap();
    assert!(log.contains("\"route\":\"/api/v1/payments\""), "{log}");
    for secret in [stage.key("service-a"), "test_sk_".into(), "BwcHBwc".into()] {
        assert!(!log.contains(&secret), "{secret}");
    }
}
