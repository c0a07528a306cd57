//! What a fault that was made on purpose explains, and what it does not.

use super::{Flaw, Report};
use crate::visitor::TABS_DIFFER;

impl Report {
    /// The flaws that remain when a server was stopped, killed or cut off during the drill: requests without an answer
    /// are explained by that, visits that a session outlasted, and a second tab whose claim lay at a stopped server until
    /// that had lost its store: it asks again. A wrong order, a broken limit, a risen place
    /// or a visitor who is missing never are.
    #[must_use]
    pub fn unexplained(&self) -> Vec<Flaw> {
        let flaws = self.flaws().into_iter();
        flaws.filter(|flaw| !self.is_explained(flaw)).collect()
    }

    fn is_explained(&self, flaw: &Flaw) -> bool {
        let troubles = &self.figures.troubles;
        match flaw {
            Flaw::Network(_) => true,
            // A visitor's tries against a dead gateway may take longer than the session.
            Flaw::Unfinished(visits) => {
                let ran_out = troubles
                    .iter()
                    .filter(|((_, kind, _), _)| kind == "the pass ran out");
                *visits <= ran_out.map(|(_, times)| *times).sum()
            }
            Flaw::Troubles(_) => troubles
                .keys()
                .all(|(_, kind, network)| *network || is_outage(kind) || kind == TABS_DIFFER),
            _ => false,
        }
    }
}

/// What a server says that misses another server.
fn is_outage(kind: &str) -> bool {
    ["status 500", "status 502", "status 503", "status 504"]
        .iter()
        .any(|status| kind.starts_with(status))
}
