//! No process outlives its owner, whichever way the owner ends.

use devkit::{Error, Identity, Launch, Proc, Ready, Scratch, wait};
use std::process::{Command, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

fn sleeper(log: &Scratch) -> Launch {
    Launch::new("sleeper", "sleep", log.path().join("log")).arg("600")
}

#[test]
fn dropping_ends_it() {
    let scratch = Scratch::new("guard").unwrap();
    let process = Proc::spawn(sleeper(&scratch)).unwrap();
    let identity = process.identity();
    assert!(identity.is_alive());
    drop(process);
    assert!(!identity.is_alive());
}

#[test]
fn it_outlives_the_thread_that_asked_for_it() {
    let scratch = Scratch::new("guard").unwrap();
    let launch = sleeper(&scratch);
    let process = std::thread::spawn(move || Proc::spawn(launch).unwrap())
        .join()
        .unwrap();
    // A child of a dead thread gets its signal before the join returns.
    assert!(process.wait_exit(Duration::from_millis(100)).is_none());
}

/// Not a test by itself: the owner that the next test kills. It does nothing without the variable.
#[test]
fn owner_that_is_killed() {
    if std::env::var_os("DEVKIT_OWNER").is_none() {
        return;
    }
    let redis = devkit::Redis::start(devkit::RedisOptions::default()).unwrap();
    let postgres = devkit::Postgres::start(devkit::PostgresOptions::default()).unwrap();
    let file = std::env::var_os("DEVKIT_OWNER").unwrap();
    let line = format!(
        "{}\n{}",
        redis.process().identity(),
        postgres.process().identity()
    );
    std::fs::write(&file, line).unwrap();
    wait::until(Duration::from_secs(600), || None::<()>);
}

#[test]
fn children_die_with_an_owner_that_is_killed_with_minus_nine() {
    let scratch = Scratch::new("guard").unwrap();
    let file = scratch.path().join("children");
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "guard::owner_that_is_killed"])
        .env("DEVKIT_OWNER", &file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let children: Vec<Identity> = wait::until(Duration::from_secs(60), || {
        let text = std::fs::read_to_string(&file).ok()?;
        let children: Result<Vec<_>, ()> = text.lines().map(str::parse).collect();
        children.ok().filter(|children| children.len() == 2)
    })
    .expect("the owner starts its servers");
    assert!(children.iter().all(|child| child.is_alive()));
    owner.kill().unwrap();
    owner.wait().unwrap();
    let gone = || children.iter().all(|child| !child.is_alive()).then_some(());
    wait::until(SOON, gone).expect("the servers end with their owner");
    let owner_dirs = || {
        devkit::sweep();
        let home = scratch.path().parent().unwrap();
        let prefix = format!("{}.", owner.id());
        let names = std::fs::read_dir(home)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let left = names
            .filter(|name| name.to_string_lossy().starts_with(&prefix))
            .count();
        (left == 0).then_some(())
    };
    wait::until(SOON, owner_dirs).expect("its directories are swept");
}

#[test]
fn a_child_that_ends_early_is_reported_with_its_last_words() {
    let scratch = Scratch::new("guard").unwrap();
    let launch = Launch::new("talker", "sh", scratch.path().join("log"))
        .args(["-c", "echo first; echo no such tenant >&2; exit 3"]);
    let process = Proc::spawn(launch).unwrap();
    let never = Ready::Tcp(([127, 0, 0, 1], 1).into());
    match process.wait_ready(&never, SOON) {
        Err(error @ Error::Exited { .. }) => {
            let text = error.to_string();
            assert!(
                text.contains("exit status: 3") && text.contains("no such tenant"),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_program_is_named() {
    let scratch = Scratch::new("guard").unwrap();
    let launch = Launch::new("ghost", "no-such-program", scratch.path().join("log"));
    let error = Proc::spawn(launch).unwrap_err().to_string();
    assert!(
        error.contains("no-such-program is not installed"),
        "{error}"
    );
}

#[test]
fn one_that_ignores_the_request_is_killed_after_its_grace() {
    let scratch = Scratch::new("guard").unwrap();
    let log = scratch.path().join("log");
    let stubborn = "trap '' TERM; echo ready; while :; do sleep 1; done";
    let process = Proc::spawn(Launch::new("stubborn", "sh", &log).args(["-c", stubborn])).unwrap();
    let deaf = || {
        std::fs::read_to_string(&log)
            .ok()
            .filter(|text| text.contains("ready"))
    };
    wait::until(SOON, deaf).unwrap();
    let status = process.stop(Duration::from_millis(100));
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9)
    );
}
