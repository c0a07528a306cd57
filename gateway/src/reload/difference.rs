//! What a reload changed, in one line for the log.

use std::collections::BTreeMap;
use std::fmt;

use policies::name::Name;

use crate::config::Config;

/// Names of tenants and upstreams that came, went or changed, and whether anything else did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference(Vec<String>);

impl Difference {
    pub(super) fn between(old: &Config, new: &Config) -> Self {
        let mut changes = Vec::new();
        let tenants = |config: &Config| -> BTreeMap<Name, _> {
            let tenants = config.tenants.iter();
            tenants
                .map(|tenant| (tenant.name.clone(), tenant.clone()))
                .collect()
        };
        compare("tenant", &tenants(old), &tenants(new), &mut changes);
        let upstreams = |config: &Config| -> BTreeMap<Name, _> {
            let upstreams = config.upstreams.iter();
            upstreams
                .map(|upstream| (upstream.name.clone(), upstream.clone()))
                .collect()
        };
        compare("upstream", &upstreams(old), &upstreams(new), &mut changes);
        let others = [
            ("http", old.http != new.http),
            (
                "trusted_proxies",
                old.trusted_proxies != new.trusted_proxies,
            ),
            ("keys", old.keys != new.keys),
        ];
        for (name, _) in others.into_iter().filter(|(_, changed)| *changed) {
            changes.push(format!("~{name}"));
        }
        Self(changes)
    }
}

fn compare<T: PartialEq>(
    kind: &str,
    old: &BTreeMap<Name, T>,
    new: &BTreeMap<Name, T>,
    changes: &mut Vec<String>,
) {
    for (name, value) in new {
        match old.get(name) {
            None => changes.push(format!("+{kind} {name}")),
            Some(before) if before != value => changes.push(format!("~{kind} {name}")),
            Some(_) => {}
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    changes.extend(gone.map(|name| format!("-{kind} {name}")));
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("nothing changed"),
            false => f.write_str(&self.0.join(", ")),
        }
    }
}
