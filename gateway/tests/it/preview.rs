//! `fluxgate page preview`: served, written, and what it says of a template that does not work.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use devkit::{Launch, Proc, Scratch, wait};

use crate::gateway::BINARY;
use crate::http::{Client, PATIENCE};

/// The preview, served on a free port.
pub(crate) struct Preview {
    pub(crate) address: SocketAddr,
    _process: Proc,
    _scratch: Scratch,
}

impl Preview {
    pub(crate) fn serve() -> Self {
        let scratch = Scratch::new("preview").expect("a directory");
        let launch = Launch::new("preview", BINARY, scratch.path().join("log"));
        let process =
            Proc::spawn(launch.args(["page", "preview", "--port", "0"])).expect("it starts");
        let address = wait::until(PATIENCE, || {
            let said = std::fs::read_to_string(process.log()).ok()?;
            said.split_once("http://")?
                .1
                .split_once('/')?
                .0
                .parse()
                .ok()
        });
        Self {
            address: address.unwrap_or_else(|| panic!("it never serves: {}", process.log_tail())),
            _process: process,
            _scratch: scratch,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn preview(arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(["page", "preview"]).args(arguments);
    command.output().expect("it runs")
}

/// The built-in pages of every state, written once for all tests.
pub(crate) fn written() -> &'static Path {
    static WRITTEN: OnceLock<(Scratch, PathBuf)> = OnceLock::new();
    let (_, directory) = WRITTEN.get_or_init(|| {
        let scratch = Scratch::new("pages").expect("a directory");
        let directory = scratch.path().join("out");
        let output = preview(&["--out", &directory.display().to_string()]);
        assert!(output.status.success(), "{output:?}");
        (scratch, directory)
    });
    directory
}

#[test]
fn every_state_is_written_in_both_languages() {
    let names: Vec<String> = std::fs::read_dir(written())
        .expect("readable")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    for state in [
        "not_open",
        "not_open_lottery",
        "joining",
        "work",
        "drawing",
        "waiting",
        "paused",
        "called",
        "admitted",
        "sold_out",
        "closed",
        "left",
        "moved",
        "store_lost",
    ] {
        for language in ["ko", "en"] {
            assert!(
                names.contains(&format!("{language}-{state}.html")),
                "{language} {state} in {names:?}"
            );
        }
    }
    let gallery = std::fs::read_to_string(written().join("index.html")).expect("a gallery");
    assert_eq!(gallery.matches("<iframe").count() + 1, names.len());
}

#[test]
fn one_state_in_one_language_of_ones_own_template() {
    let scratch = Scratch::new("preview").expect("a directory");
    let template = scratch.path().join("page.html");
    let least = "<!doctype html><html lang={{ lang }}>{{ refresh }}<h1 id=head>{{ head }}</h1>\
        <a id=enter href='{{ original }}'>{{ go }}</a><p id=say aria-live=polite></p>{{ without_script }}{{ script }}";
    std::fs::write(&template, least).expect("writable");
    let (file, out) = (template.display().to_string(), scratch.path().join("out"));
    let arguments = [
        "--template",
        &file,
        "--lang",
        "ko",
        "--state",
        "sold_out",
        "--out",
        &out.display().to_string(),
    ];
    let output = preview(&arguments);
    assert!(output.status.success(), "{output:?}");
    let page = std::fs::read_to_string(out.join("ko-sold_out.html")).expect("written");
    assert!(page.contains("<h1 id=head>매진되었습니다</h1>"), "{page}");
    assert_eq!(
        std::fs::read_dir(&out).expect("readable").count(),
        2,
        "with the gallery"
    );

    std::fs::write(
        &template,
        format!("{least}\n  <img src=https://cdn.test/logo.png>"),
    )
    .expect("writable");
    let output = preview(&arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said,
        format!("{file}: line 2, column 8: `src` would load something: carry it along as data:\n")
    );
}

#[test]
fn a_word_that_is_not_known_is_told_with_those_that_are() {
    for (arguments, told) in [
        (
            ["--state", "asleep"],
            "there is no state `asleep`; there are not_open, ",
        ),
        (["--lang", "fr"], "the page speaks ko and en, not `fr`"),
        (
            ["--template", "/nowhere/page.html"],
            "/nowhere/page.html: No such file",
        ),
    ] {
        let output = preview(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(told), "{said}");
    }
}

#[test]
fn served_pages_move_as_before_a_visitors_eyes() {
    let preview = Preview::serve();
    let ask = |line: &str, headers: &str| {
        let head = format!("{line} HTTP/1.1\r\nHost: preview\r\n{headers}\r\n");
        Client::connect(preview.address).send(&head).read()
    };
    assert!(ask("GET /", "").body.contains("/ko/waiting?still"));
    assert_eq!(ask("GET /ko/nothing", "").status, 404);
    let opened = ask("GET /ko/waiting", "");
    assert_eq!(opened.status, 303);
    let page = ask(
        &format!("GET {}", opened.header("location").expect("a time")),
        "",
    );
    assert_eq!(page.header("content-language"), Some("ko"));
    assert!(
        page.header("content-security-policy")
            .is_some_and(|policy| policy.starts_with("default-src 'none'"))
    );
    let room = page
        .body
        .split("/.fluxgate/")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .expect("a room");
    let position = || {
        let status = ask(
            &format!("GET /.fluxgate/{room}/status"),
            "Accept: application/json\r\n",
        )
        .json();
        status["position"].as_u64().expect("a position")
    };
    let first = position();
    assert!(
        wait::until(PATIENCE, || (position() < first).then_some(())).is_some(),
        "the line moves"
    );
    let left = ask(
        &format!("POST /.fluxgate/{room}/leave"),
        "Accept: application/json\r\nContent-Length: 0\r\n",
    )
    .json();
    assert_eq!(left["state"], "left");
}
