//! Starting, and refusing to.

use std::net::{SocketAddr, TcpListener};

use devkit::Scratch;

use crate::gateway::{Gateway, configuration, fluxgate, one_tenant};
use crate::http::Client;
use crate::origin::Origin;

#[test]
fn the_printed_manual_passes_its_own_check() {
    let scratch = Scratch::new("gateway-check").expect("a directory");
    let file = scratch.path().join("example.yaml");
    let (code, manual, _) = fluxgate(&["example"]);
    assert_eq!(code, Some(0));
    std::fs::write(&file, manual).expect("writable");
    let file = file.to_str().expect("text");
    assert_eq!(
        fluxgate(&["check", file]),
        (Some(0), format!("{file}: ok\n"), String::new())
    );
}

#[test]
fn check_tells_every_mistake_with_its_place() {
    let scratch = Scratch::new("gateway-check").expect("a directory");
    let file = scratch.path().join("bad.yaml");
    let bad = "\
listen: { http: 8080, admin: 127.0.0.1:9080 }
http: { keepalive: 1500ms, max_body_bytes: 1MB }
upstreams:
  shop: { servers: [127.0.0.1:8100], balance: p2 }
  empty: { servers: [] }
tenants:
  Acme: { hosts: [a.test], routes: [{ match: { path: /** }, to: shop }] }
  beta:
    hosts: [b.test, b.test]
    limits: [{ name: each, key: client.adress, quota: 50 }]
    routes: [{ match: { path: '/a*' }, to: shop }, { match: { path: /** }, to: sohp }]
";
    std::fs::write(&file, bad).expect("writable");
    let file = file.to_str().expect("text");
    let (code, said, told) = fluxgate(&["check", file]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    let golden = include_str!("bad.golden").replace("FILE", file);
    assert_eq!(told, golden);
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let http = taken.local_addr().expect("bound");
    let admin = SocketAddr::from(([127, 0, 0, 1], devkit::free_port().expect("a free port")));
    let origin = Origin::named("shop");
    let scratch = Scratch::new("gateway-port").expect("a directory");
    let file = scratch.path().join("fluxgate.yaml");
    std::fs::write(&file, configuration(http, admin, &one_tenant(&origin))).expect("writable");
    let (code, _, told) = fluxgate(&["run", "--config", file.to_str().expect("text")]);
    assert_eq!(code, Some(1));
    let sentence = told.lines().last().expect("something is said");
    assert!(
        sentence.starts_with(&format!(
            "fluxgate: cannot listen on {http} (`listen.http`)"
        )),
        "{told}"
    );
}

/// Both can be had alone, so that only the second one to listen finds out.
#[test]
fn a_port_that_is_lost_later_ends_the_process_too() {
    let port = devkit::free_port().expect("a free port");
    let (all, local) = ([0, 0, 0, 0], [127, 0, 0, 1]);
    let [http, admin] = [all, local].map(|address| SocketAddr::from((address, port)));
    let origin = Origin::named("shop");
    let scratch = Scratch::new("gateway-port").expect("a directory");
    let file = scratch.path().join("fluxgate.yaml");
    std::fs::write(&file, configuration(http, admin, &one_tenant(&origin))).expect("writable");
    let (code, _, told) = fluxgate(&["run", "--config", file.to_str().expect("text")]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("cannot listen"), "{told}");
}

#[test]
fn a_missing_file_and_a_wrong_command_are_told() {
    let (code, _, told) = fluxgate(&["run", "--config", "/nonexistent/f.yaml"]);
    assert_eq!(code, Some(1));
    assert!(
        told.starts_with("cannot read the configuration /nonexistent/f.yaml"),
        "{told}"
    );
    assert_eq!(fluxgate(&["serve"]).0, Some(2));
    assert_eq!(fluxgate(&[]).0, Some(2));
}

#[test]
fn the_admin_listener_serves_health_and_metrics_only() {
    let origin = Origin::named("shop");
    let gateway = Gateway::start(&one_tenant(&origin));
    let mut admin = Client::connect(gateway.admin);
    assert_eq!(admin.get("x", "/healthz").body, "ok\n");
    assert_eq!(admin.get("x", "/readyz").status, 200);
    assert!(
        admin
            .get("x", "/metrics")
            .body
            .contains("fluxgate_config_version 1")
    );
    assert_eq!(admin.get("x", "/admin/config").status, 401);
    assert_eq!(
        gateway.get("/healthz").body,
        "shop",
        "not on the visitors' listener"
    );
}
