//! Databases and roles of a private cluster. The superuser makes them; migrations only grant.

use super::Postgres;
use super::cluster::run;
use crate::error::Error;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Who may do what in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Owns the database and runs its migrations.
    pub owner: &'static str,
    /// The service: may connect, and what the owner grants.
    pub app: &'static str,
}

impl Roles {
    /// Those of the payment core.
    pub const FLUXPAY: Self = Self {
        owner: "fluxpay_owner",
        app: "fluxpay_app",
    };
}

/// A database and the ways into it, as URLs with passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// For migrations.
    pub owner_url: String,
    /// For the service.
    pub app_url: String,
    /// The superuser, for a referee that has to see every row.
    pub admin_url: String,
}

impl Postgres {
    /// An empty database of the payment core's roles; one that exists stays as it is.
    pub fn create_database(&self, name: &str) -> Result<Database, Error> {
        self.create_database_for(name, Roles::FLUXPAY)
    }

    /// An empty database for these roles, which are made where they are missing; a database that
    /// exists stays as it is.
    pub fn create_database_for(&self, name: &str, roles: Roles) -> Result<Database, Error> {
        self.create(name, roles, "template0")
    }

    /// An empty database with a name no other call gets, which begins with `prefix`.
    pub fn fresh_database(&self, prefix: &str) -> Result<Database, Error> {
        self.create_database(&unique(prefix))
    }

    /// A copy of `template`, under a name no other call gets: migrate one database, then give each
    /// test its copy (30 ms). Nobody may be connected to the template meanwhile.
    pub fn copy_database(&self, template: &Database) -> Result<Database, Error> {
        self.create(&unique(&template.name), Roles::FLUXPAY, &template.name)
    }

    /// Runs SQL as superuser in `database`; what it prints, unaligned and without headings.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, Error> {
        let mut psql = self.psql_command(database);
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]);
        psql.args(["--set", "ON_ERROR_STOP=1", "--command", sql]);
        run(psql, &format!("run SQL in database {database}"))
    }

    /// A `psql` for people: superuser, through the socket.
    pub fn psql_command(&self, database: &str) -> Command {
        let mut psql = self.cluster.command("psql");
        psql.arg("--host")
            .arg(&self.cluster.socket)
            .arg("--port")
            .arg(self.port.to_string());
        psql.args(["--username", "postgres", "--dbname", database]);
        psql
    }

    /// The ways into a database that exists.
    pub fn database(&self, name: &str, roles: Roles) -> Database {
        let url = |role: &str| {
            let (password, port) = (&self.cluster.password, self.port);
            format!("postgres://{role}:{password}@127.0.0.1:{port}/{name}")
        };
        let (owner_url, app_url, admin_url) = (url(roles.owner), url(roles.app), url("postgres"));
        Database {
            name: name.to_owned(),
            owner_url,
            app_url,
            admin_url,
        }
    }

    fn create(&self, name: &str, roles: Roles, template: &str) -> Result<Database, Error> {
        for role in [roles.owner, roles.app] {
            self.psql("postgres", &create_role(role, &self.cluster.password))?;
        }
        let Roles { owner, app } = roles;
        let there = self.psql(
            "postgres",
            &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"),
        )?;
        if there.trim().is_empty() {
            let create =
                format!("CREATE DATABASE \"{name}\" OWNER \"{owner}\" TEMPLATE \"{template}\"");
            self.psql("postgres", &create)?;
        }
        let rights = format!(
            "REVOKE ALL ON DATABASE \"{name}\" FROM PUBLIC; \
             GRANT CONNECT, TEMPORARY ON DATABASE \"{name}\" TO \"{app}\"; \
             ALTER SCHEMA public OWNER TO \"{owner}\"; \
             GRANT USAGE ON SCHEMA public TO \"{app}\""
        );
        self.psql(name, &rights)?;
        Ok(self.database(name, roles))
    }
}

/// Makes a role unless it is there. Two tests may do so at once, and one of them then loses the race
/// for the catalogue row: to lose is as good as to win.
fn create_role(role: &str, password: &str) -> String {
    format!(
        "DO $$ BEGIN CREATE ROLE \"{role}\" LOGIN PASSWORD '{password}'; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
}

fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
