//! Which requests a rule is about: by host, by path.
//!
//! Hosts and paths are matched in one normal form only, and whatever has no single meaning is refused
//! before it is matched ([`path::Normal`]). A rule that a client can step round by spelling is no rule.

pub mod host;
pub mod path;

pub use host::{HostPattern, HostTable};
pub use path::{Ambiguous, Normal, PathPattern};
