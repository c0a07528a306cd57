use super::*;
use crate::config::Config;

fn admin(token: Option<&str>, local: bool) -> Admin {
    let directory =
        std::env::temp_dir().join(format!("fluxgate-admin-{}-{local}", std::process::id()));
    let secret = token.map(|token| {
        std::fs::write(&directory, token).expect("writable");
        format!("admin: {{ token: {{ file: {} }} }}\n", directory.display())
    });
    let text = format!("{}{}", crate::config::EXAMPLE, secret.unwrap_or_default());
    let config = Config::read(&text).expect("valid");
    let metrics = Arc::new(Metrics::new().expect("names differ"));
    Admin {
        live: Arc::new(ArcSwap::from_pointee(Live::build(&config, None, &metrics))),
        metrics,
        drain: Arc::default(),
        token: config.admin_token,
        local,
        visitors: SocketAddr::from(([127, 0, 0, 1], 0)),
        listening: AtomicBool::new(true),
        readiness: Readiness::new(),
    }
}

fn ask(admin: &Admin, path: &str, token: Option<&str>) -> u16 {
    let mut request = http::Request::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let head = request.body(()).expect("valid").into_parts().0;
    admin.answer(&head).status().as_u16()
}

#[test]
fn without_a_token_only_harmless_pages_answer() {
    let local = admin(None, true);
    assert_eq!(ask(&local, "/healthz", None), 200);
    assert_eq!(ask(&local, "/metrics", None), 200);
    assert_eq!(ask(&local, "/admin/config", None), 401);
    let public = admin(None, false);
    assert_eq!(ask(&public, "/readyz", None), 200);
    assert_eq!(ask(&public, "/metrics", None), 401);
    assert_eq!(ask(&public, "/metrics", Some("")), 401);
}

#[test]
fn the_token_opens_the_rest() {
    let public = admin(Some("s3cret"), false);
    assert_eq!(ask(&public, "/metrics", Some("s3cret")), 200);
    assert_eq!(ask(&public, "/metrics", Some("s3creT")), 401);
    assert_eq!(ask(&public, "/nothing", Some("s3cret")), 404);
}

#[test]
fn a_draining_gateway_is_not_ready() {
    let local = admin(None, true);
    local.drain.begin();
    assert_eq!(ask(&local, "/readyz", None), 503);
    assert_eq!(ask(&local, "/healthz", None), 503);
}

#[test]
fn a_gateway_that_does_not_listen_yet_is_not_ready() {
    let local = admin(None, true);
    local.listening.store(false, Relaxed);
    assert_eq!(ask(&local, "/readyz", None), 503);
    assert_eq!(ask(&local, "/metrics", None), 200);
}
