//! The database: the pool, and [`TenantTx`], the only way to a tenant's rows.
//!
//! A transaction is three round trips: `BEGIN; SET LOCAL app.tenant = …` as one message, one prepared
//! statement, `COMMIT` (and a `Sync` by which sqlx tests a released connection, off the caller's path). The tenant lives and dies with the transaction, so a connection in the pool
//! never carries one (docs/decisions/0010 has the measurement and the ways not taken).
//!
//! sqlx 0.9.0 leaves a transaction open when a `begin()` is cancelled, and the next borrower would
//! see the last tenant. Here a connection goes back to the pool only after a `COMMIT` or `ROLLBACK`
//! was answered; dropped at any other point, it is closed. That covers every await, costs no round
//! trip and writes no warning to the server's log, as a `ROLLBACK` on every release would.

mod timestamp;

use crate::id::TenantId;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, PgPool, Postgres};
use std::time::Duration;

/// How long a caller may wait for a connection before it is told that the database is busy.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Set on each connection. Plans are generic because the phases of a payment are large statements
/// that would otherwise be planned anew each time (half their cost); the time-outs bound what a
/// stuck client or a lost lock can hold up.
const SESSION: [(&str, &str); 5] = [
    // Whatever the server's default: a COMMIT that was answered is the ground a PSP call stands on.
    ("synchronous_commit", "on"),
    ("plan_cache_mode", "force_generic_plan"),
    ("statement_timeout", "10s"),
    ("lock_timeout", "3s"),
    ("idle_in_transaction_session_timeout", "15s"),
];

/// What can go wrong with the database, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Not reached, overloaded, restarting, or a lock could not be had: the same call may succeed
    /// later. After a `COMMIT` it is not known whether the transaction took place.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A named constraint refused the rows.
    #[error("constraint {0} refused the rows")]
    Constraint(String),
    /// Our statement is wrong for this schema.
    #[error("the database refused a statement")]
    Defect(#[source] sqlx::Error),
}

impl DbError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the constraint called `name` refused.
    pub fn is_constraint(&self, name: &str) -> bool {
        matches!(self, Self::Constraint(refused) if refused == name)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
        match &error {
            Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed => {
                Self::Unavailable(error)
            }
            sqlx::Error::Database(refusal) => {
                let code = refusal.code().unwrap_or_default();
                match (refusal.constraint(), is_transient_state(&code)) {
                    (_, true) => Self::Unavailable(error),
                    (Some(name), false) => Self::Constraint(name.to_owned()),
                    (None, false) => Self::Defect(error),
                }
            }
            _ => Self::Defect(error),
        }
    }
}

/// SQLSTATEs that pass by themselves: connection (08), resources (53), serialization and deadlock
/// (40), lock not available, statement cancelled, server shutting down or starting.
fn is_transient_state(code: &str) -> bool {
    const CLASSES: [&str; 3] = ["08", "53", "40"];
    const CODES: [&str; 6] = ["55P03", "57014", "57P01", "57P02", "57P03", "25P03"];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)
}

/// The pool of the service's role. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// Opens the pool without connecting yet: a service may start before its database does.
    pub fn open(url: &str, connections: u32) -> Result<Self, DbError> {
        let options: PgConnectOptions = url.parse()?;
        let options = options
            .application_name("fluxpay")
            .options(SESSION)
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A ping for each borrower would be one more round trip; `begin` deals with the dead.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// Begins a transaction that sees `tenant`'s rows and no others.
    pub async fn tenant(&self, tenant: &TenantId) -> Result<TenantTx, DbError> {
        // A TenantId holds [a-z0-9-] only, so that it cannot leave the literal.
        let begin = format!("BEGIN; SET LOCAL app.tenant = '{tenant}'");
        // After a restart of the server each pooled connection fails once; nothing was begun on it,
        // so the next is tried, at most all of them and one new.
        let mut left = self.pool.options().get_max_connections();
        loop {
            let mut tx = TenantTx {
                connection: Some(self.pool.acquire().await?),
            };
            match sqlx::raw_sql(AssertSqlSafe(begin.as_str()))
                .execute(tx.connection())
                .await
            {
                Ok(_) => return Ok(tx),
                Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Database(_))
                    if left > 0 =>
                {
                    left -= 1
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// For the functions of migrations/0005 and the key look-up, which cross tenants by design and
    /// give no tenant's rows; without `app.tenant` every table is closed to this connection.
    pub async fn without_tenant(&self) -> Result<PoolConnection<Postgres>, DbError> {
        Ok(self.pool.acquire().await?)
    }

    /// Asks the database one question.
    pub async fn ping(&self) -> Result<(), DbError> {
        let mut connection = self.pool.acquire().await?;
        sqlx::query!("select 1 as one")
            .fetch_one(&mut *connection)
            .await?;
        Ok(())
    }

    /// Connections open now, and how many of them are idle.
    pub fn connections(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle())
    }

    /// Waits for borrowed connections and closes all.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction of one tenant. Dropped unfinished, its connection is closed and the server rolls
/// back; so cancelling at any await is safe.
#[derive(Debug)]
#[must_use = "a transaction that is neither committed nor rolled back costs a connection"]
pub struct TenantTx {
    connection: Option<PoolConnection<Postgres>>,
}

impl TenantTx {
    /// Where this transaction's statements run.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.connection
            .as_mut()
            .expect("taken only by the end of the transaction")
    }

    /// Makes the transaction's work durable. On [`DbError::Unavailable`] it may or may not be.
    pub async fn commit(self) -> Result<(), DbError> {
        self.end("COMMIT").await
    }

    /// Undoes the transaction's work.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Result<(), DbError> {
        sqlx::raw_sql(statement).execute(self.connection()).await?;
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for TenantTx {
    fn drop(&mut self) {
        if let Some(mut unfinished) = self.connection.take() {
            unfinished.close_on_drop();
        }
    }
}

/// Brings the schema up to date, as its owner.
pub async fn migrate(owner_url: &str) -> Result<(), sqlx::migrate::MigrateError> {
    let options: PgConnectOptions = owner_url.parse()?;
    let mut owner = options
        .application_name("fluxpay-migrate")
        .connect()
        .await?;
    sqlx::migrate!("../migrations").run(&mut owner).await
}
