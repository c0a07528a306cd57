//! Benches: what a request costs the gateway beside its peers, and how many payments a second the core makes
//! beside what its PostgreSQL could do. Everything of a run is measured in that run: only ratios travel.

pub mod gateway;
pub mod payments;

/// Why a bench has no figures.
#[derive(Debug, thiserror::Error)]
pub enum NoFigures {
    /// A program could not be started or a file not be written.
    #[error("{what}: {source}")]
    Machine {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A server or tool answered something else than expected.
    #[error("{0}")]
    Unexpected(String),
    /// A server could not be asked.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// PostgreSQL could not be asked.
    #[error("PostgreSQL: {0}")]
    Database(#[from] sqlx::Error),
}

impl NoFigures {
    fn machine(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Machine { what, source }
    }
}
