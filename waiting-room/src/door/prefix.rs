//! The network that newcomers are counted by.

use std::net::IpAddr;

/// An IPv4 /24, or an IPv6 /56: what one customer of an access network is commonly given, so that walking through
/// one's own addresses is walking on the spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix([u8; 8]);

impl Prefix {
    /// Of an address; an IPv4 address written as an IPv6 one counts as itself.
    pub(crate) fn of(address: IpAddr) -> Self {
        let mut bytes = [0; 8];
        match address.to_canonical() {
            IpAddr::V4(address) => {
                bytes[0] = 4;
                bytes[1..4].copy_from_slice(&address.octets()[..3]);
            }
            IpAddr::V6(address) => {
                bytes[0] = 6;
                bytes[1..].copy_from_slice(&address.octets()[..7]);
            }
        }
        Self(bytes)
    }

    /// The family, then the address as far as it counts.
    pub(crate) fn bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        Prefix::of(text.parse().expect("an address"))
    }

    #[test]
    fn a_customers_own_network_is_one() {
        assert_eq!(prefix("192.0.2.1"), prefix("192.0.2.254"));
        assert_eq!(prefix("192.0.2.1"), prefix("::ffff:192.0.2.9"));
        assert_ne!(prefix("192.0.2.1"), prefix("192.0.3.1"));
        assert_eq!(prefix("2001:db8:1:100::1"), prefix("2001:db8:1:1ff::2"));
        assert_ne!(prefix("2001:db8:1:100::1"), prefix("2001:db8:1:200::1"));
        assert_ne!(prefix("0.0.0.0"), prefix("::"));
    }
}
