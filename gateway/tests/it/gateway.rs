//! A running gateway.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use devkit::{Launch, Proc, Ready, Scratch, wait};

use crate::http::{Answer, Client, PATIENCE};
use crate::origin::Origin;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_fluxgate");

/// Killed when dropped.
pub(crate) struct Gateway {
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    process: Proc,
    scratch: Scratch,
}

/// A configuration with what every test needs; the rest is the test's.
pub(crate) fn configuration(http: SocketAddr, admin: SocketAddr, rest: &str) -> String {
    format!(
        "listen: {{ http: {http}, admin: {admin} }}\nthreads: 2\nshutdown: {{ drain: 5s }}\n{rest}"
    )
}

/// One tenant `acme` at `a.test` with everything going to one origin.
pub(crate) fn one_tenant(origin: &Origin) -> String {
    let address = origin.address();
    format!(
        "upstreams: {{ shop: {{ servers: [{address}] }} }}\n\
         tenants: {{ acme: {{ hosts: [a.test], routes: [{{ match: {{ path: /** }}, to: shop }}] }} }}\n"
    )
}

impl Gateway {
    /// Starts one and waits until it serves.
    pub(crate) fn start(rest: &str) -> Self {
        let port = || SocketAddr::from(([127, 0, 0, 1], devkit::free_port().expect("a free port")));
        let (http, admin) = (port(), port());
        let scratch = Scratch::new("gateway-it").expect("a directory");
        let file = scratch.path().join("fluxgate.yaml");
        std::fs::write(&file, configuration(http, admin, rest)).expect("writable");
        let launch = Launch::new("fluxgate", BINARY, scratch.path().join("log"))
            .args(["run", "--config"])
            .arg(&file);
        let process = Proc::spawn(launch).expect("it starts");
        for ready in [Ready::Http(admin, "/healthz".to_owned()), Ready::Tcp(http)] {
            process.wait_ready(&ready, PATIENCE).expect("it gets ready");
        }
        Self {
            http,
            admin,
            process,
            scratch,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.http)
    }

    /// One request on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.client().get("a.test", path)
    }

    /// Replaces what the test configured and asks for a reload.
    pub(crate) fn reload(&self, rest: &str) {
        let text = configuration(self.http, self.admin, rest);
        std::fs::write(self.file(), text).expect("writable");
        self.process.hangup();
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.scratch.path().join("fluxgate.yaml")
    }

    /// The value of the metric whose line begins like that; 0 while there is none.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let page = Client::connect(self.admin).get("admin", "/metrics").body;
        let mut lines = page.lines();
        let line = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// Waits until the metric has the value.
    pub(crate) fn wait_metric(&self, series: &str, value: f64) {
        let reached = wait::until(PATIENCE, || {
            ((self.metric(series) - value).abs() < f64::EPSILON).then_some(())
        });
        assert!(
            reached.is_some(),
            "{series} is {}, not {value}",
            self.metric(series)
        );
    }

    pub(crate) fn terminate(&self) {
        self.process.term();
    }

    /// Whether it ends by itself, well, in time.
    pub(crate) fn ends_well(&self, within: Duration) -> bool {
        self.process
            .wait_exit(within)
            .is_some_and(|status| status.success())
    }

    /// Everything it printed: log and access log.
    pub(crate) fn printed(&self) -> String {
        std::fs::read_to_string(self.process.log()).expect("readable")
    }

    /// Waits for a printed line that holds `text`.
    pub(crate) fn wait_printed(&self, text: &str) -> String {
        let line = || {
            self.printed()
                .lines()
                .find(|line| line.contains(text))
                .map(str::to_owned)
        };
        wait::until(PATIENCE, line).unwrap_or_else(|| panic!("no {text} in {}", self.printed()))
    }
}

/// Runs a command to its end: its code, and what it printed to both streams.
pub(crate) fn fluxgate(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}
