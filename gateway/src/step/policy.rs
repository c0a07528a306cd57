//! Step 3: rate limits. Charged narrow before wide, so that a client that is refused by its own limit
//! takes nothing from the budget it shares with others.
//!
//! The wide ones are charged behind the waiting room: they protect the tenant's origin, and who waits
//! costs the origin nothing. Charged before it, a long line that polls would use up the budget of those
//! who were let in.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use policies::limit::Key;

use crate::limit::{Exhausted, Limiter};
use crate::live::Tenant;
use crate::rejection::Rejection;

/// Charges the limits that each client has for itself.
pub(crate) fn charge_client(tenant: &Tenant, client: IpAddr) -> ControlFlow<Rejection> {
    charge(tenant, client, |key| key == Key::ClientAddress)
}

/// Charges the limits that all clients of the tenant share.
pub(crate) fn charge_shared(tenant: &Tenant, client: IpAddr) -> ControlFlow<Rejection> {
    charge(tenant, client, |key| key == Key::Tenant)
}

fn charge(tenant: &Tenant, client: IpAddr, which: impl Fn(Key) -> bool) -> ControlFlow<Rejection> {
    let chosen = |limiter: &&Arc<Limiter>| which(limiter.limit.key);
    for limiter in tenant.limiters.iter().filter(chosen) {
        if let Err(wait) = limiter.charge(client)
            && !limiter.limit.shadow
        {
            let limiter = Arc::clone(limiter);
            return ControlFlow::Break(Rejection::RateLimited(Exhausted { limiter, wait }));
        }
    }
    ControlFlow::Continue(())
}
