//! A cancelled transaction must not leave its tenant behind on a pooled connection (sqlx 0.9.0 does).

use devkit::Postgres;
use fluxpay::db::Db;
use fluxpay::id::TenantId;
use futures_util::FutureExt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

/// One whole use of a tenant's transaction, with an await at every step.
async fn work(db: &Db, tenant: &TenantId) {
    let mut tx = db.tenant(tenant).await.unwrap();
    sqlx::query("select pg_sleep(0.001)")
        .execute(tx.connection())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// What the next borrower of the only connection finds: its tenant setting, and whether a
/// transaction is open (then the transaction's time is older than the statement's).
async fn next_borrower(db: &Db) -> (Option<String>, bool) {
    let mut connection = db.without_tenant().await.unwrap();
    let sql =
        "select nullif(current_setting('app.tenant', true), ''), now() <> statement_timestamp()";
    sqlx::query_as(sql)
        .fetch_one(&mut *connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn cancelled_at_any_await_a_transaction_leaves_no_tenant_behind() {
    let database =
        tokio::task::spawn_blocking(|| Postgres::shared().fresh_database("cancel").unwrap())
            .await
            .unwrap();
    let tenant: TenantId = "acme".parse().unwrap();
    let db = Db::open(&database.app_url, 1).unwrap();
    work(&db, &tenant).await;
    let mut finished = false;
    for polls in 1..=200 {
        let mut work = pin!(work(&db, &tenant));
        for _ in 0..polls {
            let mut context = Context::from_waker(Waker::noop());
            finished = work.as_mut().poll(&mut context).is_ready();
            if finished {
                break;
            }
            // Lets the connection's bytes arrive, so that each poll gets further than the last.
            tokio::task::yield_now().await;
            tokio::time::timeout(
                std::time::Duration::from_millis(2),
                std::future::pending::<()>(),
            )
            .await
            .unwrap_err();
        }
        drop(work.now_or_never());
        assert_eq!(
            next_borrower(&db).await,
            (None, false),
            "cancelled after {polls} polls"
        );
        if finished {
            break;
        }
    }
    assert!(
        finished,
        "the last round must get to the end, or awaits were left untested"
    );
}
