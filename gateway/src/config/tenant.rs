//! Tenants: their hosts, limits, waiting rooms and routes.

mod room;

use policies::diagnostic::{Complaint, Diagnostics, Place};
use policies::document::{Entries, Said};
use policies::limit::{self, Limit, LimitDocument};
use policies::matcher::{HostPattern, HostTable, PathPattern};
use policies::name::Name;
use serde::Deserialize;

use super::secret::{KEY_BYTES_MIN, Secret, SecretDocument};
use super::share::Share;

use room::RoomDocument;
pub(crate) use room::{HeaderIs, RoomRules, Rule};

/// One customer of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub(crate) name: Name,
    pub(crate) hosts: Vec<HostPattern>,
    /// Signs what admitted requests carry to the origin.
    pub(crate) origin_secret: Option<Secret>,
    /// Narrow before wide.
    pub(crate) limits: Vec<Limit>,
    pub(crate) rooms: Vec<RoomRules>,
    /// The first that matches is taken.
    pub(crate) routes: Vec<RouteRule>,
}

/// Which requests go to which upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RouteRule {
    pub(crate) path: PathPattern,
    pub(crate) to: Name,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantDocument {
    hosts: Vec<Said<HostPattern>>,
    origin_secret: Option<SecretDocument>,
    #[serde(default)]
    limits: Vec<LimitDocument>,
    #[serde(default)]
    rooms: Entries<Name, RoomDocument>,
    routes: Vec<RouteDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchDocument {
    path: Said<PathPattern>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteDocument {
    r#match: MatchDocument,
    to: Said<Name>,
}

pub(super) fn compile(
    said: Entries<Name, TenantDocument>,
    (upstreams, shares): (&[Name], &[Share]),
    told: &mut Diagnostics,
) -> Vec<Tenant> {
    let mut owners: HostTable<Name> = HostTable::default();
    let mut tenants = Vec::with_capacity(said.0.len());
    for (name, document) in said.0 {
        let place = name.place();
        let Some(name) = name.take(told) else {
            continue;
        };
        if document.hosts.is_empty() || document.routes.is_empty() {
            let idle = Complaint::new(format!("tenant `{name}` would never be reached"));
            told.push(
                idle.hint("it needs at least one of `hosts` and one of `routes`")
                    .at(place),
            );
        }
        let hosts = compile_hosts(document.hosts, &name, &mut owners, told);
        let origin_secret = compile_origin_secret(document.origin_secret, place, told);
        let limits = limit::compile(document.limits, told);
        let rooms = room::compile(document.rooms, shares, told);
        let routes = compile_routes(document.routes, upstreams, told);
        if !rooms.is_empty() && origin_secret.is_none() && told.is_empty() {
            let missing =
                Complaint::new(format!("tenant `{name}` has rooms but no `origin_secret`"));
            let hint = "admitted requests are signed with it: origin_secret: { file: PATH }";
            told.push(missing.hint(hint).at(place));
        }
        tenants.push(Tenant {
            name,
            hosts,
            origin_secret,
            limits,
            rooms,
            routes,
        });
    }
    tenants
}

fn compile_hosts(
    said: Vec<Said<HostPattern>>,
    tenant: &Name,
    owners: &mut HostTable<Name>,
    told: &mut Diagnostics,
) -> Vec<HostPattern> {
    let mut hosts = Vec::with_capacity(said.len());
    for host in said {
        let place = host.place();
        let Some(host) = host.take(told) else {
            continue;
        };
        if let Some(owner) = owners.insert(host.clone(), tenant.clone()) {
            told.push(
                Complaint::new(format!("this host belongs to tenant `{owner}` already")).at(place),
            );
        }
        hosts.push(host);
    }
    hosts
}

fn compile_origin_secret(
    said: Option<SecretDocument>,
    place: Place,
    told: &mut Diagnostics,
) -> Option<Secret> {
    let secret = said?.compile(told)?;
    if secret.reveal().len() < KEY_BYTES_MIN {
        let short = Complaint::new(format!(
            "`origin_secret` is shorter than {KEY_BYTES_MIN} bytes"
        ));
        told.push(short.hint("make one with: openssl rand -hex 32").at(place));
    }
    Some(secret)
}

fn compile_routes(
    said: Vec<RouteDocument>,
    upstreams: &[Name],
    told: &mut Diagnostics,
) -> Vec<RouteRule> {
    let mut routes: Vec<RouteRule> = Vec::with_capacity(said.len());
    for document in said {
        let (path_place, to_place) = (document.r#match.path.place(), document.to.place());
        let path = document.r#match.path.take(told);
        let to = document.to.take(told);
        if let Some(to) = to.as_ref().filter(|to| !upstreams.contains(to)) {
            let known = upstreams.iter().map(Name::as_str);
            told.push(Complaint::unknown("upstream", to.as_str(), known).at(to_place));
        }
        let (Some(path), Some(to)) = (path, to) else {
            continue;
        };
        if let Some(earlier) = routes.iter().find(|earlier| earlier.path.covers(&path)) {
            let earlier = earlier.path.as_str();
            let hidden = Complaint::new(format!("`{}` is never reached", path.as_str()));
            let hint =
                format!("`{earlier}` above it takes all of its requests: write the narrower first");
            told.push(hidden.hint(hint).at(path_place));
        }
        routes.push(RouteRule { path, to });
    }
    routes
}
