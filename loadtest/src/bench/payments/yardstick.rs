//! pgbench on the core's own PostgreSQL, in a database of its own: what this machine's commits are worth.

use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::process::Command;
use url::Url;

use super::NoFigures;

/// A prepared pgbench database.
#[derive(Debug)]
pub(super) struct Yardstick {
    admin: PgConnectOptions,
    pgbench: PathBuf,
}

const NAME: &str = "drill_yardstick";
/// 2 million rows, 300 MB: larger than caches of L3, smaller than memory.
const SCALE: &str = "20";
const SECONDS: &str = "10";

impl Yardstick {
    pub(super) async fn prepare(database: &str, pgbench: &Path) -> Result<Self, NoFigures> {
        let yardstick = Self {
            admin: database.parse()?,
            pgbench: pgbench.to_owned(),
        };
        yardstick.clear().await?;
        let mut connection = PgConnection::connect_with(&yardstick.admin).await?;
        connection
            .execute("create database drill_yardstick")
            .await?;
        connection.close().await?;
        yardstick.pgbench(&["-i", "-q", "-s", SCALE]).await?;
        Ok(yardstick)
    }

    /// Transactions a second.
    pub(super) async fn measure(&self) -> Result<f64, NoFigures> {
        let text = self
            .pgbench(&["-N", "-M", "prepared", "-c", "32", "-j", "2", "-T", SECONDS])
            .await?;
        tps(&text).ok_or_else(|| NoFigures::Unexpected(format!("pgbench said: {text}")))
    }

    pub(super) async fn clear(&self) -> Result<(), NoFigures> {
        let mut connection = PgConnection::connect_with(&self.admin).await?;
        connection
            .execute("drop database if exists drill_yardstick with (force)")
            .await?;
        Ok(connection.close().await?)
    }

    async fn pgbench(&self, arguments: &[&str]) -> Result<String, NoFigures> {
        let url = address(&self.admin);
        let mut command = Command::new(&self.pgbench);
        command.args(arguments).arg(url.as_str()).kill_on_drop(true);
        let output = command
            .output()
            .await
            .map_err(NoFigures::machine("running pgbench"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(NoFigures::Unexpected(format!("pgbench failed: {said}")));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The database's address as libpq reads it, without what only sqlx knows.
fn address(admin: &PgConnectOptions) -> Url {
    let mut url = admin.clone().database(NAME).to_url_lossy();
    url.set_query(None);
    url
}

fn tps(text: &str) -> Option<f64> {
    let line = text.lines().rfind(|line| line.starts_with("tps = "))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_is_given_an_address_it_can_read() {
        let admin = "postgres://root:secret@127.0.0.1:5433/core?statement-cache-capacity=3";
        let admin: PgConnectOptions = admin.parse().expect("an address");
        assert_eq!(
            address(&admin).as_str(),
            "postgres://root:secret@127.0.0.1:5433/drill_yardstick"
        );
    }

    #[test]
    fn pgbenchs_rate_is_read() {
        let text = "latency average = 3 ms\ninitial connection time = 30 ms\ntps = 9797.21 (without initial connection time)\n";
        assert_eq!(tps(text), Some(9797.21));
        assert_eq!(tps("pgbench: error"), None);
    }
}
