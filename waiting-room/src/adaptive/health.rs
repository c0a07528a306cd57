//! What a gateway sees of a room's origin, in a form that adds up over time and over a fleet.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    codec::CodecError,
    latencies::{AtomicLatencies, Latencies},
};
use crate::{
    value::millis,
    varint::{In, put_varint},
};

const FORM: u8 = 1;

/// How the origin did over some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The requests it answered well, by the time until the answer began. (Not until it ended: a long
    /// download or a stream of events is no slow origin.)
    pub latencies: Latencies,
    /// The requests it answered with an error of its own (5xx) or, within the gateway's timeout, not
    /// at all.
    pub failures: u32,
    /// The time that requests waited for it, added up: two that waited for half a second are one
    /// second. Over the time watched this is how many were in flight on average (Little's law), also
    /// while nothing is answered.
    pub busy: Duration,
}

impl Health {
    /// How many requests came to an end.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.latencies.count() + u64::from(self.failures)
    }

    /// Adds what another gateway saw, or this one at another time.
    pub fn merge(&mut self, other: &Self) {
        self.latencies.merge(&other.latencies);
        self.failures = self.failures.saturating_add(other.failures);
        self.busy = self.busy.saturating_add(other.busy);
    }

    /// The store form: some twenty bytes and two for each bucket in use, at most 1.9 kB.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORM];
        put_varint(&mut out, u64::from(self.failures));
        put_varint(&mut out, millis(self.busy));
        self.latencies.put(&mut out);
        out
    }

    /// Reads the store form.
    ///
    /// # Errors
    /// When it is not one: nothing is believed of it.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        Self::get(&mut In(bytes)).ok_or(CodecError)
    }

    fn get(input: &mut In<'_>) -> Option<Self> {
        if input.byte()? != FORM {
            return None;
        }
        let failures = u32::try_from(input.varint()?).ok()?;
        let busy = Duration::from_millis(input.varint()?);
        let latencies = Latencies::get(input)?;
        Some(Self {
            latencies,
            failures,
            busy,
        })
    }
}

/// A gateway's own measuring of one room's origin. Shared by its request threads; no lock.
#[derive(Debug, Default)]
pub struct Meter {
    latencies: AtomicLatencies,
    failures: AtomicU32,
    in_flight: AtomicU32,
}

impl Meter {
    /// A request goes to the origin.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Flight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Flight(Arc::clone(self))
    }

    /// What was seen in the `since_last` time since it was last taken. What waits now is taken to have
    /// waited all that time; over a few takes that comes out right.
    #[must_use]
    pub fn take(&self, since_last: Duration) -> Health {
        Health {
            latencies: self.latencies.take(),
            failures: self.failures.swap(0, Ordering::Relaxed),
            busy: since_last.saturating_mul(self.in_flight.load(Ordering::Relaxed)),
        }
    }
}

/// A request that waits for the origin. Dropped without a word (the client went away) it counts as
/// neither an answer nor a failure.
#[derive(Debug)]
pub struct Flight(Arc<Meter>);

impl Flight {
    /// An answer began after `took`.
    pub fn answered(self, took: Duration) {
        self.0.latencies.record(took);
    }

    /// The answer is the origin's error, or there is none.
    pub fn failed(self) {
        self.0.failures.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUARTER: Duration = Duration::from_millis(250);

    #[test]
    fn a_meter_tells_what_ended_and_what_waits() {
        let meter = Arc::new(Meter::default());
        let (good, bad, gone) = (meter.begin(), meter.begin(), meter.begin());
        let _waits = meter.begin();
        good.answered(Duration::from_millis(40));
        bad.failed();
        drop(gone);
        let seen = meter.take(QUARTER);
        assert_eq!((seen.requests(), seen.failures), (2, 1));
        assert_eq!(seen.busy, QUARTER, "one still waits");
        let again = meter.take(QUARTER);
        assert_eq!((again.requests(), again.busy), (0, QUARTER));
    }

    proptest! {
        #[test]
        fn health_survives_the_store_and_adds_up(
            times in proptest::collection::vec(0_u64..70_000, 0..40), failures: u32, busy_ms: u64,
        ) {
            let mut health = Health { failures, busy: Duration::from_millis(busy_ms), ..Health::default() };
            times.iter().for_each(|ms| health.latencies.record(Duration::from_millis(*ms)));
            prop_assert_eq!(Health::decode(&health.encode()), Ok(health.clone()));
            let mut twice = health.clone();
            twice.merge(&health);
            prop_assert_eq!(twice.latencies.count(), 2 * times.len() as u64);
            prop_assert_eq!(twice.failures, failures.saturating_mul(2));
        }

        #[test]
        fn hostile_bytes_are_refused_or_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Health::decode(&bytes);
            let ours = [&[FORM], bytes.as_slice()].concat();
            let _ = Health::decode(&ours);
        }
    }

    #[test]
    fn another_form_is_refused() {
        let mut bytes = Health::default().encode();
        bytes[0] = FORM + 1;
        assert_eq!(Health::decode(&bytes), Err(CodecError));
        assert_eq!(Health::decode(&[]), Err(CodecError));
    }
}
