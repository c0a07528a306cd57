//! The configuration in force, ready to use: one immutable snapshot that requests take with one atomic
//! operation and keep until they end. A reload builds the next one beside it and swaps.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderValue;
use ipnet::IpNet;
use policies::limit::Limit;
use policies::matcher::{HostTable, Normal, PathPattern};
use policies::name::Name;

use crate::config::http::Http;
use crate::config::secret::Key;
use crate::config::tenant::RoomRules;
use crate::config::{self, Config};
use crate::limit::Limiter;
use crate::metrics::{Meter, Metrics};
use crate::rooms::{self, Made, Rooms, Served};
use crate::upstream::Pool;

/// What requests are served by.
#[derive(Debug)]
pub(crate) struct Live {
    /// Counts up with every configuration applied; the first is 1.
    pub(crate) version: u64,
    pub(crate) http: Http,
    pub(crate) trusted_proxies: Vec<IpNet>,
    hosts: HostTable<Arc<Tenant>>,
    tenants: BTreeMap<Name, Arc<Tenant>>,
    pools: BTreeMap<Name, Arc<Pool>>,
    /// The waiting rooms' common parts, for as long as the process runs.
    pub(crate) rooms: Arc<Rooms>,
}

/// A tenant, ready to use.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) name: Name,
    /// The name as the value of `X-Fluxgate-Tenant`.
    pub(crate) header: HeaderValue,
    /// Narrow before wide.
    pub(crate) limiters: Vec<Arc<Limiter>>,
    /// The first whose path fits is the one.
    pub(crate) rooms: Vec<Arc<Served>>,
    routes: Vec<(PathPattern, Arc<Pool>)>,
    pub(crate) meter: Arc<Meter>,
}

impl Tenant {
    /// The upstream that serves a path: that of the first route that fits.
    pub(crate) fn route(&self, path: &Normal<'_>) -> Option<&Arc<Pool>> {
        let mut routes = self.routes.iter();
        routes
            .find(|(pattern, _)| pattern.matches(path))
            .map(|(_, pool)| pool)
    }
}

impl Live {
    /// Builds the snapshot. What `previous` has and did not change is carried over: rate-limit buckets,
    /// server health, connections, counters.
    pub(crate) fn build(config: &Config, previous: Option<&Self>, metrics: &Metrics) -> Self {
        let pools: BTreeMap<Name, Arc<Pool>> = config
            .upstreams
            .iter()
            .map(|upstream| {
                let before = previous.and_then(|live| live.pools.get(&upstream.name));
                let pool = match before {
                    Some(pool) if pool.definition == *upstream => Arc::clone(pool),
                    before => Arc::new(Pool::build(upstream.clone(), before.map(AsRef::as_ref))),
                };
                (upstream.name.clone(), pool)
            })
            .collect();
        let rooms = match previous {
            Some(live) => Arc::clone(&live.rooms),
            None => Arc::new(Rooms::new(&config.store, config.line_logs.clone())),
        };
        let mut hosts = HostTable::default();
        let mut tenants = BTreeMap::new();
        for rules in &config.tenants {
            let before = previous.and_then(|live| live.tenants.get(&rules.name));
            let served = serve_rooms(rules, &config.keys, before.map(AsRef::as_ref), &rooms);
            let mut tenant = tenant(rules, before.map(AsRef::as_ref), &pools, metrics);
            tenant.rooms = served;
            let tenant = Arc::new(tenant);
            for host in &rules.hosts {
                hosts.insert(host.clone(), Arc::clone(&tenant));
            }
            tenants.insert(rules.name.clone(), tenant);
        }
        if let Some(live) = previous {
            retire_vanished(live, &tenants);
        }
        Self {
            version: previous.map_or(1, |live| live.version + 1),
            http: config.http,
            trusted_proxies: config.trusted_proxies.clone(),
            hosts,
            tenants,
            pools,
            rooms,
        }
    }

    /// Whose host this is; `host` in normal form.
    pub(crate) fn tenant_at(&self, host: &str) -> Option<&Arc<Tenant>> {
        self.hosts.get(host)
    }

    /// All tenants.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.tenants.values()
    }

    /// A room, by its tenant's name and its own.
    pub(crate) fn room(&self, tenant: &str, room: &str) -> Option<&Arc<Served>> {
        let tenant = self.tenants().find(|known| known.name.as_str() == tenant)?;
        let mut rooms = tenant.rooms.iter();
        rooms.find(|served| served.name().as_str() == room)
    }

    /// All upstreams.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.pools.values()
    }
}

/// Long requests may hold a room that is gone from the configuration for hours; it calls nobody meanwhile.
fn retire_vanished(previous: &Live, tenants: &BTreeMap<Name, Arc<Tenant>>) {
    for tenant in previous.tenants() {
        let now = tenants.get(&tenant.name).map(|now| now.rooms.as_slice());
        let stays = |room: &Served| {
            let mut rooms = now.unwrap_or_default().iter();
            rooms.any(|now| now.name() == room.name())
        };
        let vanished = tenant.rooms.iter().filter(|room| !stays(room));
        for served in vanished {
            let (tenant, room) = (served.tenant(), served.name());
            let waiting = served.room.gauges(rooms::now()).waiting;
            tracing::warn!(%tenant, %room, waiting, "a room is gone from the configuration: its path is open to all");
            served.room.retire();
        }
    }
}

fn serve_rooms(
    rules: &config::tenant::Tenant,
    keys: &[Key],
    before: Option<&Tenant>,
    rooms: &Arc<Rooms>,
) -> Vec<Arc<Served>> {
    // A checked tenant with rooms has a secret.
    let Some(origin_secret) = &rules.origin_secret else {
        return Vec::new();
    };
    let running = before
        .map(|tenant| tenant.rooms.as_slice())
        .unwrap_or_default();
    let serve = |room: &RoomRules| {
        let before = running.iter().find(|served| *served.name() == room.name);
        let made = Made {
            tenant: rules.name.clone(),
            rules: room.clone(),
            origin_secret: origin_secret.clone(),
            keys: keys.to_vec(),
        };
        rooms.serve(made, before)
    };
    rules.rooms.iter().map(serve).collect()
}

fn tenant(
    rules: &config::tenant::Tenant,
    before: Option<&Tenant>,
    pools: &BTreeMap<Name, Arc<Pool>>,
    metrics: &Metrics,
) -> Tenant {
    let kept = |limit: &Limit| {
        let limiters = before
            .map(|tenant| tenant.limiters.as_slice())
            .unwrap_or_default();
        limiters
            .iter()
            .find(|limiter| limiter.limit == *limit)
            .cloned()
    };
    let limiters = rules.limits.iter();
    let routes = rules.routes.iter();
    Tenant {
        name: rules.name.clone(),
        header: HeaderValue::from_str(rules.name.as_str())
            .expect("names have only letters that a header may have"),
        limiters: limiters
            .map(|limit| kept(limit).unwrap_or_else(|| Arc::new(Limiter::new(limit.clone()))))
            .collect(),
        rooms: Vec::new(),
        routes: routes
            .map(|route| {
                let pool = pools
                    .get(&route.to)
                    .expect("a checked route names an upstream");
                (route.path.clone(), Arc::clone(pool))
            })
            .collect(),
        meter: before.map_or_else(
            || metrics.meter(&rules.name),
            |tenant| Arc::clone(&tenant.meter),
        ),
    }
}

#[cfg(test)]
mod tests;
