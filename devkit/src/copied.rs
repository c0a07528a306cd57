//! From the fork to the exec a child has copies of all descriptors of its parent. A port that is tried in that moment stays
//! bound as long, though whoever tried it has closed it, and a lock on a file stays held. So what seems taken is tried again.

use crate::wait;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// No child takes longer to become its program, on the busiest of machines.
const COPIED_FOR: Duration = Duration::from_secs(2);

/// Whether nobody has this address, but for a child that is being forked.
pub(crate) fn is_free(address: SocketAddr) -> bool {
    untangled(|| TcpListener::bind(address).ok()).is_some()
}

/// Tries until it succeeds, or no copy can be to blame any more.
pub(crate) fn untangled<T>(try_it: impl FnMut() -> Option<T>) -> Option<T> {
    wait::until(COPIED_FOR, try_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::free_port;
    use std::net::Ipv4Addr;
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    #[test]
    fn a_port_that_was_tried_is_free_though_others_fork() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap()));
        let is_over = AtomicBool::new(false);
        let fork = || {
            while !is_over.load(Ordering::Relaxed) {
                assert!(Command::new("true").status().unwrap().success());
            }
        };
        thread::scope(|scope| {
            scope.spawn(fork);
            scope.spawn(fork);
            let tried = (0..50).filter(|_| is_free(address)).count();
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(tried, 50);
        });
    }
}
