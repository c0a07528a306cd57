//! Rate limits as data: how much, for whom, in which order.
//!
//! Counting is not done here (the gateway counts, with GCRA); this module says what is to be counted.
//! Limits are ordered [narrow before wide](narrow_first): a visitor's own limit is charged before the
//! tenant's, so that a refused visitor does not drain what everybody shares.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use crate::diagnostic::{Complaint, Diagnostics};
use crate::document::{Said, Scalar};
use crate::name::Name;
use crate::unit::Period;

pub mod field;

/// Whose requests are counted together. Ordered from the narrowest to the widest.
///
/// Only what the gateway itself verified can be a key: a limit by an unverified header would be
/// stepped round by changing the header, and would grow memory at the client's will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Each client address: one IPv4 address, or one IPv6 /64 (what one subscriber gets).
    ClientAddress,
    /// All requests of the tenant.
    Tenant,
}

impl Scalar for Key {
    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "client.address" => Ok(Self::ClientAddress),
            "tenant" => Ok(Self::Tenant),
            _ => Err(Complaint::unknown(
                "key of a limit",
                text,
                ["client.address", "tenant"],
            )),
        }
    }
}

/// A sustained rate: `amount` requests in each `per`. Written `50/s`, `2000/min`, `100/10s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    amount: NonZeroU32,
    per: Duration,
}

impl Quota {
    /// How many in one period.
    pub fn amount(self) -> NonZeroU32 {
        self.amount
    }

    /// The period.
    pub fn per(self) -> Duration {
        self.per
    }

    /// The time in which one request is earned back. At least a nanosecond.
    pub fn interval(self) -> Duration {
        (self.per / self.amount.get()).max(Duration::from_nanos(1))
    }
}

impl Scalar for Quota {
    fn read(text: &str) -> Result<Self, Complaint> {
        let parse = || {
            let (amount, per) = text.split_once('/')?;
            let amount = amount.parse().ok()?;
            let per = match per.starts_with(|c: char| c.is_ascii_digit()) {
                true => Period::read(per),
                false => Period::read(&format!("1{per}")),
            };
            let per = per.ok()?.get();
            Some(Self { amount, per })
        };
        parse().ok_or_else(|| {
            Complaint::new(format!("`{text}` is not a quota"))
                .hint("write it like 50/s, 2000/min or 100/10s")
        })
    }
}

/// A rate limit as it is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Its name: told to the refused client, and a metric label.
    pub name: Name,
    /// Whose requests are counted together.
    pub key: Key,
    /// The sustained rate.
    pub quota: Quota,
    /// How many may come at once after a rest. At least 1.
    pub burst: NonZeroU32,
    /// Only counts what it would refuse.
    pub shadow: bool,
}

/// A rate limit as it is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitDocument {
    name: Said<Name>,
    key: Said<Key>,
    quota: Said<Quota>,
    /// Default: the quota's amount.
    burst: Option<Said<NonZeroU32>>,
    shadow: Option<Said<bool>>,
}

/// Compiles a tenant's limits, narrow before wide. Complains about two of one name.
pub fn compile(said: Vec<LimitDocument>, told: &mut Diagnostics) -> Vec<Limit> {
    let mut limits: Vec<Limit> = Vec::with_capacity(said.len());
    for document in said {
        let place = document.name.place();
        let name = document.name.take(told);
        let key = document.key.take(told);
        let quota = document.quota.take(told);
        let burst = document.burst.map(|burst| burst.take(told));
        let shadow = document.shadow.and_then(|shadow| shadow.take(told));
        let (Some(name), Some(key), Some(quota)) = (name, key, quota) else {
            continue;
        };
        if limits.iter().any(|limit| limit.name == name) {
            told.push(Complaint::new(format!("a second limit named `{name}`")).at(place));
        }
        let burst = burst.flatten().unwrap_or(quota.amount());
        limits.push(Limit {
            name,
            key,
            quota,
            burst,
            shadow: shadow.unwrap_or(false),
        });
    }
    narrow_first(&mut limits);
    limits
}

/// Puts the narrowest key first, keeping the file's order among equals.
pub fn narrow_first(limits: &mut [Limit]) {
    limits.sort_by_key(|limit| limit.key);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn reads_quotas() {
        let read = |text| {
            let quota = Quota::read(text).ok()?;
            Some((quota.amount().get(), quota.per().as_millis()))
        };
        assert_eq!(read("50/s"), Some((50, 1_000)));
        assert_eq!(read("2000/min"), Some((2_000, 60_000)));
        assert_eq!(read("100/10s"), Some((100, 10_000)));
        assert_eq!(read("1/d"), Some((1, 86_400_000)));
        for bad in [
            "", "50", "50/", "/s", "0/s", "-1/s", "50/0s", "50/x", "5.5/s",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn compiles_narrow_before_wide_and_collects_complaints() {
        let said = "
- { name: all, key: tenant, quota: 10/s }
- { name: each, key: client.address, quota: 5/s, burst: 9 }
";
        let mut told = Diagnostics::new();
        let limits = compile(document::read(said).expect("shape"), &mut told);
        assert!(told.is_empty());
        let order: Vec<(&str, u32)> = limits
            .iter()
            .map(|limit| (limit.name.as_str(), limit.burst.get()))
            .collect();
        assert_eq!(order, [("each", 9), ("all", 10)]);

        let said = "
- { name: A, key: visitor, quota: 5, burst: 0 }
- { name: b, key: tenant, quota: 5/s }
- { name: b, key: tenant, quota: 6/s }
";
        compile(document::read(said).expect("shape"), &mut told);
        assert_eq!(told.into_sorted().len(), 5);
    }
}
