//! Origins with knees: so many servers, first come first served, each answer worked on for an
//! exponential time. Times are in seconds.

use std::collections::VecDeque;

/// SplitMix64 (Steele, Lea and Flood 2014): from a seed always the same stream.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to under 1.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }
}

/// From `from` to `until` work takes `times` as long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slowness {
    pub(super) from: f64,
    pub(super) until: f64,
    pub(super) times: f64,
}

/// What an origin is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// Requests it works on at once.
    pub(super) servers: usize,
    /// Mean work on one.
    pub(super) work: f64,
    /// With more requests than this at it, work takes longer in proportion, up to three times: it
    /// collapses.
    pub(super) collapses_beyond: Option<usize>,
    /// With this many requests at it, it refuses the next.
    pub(super) refuses_beyond: Option<usize>,
    /// When it is slow.
    pub(super) slowness: Option<Slowness>,
}

impl Origin {
    /// M/M/c: answers at most `servers / work` requests a second.
    pub(super) fn steady(servers: usize, work: f64) -> Self {
        Self {
            servers,
            work,
            collapses_beyond: None,
            refuses_beyond: None,
            slowness: None,
        }
    }

    /// Half as fast for a while.
    pub(super) fn halved(self, from: f64, until: f64) -> Self {
        let times = 2.0;
        let slowness = Some(Slowness { from, until, times });
        Self { slowness, ..self }
    }

    fn work(&self, crowd: usize, now: f64, random: &mut Random) -> f64 {
        let is_slow = |slow: &Slowness| (slow.from..slow.until).contains(&now);
        let slow = self.slowness.filter(is_slow).map_or(1.0, |slow| slow.times);
        let crowded = self
            .collapses_beyond
            .map_or(1.0, |knee| (crowd as f64 / knee as f64).clamp(1.0, 3.0));
        random.exponential(self.work) * slow * crowded
    }
}

/// What becomes of a request.
pub(super) enum Offered<R> {
    /// It will be answered in so many seconds.
    Begun(R, f64),
    /// It waits.
    Queued,
    Refused(R),
}

/// An origin at work on requests `R`.
#[derive(Debug)]
pub(super) struct Shop<R> {
    origin: Origin,
    queue: VecDeque<R>,
    busy: usize,
}

impl<R> Shop<R> {
    pub(super) fn open(origin: Origin) -> Self {
        Self {
            origin,
            queue: VecDeque::new(),
            busy: 0,
        }
    }

    fn crowd(&self) -> usize {
        self.busy + self.queue.len()
    }

    pub(super) fn offer(&mut self, request: R, now: f64, random: &mut Random) -> Offered<R> {
        let most = self.origin.refuses_beyond.unwrap_or(usize::MAX);
        if self.crowd() >= most {
            return Offered::Refused(request);
        }
        if self.busy == self.origin.servers {
            self.queue.push_back(request);
            return Offered::Queued;
        }
        self.busy += 1;
        Offered::Begun(request, self.origin.work(self.crowd(), now, random))
    }

    /// One is answered. The next, if any, will be in so many seconds.
    pub(super) fn finish(&mut self, now: f64, random: &mut Random) -> Option<(R, f64)> {
        let crowd = self.crowd() - 1;
        let Some(next) = self.queue.pop_front() else {
            self.busy -= 1;
            return None;
        };
        Some((next, self.origin.work(crowd, now, random)))
    }
}
