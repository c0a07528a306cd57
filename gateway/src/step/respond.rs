//! Step 6: what happens to a refused request's body and connection.
//!
//! A refusal that closes its connection makes a storm worse: the next try costs a new connection (and
//! a TLS handshake) many times as dear as the refusal. So the connection stays whenever what is left of
//! the request can be read and thrown away cheaply.

use http::header::{EXPECT, TRANSFER_ENCODING};
use http::request::Parts;

use crate::step::accept;

/// A refused body up to this size is read and thrown away: sending it costs the client little, and
/// reading it costs us less than a new connection.
const DRAIN_BYTES_MAX: u64 = 64 << 10;

/// What becomes of the connection after the gateway answered without reading the request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// The answer goes out; then what is left of the body is read and thrown away.
    Keep,
    /// The answer says `Connection: close`.
    Close,
}

/// Decides it from the request's head.
pub(crate) fn connection(head: &Parts) -> Connection {
    // Who expects 100 gets the answer instead and may or may not send the body: nobody can tell.
    let unclear = head.headers.contains_key(EXPECT);
    let unbounded = head.headers.contains_key(TRANSFER_ENCODING);
    let length = accept::announced_length(head).unwrap_or(0);
    match unclear || unbounded || length > DRAIN_BYTES_MAX {
        true => Connection::Close,
        false => Connection::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection_of(headers: &[(&str, &str)]) -> Connection {
        let mut request = http::Request::post("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        connection(&request.body(()).expect("valid").into_parts().0)
    }

    #[test]
    fn small_known_bodies_keep_the_connection() {
        assert_eq!(connection_of(&[]), Connection::Keep);
        assert_eq!(
            connection_of(&[("content-length", "65536")]),
            Connection::Keep
        );
        assert_eq!(
            connection_of(&[("content-length", "65537")]),
            Connection::Close
        );
        assert_eq!(
            connection_of(&[("transfer-encoding", "chunked")]),
            Connection::Close
        );
        let expecting = [("content-length", "5"), ("expect", "100-continue")];
        assert_eq!(connection_of(&expecting), Connection::Close);
    }
}
