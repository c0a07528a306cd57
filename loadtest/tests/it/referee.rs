//! The referee, put to the test: true books pass, and each kind of crime is caught under its own number.

use std::path::Path;

use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use devkit::{Database, Postgres};
use loadtest::referee::{Referee, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Two payments of one tenant as the core would write them, each move in a transaction of its own.
const TRUE_BOOKS: &str = "
create function approve(n int) returns void language sql as $$
  with ids as (select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as pay,
                      ('00000000-0000-7000-8001-' || lpad(n::text, 12, '0'))::uuid as ord,
                      ('00000000-0000-7000-8002-' || lpad(n::text, 12, '0'))::uuid as led),
  o as (insert into orders select 'acme', ord, 'order-' || n, 'PAID', 2, 1000, 'KRW', '{}', '[]', now(), now() from ids),
  p as (insert into payment (tenant_id, id, order_id, order_reference, state, version, amount, currency, metadata,
          payment_key, attempt_id, idempotency_key, trace_id, approved_at, created_at, updated_at)
        select 'acme', pay, ord, 'order-' || n, 'APPROVED', 2, 1000, 'KRW', '{}', 'pk-' || n, gen_random_uuid(),
          'key-' || n, 't', now(), now(), now() from ids),
  t as (insert into ledger_transfer select 'acme', led, 'payment_approved', pay, now() from ids),
  l as (insert into ledger_posting select 'acme', led, 1, 'psp_clearing', 1000, 'KRW' from ids
        union all select 'acme', led, 2, 'merchant_payable', -1000, 'KRW' from ids),
  m as (select 'payment' as aggregate, pay as id, 1 as seq, null as before, 'IN_PROGRESS' as after from ids
        union all select 'payment', pay, 2, 'IN_PROGRESS', 'APPROVED' from ids
        union all select 'order', ord, 1, null, 'PENDING' from ids
        union all select 'order', ord, 2, 'PENDING', 'PAID' from ids),
  e as (insert into outbox select 'acme', aggregate, id, seq, gen_random_uuid(), 'x', '{}', 't', now() from m)
  insert into audit select 'acme', aggregate, id, seq, before, after, 'test', 'test', 't', now() from m
$$;
select approve(1); select approve(2);
";

/// A crime, and the invariant it breaks.
const CRIMES: [(u8, &str, &str); 12] = [
    (
        2,
        "a payment is approved that the PSP never took",
        "select approve(3)",
    ),
    (
        2,
        "a payment the PSP took is in doubt for ever",
        "update payment set state = 'UNKNOWN', approved_at = null where order_reference = 'order-1'; \
      update audit set to_state = 'UNKNOWN' where sequence = 2 and aggregate_id = '00000000-0000-7000-8000-000000000001'; \
      update outbox set type = 'y' where sequence = 2 and aggregate_id = '00000000-0000-7000-8000-000000000001'; \
      delete from ledger_posting where transfer_id = '00000000-0000-7000-8002-000000000001'; \
      delete from ledger_transfer where id = '00000000-0000-7000-8002-000000000001'",
    ),
    (
        2,
        "an amount differs from the PSP's",
        "update payment set amount = 999 where order_reference = 'order-1'; \
      update ledger_posting set amount = sign(amount) * 999 where transfer_id = '00000000-0000-7000-8002-000000000001'",
    ),
    (
        3,
        "a transfer does not sum to zero",
        "update ledger_posting set amount = 1001 where line = 1 and transfer_id = '00000000-0000-7000-8002-000000000002'",
    ),
    (
        3,
        "an approval is not booked",
        "delete from ledger_posting where transfer_id = '00000000-0000-7000-8002-000000000002'; \
      delete from ledger_transfer where id = '00000000-0000-7000-8002-000000000002'",
    ),
    (
        3,
        "a transfer is empty",
        "delete from ledger_posting where transfer_id = '00000000-0000-7000-8002-000000000002'",
    ),
    (
        4,
        "a state jumps",
        "update audit set to_state = 'REFUNDED' where sequence = 1 and aggregate = 'payment'; \
      update audit set from_state = 'REFUNDED' where sequence = 2 and aggregate = 'payment'; update outbox set type = 'y' where aggregate = 'payment'",
    ),
    (
        4,
        "a record does not follow from the one before",
        "update audit set from_state = 'UNKNOWN' where sequence = 2 and aggregate = 'payment'; \
      update outbox set type = 'y' where sequence = 2 and aggregate = 'payment'",
    ),
    (
        4,
        "a record is missing",
        "delete from audit where sequence = 2 and aggregate_id = '00000000-0000-7000-8000-000000000001'",
    ),
    (
        4,
        "an event was written in another transaction",
        "update outbox set type = 'y' where sequence = 2 and aggregate_id = '00000000-0000-7000-8000-000000000001'",
    ),
    (
        4,
        "a row moved without a record",
        "update orders set state = 'COMPLETED' where reference = 'order-1'",
    ),
    (
        5,
        "events are out of order",
        "update outbox set created_at = now() - interval '1 day' where sequence = 2; update audit set reason = 'y' where sequence = 2",
    ),
];

/// The PSP's honest journal.
fn journal() -> Vec<Value> {
    (1..=2).map(|n| approval(n, n)).collect()
}

fn approval(seq: u32, n: u32) -> Value {
    json!({
        "seq": seq, "merchant": "test_sk_acme", "paymentKey": format!("pk-{n}"), "orderId": format!("order-{n}"),
        "amount": 1000, "currency": "KRW", "idempotencyKey": format!("att-{seq}"), "kind": "approval", "at": "2026-12-01T00:00:00Z",
    })
}

#[derive(Deserialize)]
struct After {
    after: u64,
}

/// Serves a journal as psp-sim would; gives its address.
async fn psp(journal: Vec<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let list = get(async move |Query(page): Query<After>| {
        Json(
            journal
                .into_iter()
                .filter(|line| line["seq"].as_u64() > Some(page.after))
                .collect::<Vec<_>>(),
        )
    });
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/sim/approvals", list)).await
    });
    format!("http://{address}")
}

/// The core's tables, from its migrations, filled with true books.
fn true_books(postgres: &Postgres) -> Database {
    let database = postgres.fresh_database("books").expect("a database");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("migrations")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    for file in files {
        let sql = std::fs::read_to_string(&file).expect("a migration");
        postgres
            .psql(&database.name, &sql)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    postgres
        .psql(&database.name, TRUE_BOOKS)
        .expect("true books");
    database
}

async fn judge(psp: String, database: &Database) -> Verdict {
    let referee = Referee {
        psp,
        database: database.admin_url.clone(),
        api: None,
        patience: std::time::Duration::ZERO,
    };
    referee
        .judge()
        .await
        .unwrap_or_else(|error| panic!("no verdict: {error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn true_books_pass_and_each_crime_is_caught_under_its_own_number() {
    let postgres = Postgres::shared();
    let truth = true_books(postgres);
    let verdict = judge(psp(journal()).await, &truth).await;
    assert!(verdict.holds(), "{verdict}");
    for (invariant, crime, sql) in CRIMES {
        let scene = postgres.copy_database(&truth).expect("a copy");
        postgres
            .psql(&scene.name, sql)
            .unwrap_or_else(|error| panic!("{crime}: {error}"));
        let verdict = judge(psp(journal()).await, &scene).await;
        assert!(
            verdict.violations_of(invariant) > 0,
            "{crime} was not caught:\n{verdict}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_charge_and_a_charge_without_a_payment_are_caught() {
    let truth = true_books(Postgres::shared());
    let mut twice = journal();
    twice.push(approval(3, 1));
    let verdict = judge(psp(twice).await, &truth).await;
    assert!(verdict.violations_of(1) > 0, "{verdict}");
    let mut stray = journal();
    stray.push(approval(3, 3));
    let verdict = judge(psp(stray).await, &truth).await;
    assert_eq!(
        (verdict.violations_of(1), verdict.violations_of(2)),
        (0, 1),
        "{verdict}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_sees_only_some_rows_gets_no_verdict() {
    let truth = true_books(Postgres::shared());
    let referee = Referee {
        psp: psp(journal()).await,
        database: truth.owner_url.clone(),
        api: None,
        patience: std::time::Duration::ZERO,
    };
    let error = referee
        .judge()
        .await
        .expect_err("the owner is under row-level security");
    assert!(error.to_string().contains("superuser"), "{error}");
}
