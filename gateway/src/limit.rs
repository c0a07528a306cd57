//! Counting for rate limits: GCRA buckets in this process.
//!
//! A bucket is one atomic word. Buckets of clients that were quiet long enough to be full again are
//! forgotten by [`Limiter::forget_idle`], or memory would grow with every address ever seen. A reload
//! keeps the limiters whose definition did not change, so that it refills nobody's bucket.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::HeaderValue;
use policies::limit::{Key, Limit, field};

/// The network that one client is taken for: an IPv4 address, or the /64 of an IPv6 address, since a
/// subscriber gets a whole /64 and could otherwise be 2^64 clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Block {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for Block {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                Self::V6(u64::try_from(address.to_bits() >> 64).expect("64 bits are left"))
            }
        }
    }
}

/// One limit with its buckets.
#[derive(Debug)]
pub(crate) struct Limiter<C: Clock = DefaultClock> {
    pub(crate) limit: Limit,
    /// The `RateLimit-Policy` field, prepared.
    pub(crate) policy_field: HeaderValue,
    clock: C,
    buckets: Buckets<C>,
    refused: AtomicU64,
}

#[derive(Debug)]
enum Buckets<C: Clock> {
    ByClient(RateLimiter<Block, DashMapStateStore<Block>, C, NoOpMiddleware<C::Instant>>),
    Whole(RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>),
}

/// A refusal: which limit, and how long until it has room again.
#[derive(Clone, Debug)]
pub(crate) struct Exhausted {
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) wait: Duration,
}

impl Limiter {
    /// Full buckets on the process's clock.
    pub(crate) fn new(limit: Limit) -> Self {
        Self::with_clock(limit, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limiter<C> {
    fn with_clock(limit: Limit, clock: C) -> Self {
        let quota = Quota::with_period(limit.quota.interval())
            .expect("an interval is at least a nanosecond")
            .allow_burst(limit.burst);
        let buckets = match limit.key {
            Key::ClientAddress => Buckets::ByClient(RateLimiter::new(
                quota,
                DashMapStateStore::default(),
                clock.clone(),
            )),
            Key::Tenant => Buckets::Whole(RateLimiter::new(
                quota,
                InMemoryState::default(),
                clock.clone(),
            )),
        };
        let policy_field = HeaderValue::from_str(&field::policy(&limit))
            .expect("names have only letters that a header may have");
        Self {
            limit,
            policy_field,
            clock,
            buckets,
            refused: AtomicU64::new(0),
        }
    }

    /// Charges one request of `client`, or says how long to wait.
    pub(crate) fn charge(&self, client: IpAddr) -> Result<(), Duration> {
        let refused = match &self.buckets {
            Buckets::ByClient(buckets) => buckets.check_key(&Block::from(client)),
            Buckets::Whole(bucket) => bucket.check(),
        };
        refused.map_err(|until| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            until.wait_time_from(self.clock.now())
        })
    }

    /// How many requests were refused, or would have been.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Forgets the buckets that are full again: they hold no information.
    pub(crate) fn forget_idle(&self) {
        if let Buckets::ByClient(buckets) = &self.buckets {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }

    /// How many clients are remembered.
    pub(crate) fn remembered(&self) -> usize {
        match &self.buckets {
            Buckets::ByClient(buckets) => buckets.len(),
            Buckets::Whole(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use policies::document::Scalar;
    use policies::name::Name;

    use super::*;

    fn limiter(key: Key) -> (Limiter<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let quota = policies::limit::Quota::read("1/s").expect("valid");
        let limit = Limit {
            name: Name::read("l").expect("valid"),
            key,
            quota,
            burst: 2.try_into().expect("not zero"),
            shadow: false,
        };
        (Limiter::with_clock(limit, clock.clone()), clock)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    #[test]
    fn a_burst_passes_then_the_rate() {
        let (limiter, clock) = limiter(Key::ClientAddress);
        let me = ip("192.0.2.1");
        assert!(limiter.charge(me).is_ok() && limiter.charge(me).is_ok());
        assert_eq!(limiter.charge(me), Err(Duration::from_secs(1)));
        assert!(limiter.charge(ip("192.0.2.2")).is_ok(), "another client");
        clock.advance(Duration::from_secs(1));
        assert!(limiter.charge(me).is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_mapped_addresses_are_ipv4() {
        assert_eq!(
            Block::from(ip("2001:db8::1")),
            Block::from(ip("2001:db8::ffff:1"))
        );
        assert_ne!(
            Block::from(ip("2001:db8::1")),
            Block::from(ip("2001:db8:0:1::1"))
        );
        assert_eq!(
            Block::from(ip("::ffff:192.0.2.1")),
            Block::from(ip("192.0.2.1"))
        );
    }

    #[test]
    fn the_tenant_shares_one_bucket() {
        let (limiter, _) = limiter(Key::Tenant);
        assert!(limiter.charge(ip("192.0.2.1")).is_ok());
        assert!(limiter.charge(ip("192.0.2.2")).is_ok());
        assert!(limiter.charge(ip("192.0.2.3")).is_err());
    }

    #[test]
    fn full_buckets_are_forgotten_and_others_kept() {
        let (limiter, clock) = limiter(Key::ClientAddress);
        assert!(limiter.charge(ip("192.0.2.1")).is_ok());
        clock.advance(Duration::from_secs(10));
        assert!(limiter.charge(ip("192.0.2.2")).is_ok());
        limiter.forget_idle();
        assert_eq!(limiter.remembered(), 1);
    }
}
