//! The referee: checks the payment core's invariants 1 to 5 from outside, as an auditor would. It reads what
//! the PSP says it did, what the database holds and what the API answers; it links no code under test, so
//! that a wrong idea in that code cannot excuse itself here.

mod api;
mod books;
mod charges;
mod events;
mod finding;
mod ledger;
mod moves;
mod psp;

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

pub use api::ApiAccess;
pub use books::{Books, Payment};
pub use charges::{charged_once, matched};
pub use finding::{Finding, Verdict};
pub use psp::{Approval, Kind};

/// Invariant 2 may take this long to become true after a crash or a time-out.
pub const CONVERGENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Where the referee asks.
#[derive(Clone, Debug)]
pub struct Referee {
    /// psp-sim, as `http://host:port`.
    pub psp: String,
    /// The core's database, with a role that sees every tenant's rows (superuser, or one with BYPASSRLS).
    pub database: String,
    /// The core's API as one tenant sees it; left out, the API is not asked and the verdict says so.
    pub api: Option<ApiAccess>,
    /// How long invariant 2 may take to become true.
    pub patience: Duration,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum NoVerdict {
    /// The PSP's list could not be read.
    #[error("psp-sim's approvals cannot be read: {0}")]
    Psp(#[source] reqwest::Error),
    /// The database could not be read.
    #[error("the core's database cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    /// The role sees only some rows, so that an empty answer would prove nothing.
    #[error(
        "the role {0:?} does not bypass row-level security: give the referee a superuser's address"
    )]
    HalfBlind(String),
    /// The core's API could not be asked.
    #[error("the core's API cannot be asked: {0}")]
    Api(#[source] reqwest::Error),
    /// A side answered in a form this referee does not know.
    #[error("{0}")]
    Unreadable(String),
}

impl Referee {
    /// Checks everything, giving invariant 2 time to come true.
    ///
    /// # Errors
    /// When a side cannot be read; a violation is not an error but part of the verdict.
    pub async fn judge(&self) -> Result<Verdict, NoVerdict> {
        let options: PgConnectOptions = self.database.parse()?;
        let mut database = PgConnection::connect_with(&options).await?;
        refuse_half_blind(&mut database).await?;
        let client = reqwest::Client::new();
        let deadline = tokio::time::Instant::now() + self.patience;
        let verdict = loop {
            let verdict = self.look(&client, &mut database).await?;
            let waits = verdict
                .findings
                .iter()
                .any(|finding| finding.converges && !finding.holds());
            if !waits || tokio::time::Instant::now() >= deadline {
                break verdict;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        database.close().await?;
        Ok(verdict)
    }

    /// One look. The PSP is asked before and after the database is read, and only approvals that stood
    /// before count as missing there: what moves meanwhile is not held against anybody.
    async fn look(
        &self,
        client: &reqwest::Client,
        database: &mut PgConnection,
    ) -> Result<Verdict, NoVerdict> {
        let mut approvals = psp::approvals(client, &self.psp, 0).await?;
        let stood = approvals.len();
        let mut snapshot = database.begin().await?;
        sqlx::query("set transaction isolation level repeatable read, read only")
            .execute(&mut *snapshot)
            .await?;
        let books = Books::read(&mut snapshot).await?;
        let last = approvals.last().map_or(0, |approval| approval.seq);
        approvals.extend(psp::approvals(client, &self.psp, last).await?);
        let mut findings = vec![
            charged_once(&approvals, &books),
            matched(&approvals, stood, &books),
        ];
        findings.push(ledger::balanced(&mut snapshot).await?);
        findings.push(moves::legal(&mut snapshot).await?);
        findings.push(events::in_order(&mut snapshot).await?);
        snapshot.rollback().await?;
        if let Some(api) = &self.api {
            findings.push(api::agrees(client, api, &books).await?);
        }
        Ok(Verdict { findings })
    }
}

async fn refuse_half_blind(database: &mut PgConnection) -> Result<(), NoVerdict> {
    let sees =
        "select rolname::text, rolsuper or rolbypassrls from pg_roles where rolname = current_user";
    let (role, everything): (String, bool) = sqlx::query_as(sees).fetch_one(database).await?;
    if everything {
        Ok(())
    } else {
        Err(NoVerdict::HalfBlind(role))
    }
}
