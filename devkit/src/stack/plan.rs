//! Which server listens where.

use crate::copied::is_free;
use crate::error::Error;
use crate::free_port;
use std::net::{Ipv4Addr, SocketAddr};

/// Two shops, so that the pool behind the gateway is one.
pub(super) const SHOPS: u16 = 2;

/// How ports are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// At fixed distances from this one; 8080 is the demo's.
    From(u16),
    /// Whatever is free.
    Free,
}

/// The addresses of one demo, all on 127.0.0.1.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Each gateway's listener for visitors.
    pub gateways: Vec<SocketAddr>,
    /// Each gateway's admin listener.
    pub gateway_admins: Vec<SocketAddr>,
    /// The payment core's API.
    pub core: SocketAddr,
    /// Its health and metrics.
    pub core_admin: SocketAddr,
    /// The sandbox PSP.
    pub psp: SocketAddr,
    /// The shop's instances.
    pub shops: Vec<SocketAddr>,
    /// PostgreSQL.
    pub postgres: SocketAddr,
    /// Redis, used only with that store.
    pub redis: SocketAddr,
}

impl Plan {
    /// Chooses every port. The highest is base + 1100 + gateways.
    pub(super) fn new(ports: Ports, gateways: usize) -> Result<Self, Error> {
        let at = |offset: u16| match ports {
            Ports::From(base) => base.checked_add(offset).ok_or_else(|| out_of_range(base)),
            Ports::Free => free_port(),
        };
        let local = |offset| Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, at(offset)?)));
        let count = u16::try_from(gateways).unwrap_or(u16::MAX);
        let nth = |first: u16, i: u16| if i == 0 { first } else { first + 100 + i };
        Ok(Self {
            gateways: (0..count)
                .map(|i| local(nth(0, i)))
                .collect::<Result<_, Error>>()?,
            gateway_admins: (0..count)
                .map(|i| local(nth(1000, i)))
                .collect::<Result<_, Error>>()?,
            core: local(1)?,
            core_admin: local(1001)?,
            psp: local(10)?,
            shops: (0..SHOPS)
                .map(|i| local(20 + i))
                .collect::<Result<_, Error>>()?,
            postgres: local(30)?,
            redis: local(31)?,
        })
    }

    /// Says which port somebody else has, before anything is started.
    pub(super) fn check_free(&self) -> Result<(), Error> {
        let named = |name: &str, addresses: &[SocketAddr]| {
            addresses
                .iter()
                .map(|address| (name.to_owned(), *address))
                .collect::<Vec<_>>()
        };
        let all = [
            named("gateway", &self.gateways),
            named("gateway admin", &self.gateway_admins),
            named("core-api", &[self.core, self.core_admin]),
            named("psp-sim", &[self.psp]),
            named("demo-shop", &self.shops),
            named("PostgreSQL", &[self.postgres]),
            named("Redis", &[self.redis]),
        ];
        for (name, address) in all.into_iter().flatten() {
            if !is_free(address) {
                return Err(Error::PortTaken {
                    name,
                    port: address.port(),
                });
            }
        }
        Ok(())
    }
}

fn out_of_range(base: u16) -> Error {
    Error::Command {
        what: format!("use port base {base}: some ports would be above 65535; choose a lower one"),
        output: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_demo_is_where_the_readme_says() {
        let plan = Plan::new(Ports::From(8080), 2).unwrap();
        let ports =
            |addresses: &[SocketAddr]| addresses.iter().map(SocketAddr::port).collect::<Vec<_>>();
        assert_eq!(ports(&plan.gateways), [8080, 8181]);
        assert_eq!(ports(&plan.gateway_admins), [9080, 9181]);
        assert_eq!(ports(&plan.shops), [8100, 8101]);
        assert_eq!(
            ports(&[plan.core, plan.core_admin, plan.psp]),
            [8081, 9081, 8090]
        );
        assert_eq!(ports(&[plan.postgres, plan.redis]), [8110, 8111]);
    }

    #[test]
    fn a_base_that_is_too_high_is_refused() {
        assert!(Plan::new(Ports::From(65_000), 1).is_err());
    }

    #[test]
    fn a_taken_port_is_named_with_its_server() {
        let plan = Plan::new(Ports::Free, 1).unwrap();
        plan.check_free().unwrap();
        let _taken = TcpListener::bind(plan.psp).unwrap();
        let error = plan.check_free().unwrap_err().to_string();
        assert!(
            error.contains("psp-sim") && error.contains(&plan.psp.port().to_string()),
            "{error}"
        );
    }
}
