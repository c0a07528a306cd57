//! Tenants: their hosts, limits, waiting rooms and routes.

use std::path::PathBuf;

use policies::admission::adaptive::{AdaptiveSpec, Ratio};
use policies::admission::{Admission, Late, OnStoreLoss, Renewal, Spec};
use policies::diagnostic::{Complaint, Diagnostics, Place};
use policies::document::{Entries, Said};
use policies::limit::{self, Limit, LimitDocument};
use policies::matcher::{HostPattern, HostTable, PathPattern};
use policies::name::Name;
use policies::schedule::{EventSpec, Method, Schedule};
use policies::unit::Period;
use serde::Deserialize;

use crate::page::Pages;

use super::instant::{Instant, Text};
use super::secret::{KEY_BYTES_MIN, Secret, SecretDocument};

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

/// A waiting room in front of part of a tenant's site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomRules {
    pub(crate) name: Name,
    pub(crate) path: PathPattern,
    pub(crate) admission: Admission,
    pub(crate) schedule: Schedule,
    /// Only counts whom it would have held.
    pub(crate) shadow: bool,
    /// A queue page of the tenant's own; it has been tried.
    pub(crate) page: Option<String>,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomDocument {
    r#match: MatchDocument,
    capacity: CapacityDocument,
    #[serde(default)]
    session: SessionDocument,
    call_grace: Option<Said<Period>>,
    absent_after: Option<Said<Period>>,
    on_store_loss: Option<Said<OnStoreLoss>>,
    late: Option<Said<Late>>,
    method: Option<Said<Method>>,
    #[serde(default)]
    events: Vec<EventDocument>,
    adaptive: Option<AdaptiveDocument>,
    shadow: Option<Said<bool>>,
    /// A template file for the queue page.
    page: Option<Said<PathBuf>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdaptiveDocument {
    target_p95: Said<Period>,
    max_error_rate: Option<Said<Ratio>>,
    floor: Option<Said<u32>>,
    ceiling: Option<Said<u32>>,
}

/// A scheduled event of a room. Times are RFC 3339 with their offset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventDocument {
    prequeue_at: Option<Said<Instant>>,
    opens_at: Said<Instant>,
    closes_at: Option<Said<Instant>>,
    method: Option<Said<Method>>,
    #[serde(default)]
    capacity: CapacityDocument,
    #[serde(default)]
    session: EventSessionDocument,
    beacon: Option<Said<Text>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapacityDocument {
    active: Option<Said<u32>>,
    per_minute: Option<Said<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionDocument {
    ttl: Option<Said<Period>>,
    renew: Option<Said<bool>>,
    hold: Option<Said<Period>>,
}

/// What an event changes of a session.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventSessionDocument {
    ttl: Option<Said<Period>>,
}

pub(super) fn compile(
    said: Entries<Name, TenantDocument>,
    upstreams: &[Name],
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
        let rooms = compile_rooms(document.rooms, told);
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

fn compile_rooms(said: Entries<Name, RoomDocument>, told: &mut Diagnostics) -> Vec<RoomRules> {
    let mut rooms = Vec::with_capacity(said.0.len());
    for (name, document) in said.0 {
        let place = name.place();
        let name = name.take(told);
        let path = document.r#match.path.take(told);
        let mut number = |said: Option<Said<u32>>| said.and_then(|said| said.take(told));
        let active = number(document.capacity.active);
        let per_minute = number(document.capacity.per_minute);
        let mut spec = Spec {
            active,
            per_minute,
            ..Spec::default()
        };
        let mut period = |said: Option<Said<Period>>, meant: &mut std::time::Duration| {
            if let Some(read) = said.and_then(|said| said.take(told)) {
                *meant = read.get();
            }
        };
        period(document.session.ttl, &mut spec.ttl);
        period(document.call_grace, &mut spec.call_grace);
        period(document.absent_after, &mut spec.absent_after);
        let on_store_loss = document.on_store_loss.and_then(|said| said.take(told));
        spec.on_store_loss = on_store_loss.unwrap_or_default();
        spec.late = document
            .late
            .and_then(|said| said.take(told))
            .unwrap_or_default();
        spec.adaptive = document
            .adaptive
            .and_then(|said| compile_adaptive(said, told));
        let hold = document.session.hold.and_then(|said| said.take(told));
        spec.hold = hold.map(|period| period.get());
        if let Some(renew) = document.session.renew.and_then(|said| said.take(told)) {
            spec.renewal = match renew {
                true => Renewal::OnActivity,
                false => Renewal::Never,
            };
        }
        let shadow = document.shadow.and_then(|said| said.take(told));
        let page = document.page.and_then(|said| compile_page(said, told));
        let method = document.method.and_then(|said| said.take(told));
        let schedule = compile_schedule(method.unwrap_or_default(), document.events, place, told);
        match (Admission::new(spec), name, path) {
            (Ok(admission), Some(name), Some(path)) => rooms.push(RoomRules {
                name,
                path,
                admission,
                schedule,
                shadow: shadow.unwrap_or(false),
                page,
            }),
            (Err(reasons), ..) => {
                for reason in reasons {
                    told.push(Complaint::new(reason.to_string()).at(place));
                }
            }
            // The complaint is told already.
            (Ok(_), ..) => {}
        }
    }
    rooms
}

/// Reads and tries a page, so that a running gateway never meets one that does not work.
fn compile_page(said: Said<PathBuf>, told: &mut Diagnostics) -> Option<String> {
    let place = said.place();
    let file = said.take(told)?;
    let wrong = |text: String| {
        Complaint::new(text)
            .hint("fluxgate page preview --template FILE")
            .at(place)
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            told.push(wrong(format!("cannot read {}: {error}", file.display())));
            return None;
        }
    };
    if let Err(error) = Pages::compile(Some(&text)) {
        told.push(wrong(format!("{}, {error}", file.display())));
        return None;
    }
    Some(text)
}

fn compile_adaptive(said: AdaptiveDocument, told: &mut Diagnostics) -> Option<AdaptiveSpec> {
    let mut spec = AdaptiveSpec::new(said.target_p95.take(told)?.get());
    if let Some(rate) = said.max_error_rate.and_then(|said| said.take(told)) {
        spec.max_error_rate = rate;
    }
    spec.floor = said.floor.and_then(|said| said.take(told));
    spec.ceiling = said.ceiling.and_then(|said| said.take(told));
    Some(spec)
}

fn compile_schedule(
    method: Method,
    said: Vec<EventDocument>,
    place: Place,
    told: &mut Diagnostics,
) -> Schedule {
    let mut events = Vec::with_capacity(said.len());
    for document in said {
        let mut time = |said: Option<Said<Instant>>| said.and_then(|said| said.take(told));
        let prequeue_at = time(document.prequeue_at).map(|at| at.0);
        let closes_at = time(document.closes_at).map(|at| at.0);
        let opens_at = time(Some(document.opens_at)).map(|at| at.0);
        let mut number = |said: Option<Said<u32>>| said.and_then(|said| said.take(told));
        let active = number(document.capacity.active);
        let per_minute = number(document.capacity.per_minute);
        let ttl = document.session.ttl.and_then(|said| said.take(told));
        let method = document.method.and_then(|said| said.take(told));
        let beacon = document.beacon.and_then(|said| said.take(told));
        if let Some(opens_at) = opens_at {
            events.push(EventSpec {
                prequeue_at,
                opens_at,
                closes_at,
                method: method.unwrap_or_default(),
                active,
                per_minute,
                ttl: ttl.map(|period| period.get()),
                beacon: beacon.map(|text| text.0),
            });
        }
    }
    match Schedule::new(method, events) {
        Ok(schedule) => schedule,
        Err(reasons) => {
            for reason in reasons {
                told.push(Complaint::new(reason.to_string()).at(place));
            }
            Schedule::default()
        }
    }
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
