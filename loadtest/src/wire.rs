//! How a simulated visitor reaches a server: real TCP connections from an address of its own, cookies kept
//! as a browser keeps them, and every failure named. Nothing here knows what a queue or a payment is.

mod address;
mod browser;
mod cookie;
mod dial;

pub use address::loopback_address;
pub use browser::{Answer, Ask, Browser, Place};
pub use cookie::Jar;
pub use dial::{Dialer, DialerOptions, Site, raise_open_file_limit};

/// Why a request has no answer. Each is the network's or the server's fault, never the visitor's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No connection could be made.
    #[error("connect: {0}")]
    Connect(std::io::ErrorKind),
    /// The connection ended before the whole answer had arrived.
    #[error("broken connection")]
    Broken,
    /// Nothing arrived within the dialer's time-out.
    #[error("no answer in time")]
    Timeout,
    /// The server sent us somewhere that is neither a gateway nor the PSP.
    #[error("sent to an unknown place: {0}")]
    Elsewhere(String),
}
