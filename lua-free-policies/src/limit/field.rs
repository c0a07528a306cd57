//! The `RateLimit-Policy` and `RateLimit` fields of draft-ietf-httpapi-ratelimit-headers-11.
//!
//! The draft still moves, so its wire form lives in this module alone. Both are structured-field lists
//! of strings with parameters: `q` quota, `w` window in whole seconds, `r` remaining, `t` seconds to
//! more. A limit's name needs no escaping ([`Name`](crate::name::Name) has no quote).

use std::time::Duration;

use super::Limit;

/// `"per-visitor";q=50;w=1`: the policy. The window is rounded up to whole seconds, and the quota is
/// scaled with it, since the draft has no fractions.
pub fn policy(limit: &Limit) -> String {
    let per = limit.quota.per();
    let window = whole_seconds_up(per).max(1);
    let amount = u128::from(limit.quota.amount().get());
    let scaled = amount * u128::from(window) * 1_000 / per.as_millis().max(1);
    format!("\"{}\";q={scaled};w={window}", limit.name)
}

/// `"per-visitor";r=0;t=3`: nothing left, more in `wait`.
pub fn exhausted(limit: &Limit, wait: Duration) -> String {
    format!("\"{}\";r=0;t={}", limit.name, whole_seconds_up(wait))
}

/// Seconds, rounded up: coming back early would only be refused again.
pub fn whole_seconds_up(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Scalar;
    use crate::limit::{Key, Quota};
    use crate::name::Name;

    fn limit(quota: &str) -> Limit {
        let quota = Quota::read(quota).expect("valid");
        Limit {
            name: Name::read("per-visitor").expect("valid"),
            key: Key::ClientAddress,
            quota,
            burst: quota.amount(),
            shadow: false,
        }
    }

    #[test]
    fn writes_whole_seconds() {
        assert_eq!(policy(&limit("50/s")), "\"per-visitor\";q=50;w=1");
        assert_eq!(policy(&limit("5/100ms")), "\"per-visitor\";q=50;w=1");
        assert_eq!(policy(&limit("10/1500ms")), "\"per-visitor\";q=13;w=2");
        let wait = Duration::from_millis(2_001);
        assert_eq!(exhausted(&limit("50/s"), wait), "\"per-visitor\";r=0;t=3");
    }
}
