//! Signs that a server is ready.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One try must not eat the whole deadline when a server accepts and then hangs.
const ONE_TRY: Duration = Duration::from_secs(1);

/// What has to be true before a server counts as ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// It accepts connections.
    Tcp(SocketAddr),
    /// `GET` of this path is answered with 200.
    Http(SocketAddr, String),
    /// It answers this line with one that begins like that.
    Line(SocketAddr, &'static str, &'static str),
}

impl Ready {
    /// Asks once.
    pub fn holds(&self) -> bool {
        match self {
            Self::Tcp(address) => TcpStream::connect_timeout(address, ONE_TRY).is_ok(),
            Self::Http(address, path) => {
                let ask =
                    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
                begins(*address, &ask, "HTTP/1.1 200")
            }
            Self::Line(address, ask, answer) => begins(*address, ask, answer),
        }
    }
}

/// Whether a server answers `ask` with something that begins like `answer`.
fn begins(address: SocketAddr, ask: &str, answer: &str) -> bool {
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, ONE_TRY)?;
        stream.set_read_timeout(Some(ONE_TRY))?;
        stream.set_write_timeout(Some(ONE_TRY))?;
        stream.write_all(ask.as_bytes())?;
        let mut start = vec![0; answer.len()];
        stream.read_exact(&mut start)?;
        Ok(start)
    };
    exchange().is_ok_and(|start| start == answer.as_bytes())
}
