//! Source addresses: the whole of 127.0.0.0/8 is ours on Linux, so each visitor gets one and is a client of
//! its own to per-visitor limits.

use std::net::Ipv4Addr;

/// Addresses that stay free of visitors: 127.0.x.x is where the servers themselves live.
const FIRST: u32 = 0x7f01_0001;
/// 127.1.0.1 to 127.255.255.254.
const COUNT: u32 = 0x7fff_fffe - FIRST + 1;

/// The source address of visitor number `visitor`. Numbers repeat only after 16.6 million visitors.
#[must_use]
pub fn loopback_address(visitor: u32) -> Ipv4Addr {
    Ipv4Addr::from(FIRST + visitor % COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_never_share_an_address_with_a_server_or_each_other() {
        assert_eq!(loopback_address(0), Ipv4Addr::new(127, 1, 0, 1));
        assert_eq!(
            loopback_address(COUNT - 1),
            Ipv4Addr::new(127, 255, 255, 254)
        );
        let seen: std::collections::HashSet<_> = (0..100_000).map(loopback_address).collect();
        assert_eq!(seen.len(), 100_000);
    }
}
