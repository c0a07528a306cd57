//! The files an operator would write, for this demo's addresses. Paths and addresses of ours hold
//! nothing that YAML would read otherwise; paths are quoted all the same.

use super::{Databases, Plan, StackOptions, Store};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

/// The secret key `acme` has at the sandbox PSP, and the public one its window knows.
pub(super) const PSP_SECRET: &str = "test_sk_acme";
const PSP_CLIENT: &str = "test_ck_acme";
/// What the demo sells a piece for, in won.
const PRICE: u32 = 189_000;

/// The files with secrets a gateway reads.
pub(super) struct GatewaySecrets<'a> {
    /// Signs tickets and passes.
    pub(super) token: &'a Path,
    /// Signs what origins see.
    pub(super) origin: &'a Path,
    /// Opens the admin pages.
    pub(super) admin: &'a Path,
}

/// The file of gateway `index`.
pub(super) fn gateway(
    options: &StackOptions,
    plan: &Plan,
    index: usize,
    secrets: &GatewaySecrets<'_>,
) -> String {
    let store = match options.store {
        Store::Memory => "{ kind: memory }".to_owned(),
        Store::Redis => format!("{{ kind: redis, url: \"redis://{}\" }}", plan.redis),
    };
    format!(
        "listen: {{ http: {http}, admin: {admin} }}\n\
         trusted_proxies: [127.0.0.1/32]\n\
         keys: [{{ id: 1, secret: {{ file: {token:?} }} }}]\n\
         store: {store}\n\
         admin: {{ token: {{ file: {admin_token:?} }} }}\n\
         line_logs: {lines:?}\n\
         upstreams:\n\
         \x20 core: {{ servers: [{core}], timeout: 10s }}\n\
         \x20 shop: {{ servers: [{shops}], timeout: 10s }}\n\
         tenants:\n\
         \x20 acme:\n\
         \x20   hosts: [localhost, 127.0.0.1, shop.acme.test]\n\
         \x20   origin_secret: {{ file: {origin:?} }}\n\
         \x20   limits:\n\
         \x20     - {{ name: per-visitor, key: client.address, quota: 50/s, burst: 100 }}\n\
         \x20     - {{ name: whole-tenant, key: tenant, quota: {quota}/s, burst: {burst} }}\n\
         \x20   rooms:\n\
         \x20     flash-sale:\n\
         {rules}\
         \x20   routes:\n\
         \x20     - {{ match: {{ path: /api/v1/** }}, to: core }}\n\
         \x20     - {{ match: {{ path: /** }}, to: shop }}\n",
        http = plan.gateways[index],
        admin = plan.gateway_admins[index],
        token = secrets.token,
        admin_token = secrets.admin,
        lines = options.home.lines(index),
        origin = secrets.origin,
        core = plan.core,
        shops = joined(&plan.shops),
        quota = options.tenant_quota,
        burst = options.tenant_quota.saturating_mul(2),
        rules = options.room.lines(),
    )
}

/// The payment core's file.
pub(super) fn core(plan: &Plan, databases: &Databases, master_key: &Path) -> String {
    let Databases { core, .. } = databases;
    format!(
        "listen: {{ http: {http}, admin: {admin} }}\n\
         database:\n\
         \x20 url: {{ value: {app:?} }}\n\
         \x20 migrate_url: {{ value: {owner:?} }}\n\
         master_key: {{ file: {master_key:?} }}\n",
        http = plan.core,
        admin = plan.core_admin,
        app = core.app_url,
        owner = core.owner_url,
    )
}

/// A tenant's file for the core: `acme` pays through TossPayments' protocol, `service-a` (the
/// product brief's example) through the sandbox, which approves at once.
pub(super) fn tenant(id: &str, kind: &str, plan: &Plan, secret_key: &Path) -> String {
    format!(
        "id: {id}\n\
         name: {id} (demo)\n\
         psp: {{ kind: {kind}, base_url: \"http://{psp}\", secret_key: {{ value: test_sk_{id} }} }}\n\
         keys: [{{ kind: secret, scope: app, file: {secret_key:?} }}]\n",
        psp = plan.psp,
    )
}

/// The file of shop `index`.
pub(super) fn shop(
    options: &StackOptions,
    plan: &Plan,
    index: usize,
    databases: &Databases,
    keys: (&Path, &Path),
) -> String {
    let (origin, api) = keys;
    format!(
        "listen: {listen}\n\
         database_url: {{ value: {database:?} }}\n\
         gateway: {{ tenant: acme, room: flash-sale, origin_secret: {{ file: {origin:?} }} }}\n\
         core: {{ url: \"http://{gateway}/api/v1\", secret_key: {{ file: {api:?} }} }}\n\
         psp: {{ window_url: \"http://localhost:{psp}/window\", client_key: {PSP_CLIENT} }}\n\
         product: {{ stock: {stock}, price: {PRICE} }}\n",
        listen = plan.shops[index],
        database = databases.shop.owner_url,
        gateway = plan.gateways[0],
        psp = plan.psp.port(),
        stock = options.stock,
    )
}

fn joined(addresses: &[SocketAddr]) -> String {
    addresses.iter().fold(String::new(), |mut text, address| {
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}{address}").expect("writing to a String cannot fail");
        text
    })
}
