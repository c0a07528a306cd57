//! Free TCP ports that stay free until they are used.
//!
//! Binding port 0 and closing again has two traps: another test process may be given the same
//! port a moment later, and a port of the ephemeral range can be taken by any outgoing connection
//! (even by the client that keeps reconnecting to a stopped server, which then talks to itself). So
//! ports come from below the ephemeral range and are locked by file among all processes of a user.

use crate::error::{Doing, Error};
use crate::scratch;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How many ports below the ephemeral range are ours to choose from.
const SPAN: u16 = 10_000;
/// The kernel's default, for systems that do not say.
const EPHEMERAL_FROM: u16 = 32_768;

/// Locks of the ports handed out; they end with the process, whichever way it ends.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A TCP port of 127.0.0.1 on which nobody listens, and which no other call, in this process or
/// another of the same user, is given while this process lives.
pub fn free_port() -> Result<u16, Error> {
    let locks = scratch::home()?.join("ports");
    fs::create_dir_all(&locks).doing(|| format!("make the directory {}", locks.display()))?;
    let range = candidates();
    let random = RandomState::new().hash_one(std::process::id());
    let found = from_the_middle(range.clone(), random as usize % usize::from(SPAN))
        .find_map(|port| Some((port, lock(&locks, port)?)));
    let (port, file) = found.ok_or_else(|| Error::Command {
        what: format!("find a free port between {} and {}", range.start, range.end),
        output: String::new(),
    })?;
    HELD.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(file);
    Ok(port)
}

/// The lock on `port`, if nobody has it and the port can be bound.
fn lock(locks: &Path, port: u16) -> Option<File> {
    let file = File::create(locks.join(port.to_string())).ok()?;
    file.try_lock().ok()?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
    Some(file)
}

fn candidates() -> Range<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = text
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok());
    let end = first.unwrap_or(EPHEMERAL_FROM).max(2 * SPAN);
    end - SPAN..end
}

/// All of a range, beginning `offset` after its start.
fn from_the_middle(range: Range<u16>, offset: usize) -> impl Iterator<Item = u16> {
    range.clone().skip(offset).chain(range.take(offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_port_is_given_twice() {
        let ports: HashSet<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.len(), 50);
    }

    #[test]
    fn a_port_can_be_bound_once_it_is_given() {
        let port = free_port().unwrap();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }

    #[test]
    fn every_candidate_is_tried_wherever_the_search_begins() {
        let all: Vec<u16> = from_the_middle(10..15, 3).collect();
        assert_eq!(all, [13, 14, 10, 11, 12]);
    }
}
