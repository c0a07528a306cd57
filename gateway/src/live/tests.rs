use std::net::IpAddr;

use super::*;

const FILE: &str = "
listen: { http: 127.0.0.1:8080, admin: 127.0.0.1:9080 }
upstreams: { shop: { servers: [127.0.0.1:8100] }, api: { servers: [127.0.0.1:8200] } }
tenants:
  acme:
    hosts: [a.test]
    limits:
      - { name: each, key: client.address, quota: 1/h, burst: 1 }
      - { name: all, key: tenant, quota: 1/h, burst: 2 }
    routes: [{ match: { path: /api/** }, to: api }, { match: { path: /** }, to: shop }]
";

fn build(text: &str, previous: Option<&Live>) -> Live {
    let config = Config::read(text).expect("valid");
    let metrics = Metrics::new().expect("names differ");
    Live::build(&config, previous, &metrics)
}

fn charge(live: &Live, limiter: usize) -> bool {
    let client: IpAddr = "192.0.2.1".parse().expect("address");
    let tenant = live.tenant_at("a.test").expect("known");
    tenant.limiters[limiter].charge(client).is_ok()
}

#[test]
fn the_first_route_that_fits_is_taken() {
    let live = build(FILE, None);
    let tenant = live.tenant_at("a.test").expect("known");
    let upstream = |path| {
        let pool = tenant
            .route(&Normal::of(path).expect("plain"))
            .expect("a route");
        pool.name().to_string()
    };
    assert_eq!(upstream("/api/v1"), "api");
    assert_eq!(upstream("/"), "shop");
}

#[test]
fn a_reload_refills_only_the_buckets_whose_limit_changed() {
    let before = build(FILE, None);
    assert!(charge(&before, 0) && !charge(&before, 0));
    let after = build(
        &FILE.replace("quota: 1/h, burst: 2", "quota: 1/h, burst: 3"),
        Some(&before),
    );
    assert_eq!(after.version, 2);
    assert!(!charge(&after, 0), "the same limit keeps its buckets");
    assert!(charge(&after, 1), "a changed limit begins anew");
}

#[test]
fn a_reload_keeps_what_is_known_of_servers() {
    let before = build(FILE, None);
    let pool = |live: &Live| Arc::clone(live.pools.get("shop").expect("known"));
    for _ in 0..3 {
        pool(&before).servers()[0].failed(0);
    }
    let after = build(&FILE.replace("a.test", "b.test"), Some(&before));
    assert!(pool(&after).servers()[0].is_out(1));
}
