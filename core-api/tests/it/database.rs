//! A cancelled transaction must not leave its tenant behind on a pooled connection (sqlx 0.9.0 does).

use devkit::Postgres;
use fluxpay::db::Db;
use fluxpay::id::TenantId;
use std::future::poll_fn;
use std::task::Poll;

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
/// transaction is open (then time stands still between two statements).
async fn next_borrower(db: &Db) -> (Option<String>, bool) {
    let mut connection = db.without_tenant().await.unwrap();
    let mut at = Vec::new();
    let mut tenant = None;
    for _ in 0..2 {
        let sql = "select nullif(current_setting('app.tenant', true), ''), now()::text";
        let (setting, now): (Option<String>, String) = sqlx::query_as(sql)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        tenant = setting;
        at.push(now);
    }
    (tenant, at[0] == at[1])
}

/// Runs `future` until it has waited `awaits` times more, then drops it. Says whether it finished.
async fn cancelled_after(awaits: usize, future: impl Future<Output = ()>) -> bool {
    let (mut future, mut left) = (Box::pin(future), awaits);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn cancelled_at_any_await_a_transaction_leaves_no_tenant_behind() {
    let database =
        tokio::task::spawn_blocking(|| Postgres::shared().fresh_database("cancel").unwrap())
            .await
            .unwrap();
    let tenant: TenantId = "acme".parse().unwrap();
    let db = Db::open(&database.app_url, 1).unwrap();
    // A reply that is there before it is asked for makes no wait, so one sweep may miss an await.
    let mut most = 0;
    for _ in 0..50 {
        most = most.max(sweep(&db, &tenant).await);
        if most >= 3 {
            return;
        }
    }
    panic!("begin, statement and commit each wait, but at most {most} awaits were seen");
}

/// Cancels the work at its first await, then at its second, and so on until it finishes. Returns at
/// how many awaits it was cancelled.
async fn sweep(db: &Db, tenant: &TenantId) -> usize {
    let mut awaits = 0;
    while !cancelled_after(awaits, work(db, tenant)).await {
        assert_eq!(
            next_borrower(db).await,
            (None, false),
            "cancelled at await {awaits}"
        );
        awaits += 1;
        assert!(awaits < 1_000, "the work never ends");
    }
    assert_eq!(next_borrower(db).await, (None, false), "finished");
    awaits
}
