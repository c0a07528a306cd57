//! Drills and benches: simulated visitors over real sockets, figures about what they met, and a referee that
//! asks from outside whether the promises held. Speaks to the system under test as strangers do (HTTP, SQL)
//! and links none of its code.

pub mod adaptive;
pub mod bench;
mod chart;
pub mod clock;
pub mod crowd;
pub mod drill;
pub mod figures;
pub mod html;
pub mod line;
mod machine;
pub mod origin;
pub mod record;
pub mod referee;
pub mod tally;
pub mod visitor;
pub mod wire;
