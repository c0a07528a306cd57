//! The field: origin and contenders, started in a directory of their own and gone when dropped.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use http::Method;
use tokio::process::{Child, Command};

use super::contender::{Contender, Task};
use super::table::YARDSTICK;
use super::wrk::{LOAD_CORE, SERVER_CORE, pinned};
use super::{GatewayBench, NoFigures};
use crate::wire::{Ask, Browser, Dialer, DialerOptions, Place, Site, loopback_address};

/// Everything that runs during the bench.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) contenders: Vec<Contender>,
    _children: Vec<Child>,
    _directory: Directory,
}

/// Tickets that wrk polls with; far more than its connections, so that no visitor polls twice at once.
const TICKETS: u32 = 512;
/// A server that is not ready by then will not be.
const READY_WITHIN: Duration = Duration::from_secs(20);

struct Ports {
    origin: u16,
    nginx: u16,
    pingora: u16,
    fluxgate: u16,
    admin: u16,
}

impl Field {
    pub(super) async fn start(bench: &GatewayBench) -> Result<Self, NoFigures> {
        let directory = Directory::new()?;
        let [origin, nginx, pingora, fluxgate, admin] = free_ports()?;
        let ports = Ports {
            origin,
            nginx,
            pingora,
            fluxgate,
            admin,
        };
        write_files(&directory.0, &ports)?;
        let at = |name: &str| directory.0.join(name);
        let mut origin = pinned(LOAD_CORE, &bench.nginx);
        origin.arg("-c").arg(at("origin.conf"));
        let mut nginx = pinned(SERVER_CORE, &bench.nginx);
        nginx.arg("-c").arg(at("nginx.conf"));
        let mut pingora = pinned(SERVER_CORE, &bench.binaries.join("bare-pingora"));
        pingora.args([local(ports.pingora), local(ports.origin)]);
        let mut fluxgate = pinned(SERVER_CORE, &bench.binaries.join("fluxgate"));
        fluxgate.args(["run", "--config"]).arg(at("fluxgate.yaml"));
        let mut children = Vec::new();
        let started = [
            (origin, ports.origin, "the origin"),
            (nginx, ports.nginx, YARDSTICK),
            (pingora, ports.pingora, "bare-pingora"),
            (fluxgate, ports.fluxgate, "fluxgate"),
        ];
        for (command, port, name) in started {
            children.push(start(command, port, name, &directory.0).await?);
        }
        // taskset execs, so the child is the server itself.
        let pid = |index: usize| children[index].id().unwrap_or_default();
        let tickets = tickets(ports.fluxgate).await?;
        let contenders = contenders(&ports, [pid(1), pid(2), pid(3)], tickets);
        Ok(Self {
            contenders,
            _children: children,
            _directory: directory,
        })
    }
}

/// The same three tasks for each server; `pids` in the order nginx, bare Pingora, fluxgate.
fn contenders(ports: &Ports, pids: [u32; 3], tickets: Vec<String>) -> Vec<Contender> {
    let [nginx, pingora, fluxgate] = pids;
    let proxied = |name, pid, port: u16| Contender {
        name,
        task: Task::Proxied,
        pid,
        url: format!("http://{}/hello", local(port)),
        cookies: Vec::new(),
    };
    let direct = |name, pid, port: u16, path: &str| Contender {
        task: Task::Direct,
        url: format!("http://{}{path}", local(port)),
        ..proxied(name, pid, port)
    };
    let poll = "/.fluxgate/sale/status";
    let door = |name, pid, port: u16, path: &str| Contender {
        task: Task::Door,
        ..direct(name, pid, port, path)
    };
    vec![
        proxied(YARDSTICK, nginx, ports.nginx),
        proxied("bare pingora", pingora, ports.pingora),
        proxied("fluxgate, all steps on", fluxgate, ports.fluxgate),
        direct(YARDSTICK, nginx, ports.nginx, "/poll"),
        direct("bare pingora", pingora, ports.pingora, "/poll"),
        Contender {
            cookies: tickets,
            ..direct("fluxgate, queue poll", fluxgate, ports.fluxgate, poll)
        },
        door(YARDSTICK, nginx, ports.nginx, "/poll"),
        door("bare pingora", pingora, ports.pingora, "/poll"),
        door(
            "fluxgate, joining",
            fluxgate,
            ports.fluxgate,
            "/.fluxgate/door/status",
        ),
    ]
}

fn write_files(directory: &Path, ports: &Ports) -> Result<(), NoFigures> {
    let (origin, own) = (local(ports.origin), local(ports.nginx));
    let plain = nginx_conf(
        &origin,
        "location / { return 200 \"hello from the origin, some sixty-four bytes of a body, no more\\n\"; }",
    );
    let proxy = format!("upstream origin {{ server {origin}; keepalive 128; }}\n",);
    let server = format!(
        "location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header Host $host; }}\n\
         location = /poll {{ default_type application/json; add_header Cache-Control no-store; return 200 '{POLL}'; }}"
    );
    let nginx = nginx_conf(&own, &server).replace("http {", &format!("http {{\n{proxy}"));
    let fluxgate = FLUXGATE
        .replace("HTTP", &local(ports.fluxgate))
        .replace("ADMIN", &local(ports.admin))
        .replace("ORIGIN", &origin)
        .replace("DIRECTORY", &directory.display().to_string());
    let files = [
        ("origin.conf", plain),
        ("nginx.conf", nginx),
        ("fluxgate.yaml", fluxgate),
        ("token", "token-key-for-a-bench-only-0123456789".into()),
        (
            "origin-secret",
            "origin-key-for-a-bench-only-0123456789".into(),
        ),
    ];
    for (name, text) in files {
        std::fs::write(directory.join(name), text)
            .map_err(NoFigures::machine(format!("writing {name}")))?;
    }
    Ok(())
}

/// One process, one worker, no logs: what nginx is at its cheapest.
fn nginx_conf(listen: &str, server: &str) -> String {
    format!(
        "daemon off; master_process off; pid nginx-{port}.pid; error_log /dev/null crit;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;\n\
         client_body_temp_path b{port}; proxy_temp_path p{port}; fastcgi_temp_path f{port}; uwsgi_temp_path u{port}; scgi_temp_path s{port};\n\
         server {{ listen {listen} backlog=4096;\n{server}\n}}\n}}\n",
        port = listen.rsplit(':').next().unwrap_or_default(),
    )
}

/// A queue poll's answer.
const POLL: &str = r#"{"room":"sale","state":"waiting","reason":null,"position":40,"ahead":39,"behind":472,"eta_seconds":null,"poll_after_ms":2979,"ticket":"A59BA5","claim_deadline":null,"opens_at":null,"updated_at":"2026-11-27T11:12:13.083Z","chance":null,"past_error_s":null,"work":null,"called_at":null,"method":"fifo","commitment":null,"draw_list":null,"message":null,"log_head":"4127:f2a5e17fb9ce959fc05c20c41d6fdfed3eed8a3ab16b1e1ce7dfd27066e08a64","handoff_url":"/.fluxgate/sale/handoff"}"#;

/// All steps on: both limits counted (and never reached), a room, the access log, metrics. The room admits
/// nobody more than one, so that every poller waits.
const FLUXGATE: &str = "\
listen: { http: HTTP, admin: ADMIN }
threads: 1
access_log: /dev/null
keys: [{ id: 1, secret: { file: \"DIRECTORY/token\" } }]
store: { kind: memory }
http: { keepalive: 600s }
upstreams:
  origin: { servers: [ORIGIN] }
tenants:
  bench:
    hosts: [127.0.0.1]
    origin_secret: { file: \"DIRECTORY/origin-secret\" }
    limits:
      - { name: per-visitor, key: client.address, quota: 1000000/s, burst: 1000000 }
      - { name: whole-tenant, key: tenant, quota: 1000000/s, burst: 1000000 }
    rooms:
      sale:
        match: { path: /sale/** }
        capacity: { active: 1, per_minute: 1 }
        session: { ttl: 1h, renew: true }
        call_grace: 30m
        absent_after: 10m
      door:
        match: { path: /door/** }
        capacity: { active: 1, per_minute: 1 }
    routes:
      - { match: { path: /** }, to: origin }
";

/// Tickets of visitors who wait; each is polled again only when it said so, as a browser would.
async fn tickets(port: u16) -> Result<Vec<String>, NoFigures> {
    let site = Site::parse(&format!("http://{}", local(port))).map_err(NoFigures::Unexpected)?;
    let dialer = Dialer::new(DialerOptions::default());
    let mut tickets = Vec::new();
    let mut longest = 0;
    for number in 0..=TICKETS {
        let gateways = [site.clone()].into();
        let mut browser = Browser::new(
            dialer.clone(),
            gateways,
            site.clone(),
            loopback_address(number),
        );
        let state = ticket(&mut browser).await?;
        if state["state"] == "waiting" {
            longest = longest.max(state["poll_after_ms"].as_u64().unwrap_or_default());
            tickets.extend(browser.jar(Place::Gateway).header());
        }
    }
    if tickets.len() < TICKETS as usize / 2 {
        return Err(NoFigures::Unexpected(format!(
            "only {} of {TICKETS} visitors wait in fluxgate's line",
            tickets.len()
        )));
    }
    // An early poll is answered more cheaply; the bench wants the whole price.
    tokio::time::sleep(Duration::from_millis(longest)).await;
    Ok(tickets)
}

/// Takes a ticket: the status that came with it.
async fn ticket(browser: &mut Browser) -> Result<serde_json::Value, NoFigures> {
    let mut ask = Ask::page(Place::Gateway, "/sale/");
    let deadline = tokio::time::Instant::now() + READY_WITHIN;
    while tokio::time::Instant::now() < deadline {
        let answer = browser
            .send(&ask)
            .await
            .map_err(|fault| NoFigures::Unexpected(format!("fluxgate: {fault}")))?;
        let state: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        // Before the room's first tick nobody gets a number.
        if state["ticket"].is_string() {
            return Ok(state);
        }
        if ask.path.ends_with("status") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        ask = Ask::script(Method::GET, "/.fluxgate/sale/status");
    }
    Err(NoFigures::Unexpected(
        "fluxgate's line gives no number".to_owned(),
    ))
}

async fn start(
    mut command: Command,
    port: u16,
    name: &str,
    directory: &Path,
) -> Result<Child, NoFigures> {
    let log = std::fs::File::create(directory.join(format!("{port}.log")))
        .map_err(NoFigures::machine("a log file"))?;
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let mut child = command
        .spawn()
        .map_err(NoFigures::machine(format!("starting {name}")))?;
    let deadline = tokio::time::Instant::now() + READY_WITHIN;
    while tokio::net::TcpStream::connect(local(port)).await.is_err() {
        let ended = child
            .try_wait()
            .map_err(NoFigures::machine(name))?
            .is_some();
        if ended || tokio::time::Instant::now() > deadline {
            let log =
                std::fs::read_to_string(directory.join(format!("{port}.log"))).unwrap_or_default();
            return Err(NoFigures::Unexpected(format!(
                "{name} did not start: {log}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(child)
}

fn local(port: u16) -> String {
    format!("{}:{port}", Ipv4Addr::LOCALHOST)
}

/// Ports that were free together a moment ago.
fn free_ports() -> Result<[u16; 5], NoFigures> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = [bind(), bind(), bind(), bind(), bind()];
    let mut ports = [0; 5];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        let listener = listener
            .as_ref()
            .map_err(|error| NoFigures::Unexpected(format!("no free port: {error}")))?;
        *port = listener
            .local_addr()
            .map_err(NoFigures::machine("a free port"))?
            .port();
    }
    Ok(ports)
}

/// A directory that goes with its owner.
#[derive(Debug)]
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self, NoFigures> {
        let path = std::env::temp_dir().join(format!("drill-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(NoFigures::machine("a temporary directory"))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A left-over in the temporary directory harms nobody.
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}
