//! Step 3: rate limits. Charged narrow before wide, so that a client that is refused by its own limit
//! takes nothing from the budget it shares with others.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::limit::Exhausted;
use crate::live::Tenant;
use crate::rejection::Rejection;

/// Charges every limit of the tenant, or refuses at the first that is exhausted.
pub(crate) fn charge(tenant: &Tenant, client: IpAddr) -> ControlFlow<Rejection> {
    for limiter in &tenant.limiters {
        if let Err(wait) = limiter.charge(client) {
            let limiter = Arc::clone(limiter);
            return ControlFlow::Break(Rejection::RateLimited(Exhausted { limiter, wait }));
        }
    }
    ControlFlow::Continue(())
}
