//! Headless Chromium, driven through chromedriver: one of each a test, gone with it.
//!
//! The protocol is JSON over HTTP, and a test needs a handful of its commands, so there is no client library
//! between; what WebDriver lacks (networks, sleep, colour schemes) goes to Chromium's own protocol through it.

use std::net::SocketAddr;
use std::time::Duration;

use devkit::{DeathSignal, Launch, Proc, Ready, Scratch, find_program, free_port, wait};
use serde_json::{Value, json};

use crate::http::{Answer, Client};

/// How long a page may take to become what is awaited.
const PATIENCE: Duration = Duration::from_secs(30);

/// The key of an element's id, fixed by the WebDriver standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser window, with the tab that is looked at.
///
/// Both processes are ours: a browser that chromedriver starts would outlive a chromedriver that is killed.
pub(crate) struct Window {
    driver: SocketAddr,
    session: String,
    _driver: Proc,
    _browser: Proc,
    _home: Scratch,
}

impl Window {
    /// Opens an empty window of a phone's size.
    pub(crate) fn open() -> Self {
        let home = Scratch::new("chromium").expect("a directory for the browser");
        let (browser, debugged) = start(&home, "chromium", "chromium", browser_arguments);
        let by_port = |_: &Scratch, port| vec![format!("--port={port}")];
        let (process, driver) = start(&home, "chromedriver", "chromium-driver", by_port);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "debuggerAddress": debugged.to_string() },
        } } });
        let made = post(driver, "/session", &wanted);
        let session = made["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("chromium starts: {made}"));
        Self {
            driver,
            session: session.to_owned(),
            _driver: process,
            _browser: browser,
            _home: home,
        }
    }

    /// One command of the WebDriver protocol.
    fn command(&self, path: &str, body: &Value) -> Value {
        post(
            self.driver,
            &format!("/session/{}/{path}", self.session),
            body,
        )
    }

    /// One command of Chromium's own protocol.
    pub(crate) fn chromium(&self, command: &str, parameters: &Value) -> Value {
        self.command(
            "goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    pub(crate) fn go(&self, address: &str) {
        self.command("url", &json!({ "url": address }));
    }

    pub(crate) fn reload(&self) {
        self.command("refresh", &json!({}));
    }

    pub(crate) fn back(&self) {
        self.command("back", &json!({}));
    }

    /// Runs a function's body in the page and gives what it returns.
    pub(crate) fn run(&self, body: &str) -> Value {
        self.command("execute/sync", &json!({ "script": body, "args": [] }))
    }

    /// The same for one that calls back: its last argument.
    pub(crate) fn run_until_called(&self, body: &str) -> Value {
        self.command("execute/async", &json!({ "script": body, "args": [] }))
    }

    /// Runs this at the beginning of every page from now on.
    pub(crate) fn prepare(&self, script: &str) {
        self.chromium(
            "Page.addScriptToEvaluateOnNewDocument",
            &json!({ "source": script }),
        );
    }

    /// Opens another tab and looks at it; the handle of the one before.
    pub(crate) fn another_tab(&self) -> Value {
        let before = get(self.driver, &format!("/session/{}/window", self.session));
        let new = self.command("window/new", &json!({ "type": "tab" }));
        self.look_at(&new["handle"]);
        before
    }

    /// Looks at a tab.
    pub(crate) fn look_at(&self, handle: &Value) {
        self.command("window", &json!({ "handle": handle }));
    }

    /// Presses what `css` selects, once it shows.
    pub(crate) fn press(&self, css: &str) {
        let found = wait::until(PATIENCE, || {
            let found = self.command("element", &json!({ "using": "css selector", "value": css }));
            let id = found[ELEMENT].as_str()?.to_owned();
            let pressed = self.command(&format!("element/{id}/click"), &json!({}));
            pressed.is_null().then_some(())
        });
        assert!(found.is_some(), "{css} cannot be pressed:\n{}", self.text());
    }

    /// Waits until an expression is true in the page.
    pub(crate) fn until(&self, expression: &str) {
        self.until_some(expression, &format!("return ({expression}) || null"));
    }

    fn until_some(&self, what: &str, body: &str) {
        let found = wait::until(PATIENCE, || {
            Some(self.run(body)).filter(|found| *found == Value::Bool(true))
        });
        assert!(found.is_some(), "never {what}:\n{}", self.text());
    }

    /// Waits until the page shows this text.
    pub(crate) fn shows(&self, text: &str) {
        let found = wait::until(PATIENCE, || self.text().contains(text).then_some(()));
        assert!(found.is_some(), "{text:?} never shows:\n{}", self.text());
    }

    /// The words a person reads.
    pub(crate) fn text(&self) -> String {
        let text = self.run("return document.body ? document.body.innerText : ''");
        text.as_str().unwrap_or_default().to_owned()
    }
}

fn browser_arguments(home: &Scratch, port: u16) -> Vec<String> {
    let mut arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-US",
        // The name under which tests know their tenant.
        "--host-resolver-rules=MAP a.test 127.0.0.1",
        "--autoplay-policy=no-user-gesture-required",
        "--window-size=500,900",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--remote-debugging-port={port}"));
    let profile = home.path().join("profile");
    arguments.push(format!("--user-data-dir={}", profile.display()));
    arguments.push("about:blank".to_owned());
    arguments
}

/// Starts a program that serves on a port, and waits until it does. Told to end, it takes its children along.
fn start(
    home: &Scratch,
    program: &str,
    package: &str,
    arguments: impl FnOnce(&Scratch, u16) -> Vec<String>,
) -> (Proc, SocketAddr) {
    let path =
        find_program(program).unwrap_or_else(|| panic!("{program} is missing: install {package}"));
    let port = free_port().expect("a free port");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let log = home.path().join(format!("{program}.log"));
    let launch = Launch::new(program, path, log)
        .args(arguments(home, port))
        .death_signal(DeathSignal::Term);
    let process = Proc::spawn(launch).unwrap_or_else(|error| panic!("{program}: {error}"));
    process
        .wait_ready(&Ready::Tcp(address), PATIENCE)
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    (process, address)
}

/// Sends a command; the value that it gave, an error's included.
fn post(driver: SocketAddr, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = Client::connect_for(driver, PATIENCE)
        .send(&format!("{head}{body}"))
        .try_read();
    value(&answer.unwrap_or_else(|| panic!("no answer to {path} {body:.200}")))
}

fn get(driver: SocketAddr, path: &str) -> Value {
    let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    value(&Client::connect_for(driver, PATIENCE).send(&head).read())
}

fn value(answer: &Answer) -> Value {
    answer.json()["value"].clone()
}
