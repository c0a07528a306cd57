//! What tests and `up` rely on a private PostgreSQL for.

use devkit::{Durability, Error, Postgres, PostgresOptions, Scratch};
use std::net::TcpListener;

#[test]
fn a_database_has_an_owner_and_an_app_that_owns_nothing() {
    let database = Postgres::shared().fresh_database("roles").unwrap();
    let run = |url: &str, sql: &str| {
        let psql = Postgres::shared().program("psql");
        let output = std::process::Command::new(psql)
            .args([url, "-Atc", sql])
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let owner =
        "CREATE TABLE t (n int); GRANT SELECT ON t TO fluxpay_app; INSERT INTO t VALUES (7)";
    assert!(run(&database.owner_url, owner).0);
    assert_eq!(
        run(&database.app_url, "SELECT n, current_user FROM t"),
        (true, "7|fluxpay_app".into())
    );
    assert!(!run(&database.app_url, "INSERT INTO t VALUES (8)").0);
    assert!(!run(&database.app_url, "CREATE TABLE mine (n int)").0);
    assert!(run(&database.admin_url, "SELECT 1").0);
}

#[test]
fn a_wrong_password_is_refused_over_tcp() {
    let database = Postgres::shared().fresh_database("password").unwrap();
    let (_, rest) = database.app_url.split_once('@').unwrap();
    let url = format!("postgres://postgres:wrong@{rest}");
    let psql = Postgres::shared().program("psql");
    let output = std::process::Command::new(psql)
        .args([&url, "-c", "SELECT 1"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("password authentication failed"));
}

#[test]
fn a_copy_has_what_the_template_has_and_is_apart_from_it() {
    let postgres = Postgres::shared();
    let template = postgres.fresh_database("template").unwrap();
    postgres
        .psql(&template.name, "CREATE TABLE t AS SELECT 1 AS n")
        .unwrap();
    let copy = postgres.copy_database(&template).unwrap();
    postgres.psql(&copy.name, "UPDATE t SET n = 2").unwrap();
    assert_eq!(
        postgres
            .psql(&template.name, "SELECT n FROM t")
            .unwrap()
            .trim(),
        "1"
    );
}

#[test]
fn many_tests_may_make_databases_at_once() {
    std::thread::scope(|scope| {
        let each = |_| scope.spawn(|| Postgres::shared().fresh_database("many").unwrap().name);
        let threads: Vec<_> = (0..6).map(each).collect();
        let names: std::collections::HashSet<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(names.len(), 6);
    });
}

#[test]
fn what_was_committed_survives_a_crash_and_a_restart_on_the_same_port() {
    let options = PostgresOptions {
        durability: Durability::Real,
        ..Default::default()
    };
    let mut postgres = Postgres::start(options).unwrap();
    let port = postgres.port();
    postgres.create_database("kept").unwrap();
    postgres
        .psql("kept", "CREATE TABLE t AS SELECT 42 AS n")
        .unwrap();
    postgres.kill();
    assert!(postgres.psql("kept", "SELECT 1").is_err());
    postgres.start_again().unwrap();
    assert_eq!(
        postgres.psql("kept", "SELECT n FROM t").unwrap().trim(),
        "42"
    );
    postgres.start_again().unwrap();
    assert_eq!(
        postgres.psql("kept", "SELECT n FROM t").unwrap().trim(),
        "42"
    );
    assert_eq!(postgres.port(), port);
}

#[test]
fn a_kept_cluster_is_found_again_even_with_a_stale_pid_file() {
    let scratch = Scratch::new("kept").unwrap();
    let options = PostgresOptions {
        dir: Some(scratch.path().to_owned()),
        ..PostgresOptions::default()
    };
    let first = Postgres::start(options.clone()).unwrap();
    let made = first.create_database("kept").unwrap();
    drop(first);
    // After a reboot the old postmaster's pid may be anybody's, say ours.
    let pid_file = scratch.path().join("data/postmaster.pid");
    let stale = format!("{}\n/elsewhere\n1\n5432\n", std::process::id());
    std::fs::write(pid_file, stale).unwrap();
    let second = Postgres::start(options).unwrap();
    let password = |url: &str| url.split(['@', ':']).nth(2).unwrap().to_owned();
    assert_eq!(second.psql("kept", "SELECT 1").unwrap().trim(), "1");
    let found = second.create_database("kept").unwrap();
    assert_eq!(password(&made.app_url), password(&found.app_url));
}

#[test]
fn a_taken_port_is_named() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let options = PostgresOptions {
        port: Some(port),
        ..Default::default()
    };
    match Postgres::start(options) {
        Err(Error::PortTaken { port: taken, .. }) => assert_eq!(taken, port),
        other => panic!("{other:?}"),
    }
}
