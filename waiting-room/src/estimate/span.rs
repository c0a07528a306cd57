//! People who came at about the same time, by when: cohorts of the line and parties inside.

use crate::value::Timestamp;

/// From the first of them to the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

impl Span {
    /// How long ago the middle of them came, in seconds.
    pub(super) fn age(self, now: Timestamp) -> f64 {
        let youngest = now.since(self.until).as_secs_f64();
        youngest + self.until.since(self.since).as_secs_f64() / 2.0
    }
}

/// The first of the two neighbours that can be made one where it matters least: those that differ least, for their age.
pub(super) fn most_alike(spans: &[Span], now: Timestamp) -> Option<usize> {
    let differ = |pair: &[Span]| {
        let both = pair[1].until.since(pair[0].since).as_secs_f64();
        both / pair[1].age(now).max(1.0)
    };
    let pairs = spans.windows(2).map(differ).enumerate();
    let least = pairs.min_by(|a, b| a.1.total_cmp(&b.1));
    least.map(|(first, _)| first)
}
