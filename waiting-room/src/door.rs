//! The door: what a newcomer has to show before a number is given.
//!
//! Two prices, both chosen so that a crowd of people hardly notices them and a crowd of one machine does:
//!
//! - **Work** ([`proof`]), bound to the very challenge that asks for it. How hard it is follows how far joins outrun
//!   the room, and how much of its budget the newcomer's address prefix has used. The bits stand in the signed
//!   challenge; when joins have become much harder meanwhile, a new challenge asks for more. Who cannot do the work
//!   waits in its stead, in proportion, one after the other in each prefix.
//! - **A budget for each prefix** ([`budgets`]): its second half costs harder work, and only beyond it a newcomer is
//!   told to come again. Thousands of people share one prefix behind a carrier's address translation, so this is
//!   never a ban and never silent.
//!
//! Only joins come here; a poll never does.

mod budgets;
mod prefix;
mod pressure;
pub mod proof;

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use policies::admission::{
    Admission,
    bots::{Binding, Bots, Invitations, Work},
};

pub(crate) use prefix::Prefix;

use crate::{
    line::Line,
    token::{Bound, Challenge},
    value::{Number, Timestamp},
};
use budgets::{Budgets, Cells};
use pressure::Measured;

/// A challenge that asks for work is good this long, longer than the longest wait in its stead: so nobody keeps a
/// stock of easy ones, and who took a number with it need not be remembered for longer.
pub(crate) const WORK_LIFE: Duration = Duration::from_secs(600);
/// By so many bits work may have become harder while somebody did it.
const SLACK_BITS: u8 = 2;
/// How often a prefix may offer or take places in the long run, and how often at once: enough for the thousands behind a
/// carrier's address, and a guess at one of 2^40 codes hits nobody.
const MOVES: budgets::Price = budgets::Price {
    each: 1_000_000,
    burst: 60,
};
/// The soonest that somebody who has to wait is told to ask again.
const SOONEST: Duration = Duration::from_secs(1);

/// The door of one room, at one gateway.
#[derive(Debug)]
pub(crate) struct Door {
    rules: Bots,
    admission: Admission,
    /// Names the cells of a prefix; nobody outside can choose prefixes that share them.
    hidden: [u8; 32],
    joins: Mutex<Budgets>,
    /// Who waits instead of working, one by one.
    slow: Mutex<Budgets>,
    /// Who moves places.
    moves: Mutex<Budgets>,
    measured: Mutex<Measured>,
    pressure: AtomicU8,
}

/// What a newcomer who came back shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) challenge: Challenge,
    /// The challenge as it was presented: what the proof is bound to.
    pub(crate) text: &'a str,
    /// A counter, as it was sent.
    pub(crate) proof: Option<&'a str>,
    pub(crate) prefix: Option<Prefix>,
}

/// What becomes of a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Is given a number.
    Enter(By),
    /// Has work to do: that of this very challenge, or of a new one of so many bits.
    Work { bits: u8, wait: Duration },
    /// The prefix has used up its budget.
    Later(Duration),
}

/// By what a newcomer earned the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Nothing was asked.
    Nothing,
    /// The work was done.
    Work,
    /// It was waited for.
    Waiting,
}

impl Door {
    pub(crate) fn new(admission: Admission, hidden: [u8; 32]) -> Self {
        Self {
            rules: admission.bots(),
            admission,
            hidden,
            joins: Mutex::default(),
            slow: Mutex::default(),
            moves: Mutex::default(),
            measured: Mutex::default(),
            pressure: AtomicU8::new(0),
        }
    }

    /// The same under other rules: what prefixes have used and how hard newcomers press is still known.
    pub(crate) fn succeed(&self, admission: Admission) -> Self {
        Self {
            joins: Mutex::new(self.joins.lock().clone()),
            slow: Mutex::new(self.slow.lock().clone()),
            moves: Mutex::new(self.moves.lock().clone()),
            measured: Mutex::new(*self.measured.lock()),
            pressure: AtomicU8::new(self.pressure.load(Ordering::Relaxed)),
            ..Self::new(admission, self.hidden)
        }
    }

    /// Whether a number has a price. Then every number needs a challenge of its own, and the store remembers which
    /// challenge got which.
    pub(crate) fn has_a_price(&self) -> bool {
        self.rules.work().is_some() || self.rules.invitations() != Invitations::Off
    }

    /// Whether it is counted or has a price who takes a number: then it takes a challenge each time.
    pub(crate) fn is_watched(&self) -> bool {
        self.has_a_price() || self.rules.joins().is_some()
    }

    /// Whether newcomers need an invitation, or may bring one.
    pub(crate) fn invitations(&self) -> Invitations {
        self.rules.invitations()
    }

    /// How long a challenge is good.
    pub(crate) fn challenge_life(&self) -> Option<Duration> {
        self.has_a_price().then_some(WORK_LIFE)
    }

    /// Who a client is, where tokens are bound to one.
    pub(crate) fn bound(&self, address: Option<IpAddr>, agent: Option<&[u8]>) -> Option<Bound> {
        let agent = match self.rules.binding() {
            Binding::Off => return None,
            Binding::Prefix => None,
            Binding::Agent => Some(agent.unwrap_or_default()),
        };
        Some(Bound::to(*Prefix::of(address?).bytes(), agent))
    }

    /// Learns from a new picture how many join and how many are let in.
    pub(crate) fn observe(&self, line: &Line, next: Number, at: Timestamp) {
        if self.rules.work().is_none() {
            return;
        }
        let mut measured = self.measured.lock();
        *measured = measured.after((line.id, next), at);
        let pressure = measured.pressure(&self.admission, line.pace);
        self.pressure.store(pressure.bits(), Ordering::Relaxed);
    }

    /// How long a newcomer with a challenge of so many bits waits who does not do the work.
    pub(crate) fn wait(&self, bits: u8) -> Duration {
        let work = self.rules.work().filter(|_| bits > 0);
        work.map_or(Duration::ZERO, |work| work.wait(bits).max(SOONEST))
    }

    /// Bits that a new challenge asks of somebody from there; 0 for none.
    pub(crate) fn bits(&self, prefix: Option<Prefix>, now: Timestamp) -> u8 {
        let work = self.rules.work();
        work.map_or(0, |work| self.bits_of(work, prefix, now))
    }

    fn bits_of(&self, work: Work, prefix: Option<Prefix>, now: Timestamp) -> u8 {
        let pressure = self.pressure.load(Ordering::Relaxed);
        let used = match (self.rules.joins(), prefix) {
            (Some(rate), Some(prefix)) => {
                let cells = self.cells(prefix);
                let used = self.joins.lock().used(cells, now);
                (used, u64::from(rate.burst.get()) * micros(rate.interval()))
            }
            _ => (0, 0),
        };
        work.bits(pressure, used)
    }

    /// Decides on a newcomer who came back, and charges the prefix if a number is given.
    pub(crate) fn judge(&self, shown: &Shown<'_>, now: Timestamp) -> Verdict {
        let Some(work) = self.rules.work() else {
            return self.charge(shown.prefix, By::Nothing, now);
        };
        let asked = self.bits_of(work, shown.prefix, now);
        if asked == 0 {
            return self.charge(shown.prefix, By::Nothing, now);
        }
        let Challenge {
            issued_at, bits, ..
        } = shown.challenge;
        let is_hard_enough = bits > 0 && asked <= bits.saturating_add(SLACK_BITS);
        let proves = |counter| proof::proves(&proof::nonce(shown.text), counter, bits);
        if is_hard_enough && shown.proof.is_some_and(proves) {
            return self.charge(shown.prefix, By::Work, now);
        }
        let wait = work.wait(asked.max(bits));
        let rest = issued_at.plus(wait).since(now);
        let bits = if is_hard_enough { bits } else { asked };
        if !rest.is_zero() {
            return Verdict::Work {
                bits,
                wait: rest.max(SOONEST),
            };
        }
        match self.charge_slow(shown.prefix, wait, now) {
            Ok(()) => self.charge(shown.prefix, By::Waiting, now),
            Err(rest) => Verdict::Work {
                bits,
                wait: rest.max(SOONEST),
            },
        }
    }

    fn charge(&self, prefix: Option<Prefix>, by: By, now: Timestamp) -> Verdict {
        let (Some(rate), Some(prefix)) = (self.rules.joins(), prefix) else {
            return Verdict::Enter(by);
        };
        let price = budgets::Price {
            each: micros(rate.interval()),
            burst: rate.burst.get(),
        };
        let cells = self.cells(prefix);
        let charged = self.joins.lock().charge(cells, price, now);
        charged.map_or_else(
            |wait| Verdict::Later(wait.max(SOONEST)),
            |()| Verdict::Enter(by),
        )
    }

    /// Charges the prefix of somebody who offers a place or takes one, or says how long until they may.
    pub(crate) fn charge_move(
        &self,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let Some(address) = address else {
            return Ok(());
        };
        let cells = self.cells(Prefix::of(address));
        let charged = self.moves.lock().charge(cells, MOVES, now);
        charged.map_err(|wait| wait.max(SOONEST))
    }

    fn charge_slow(
        &self,
        prefix: Option<Prefix>,
        wait: Duration,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let Some(prefix) = prefix else { return Ok(()) };
        let price = budgets::Price {
            each: micros(wait),
            burst: 1,
        };
        let cells = self.cells(prefix);
        self.slow.lock().charge(cells, price, now)
    }

    fn cells(&self, prefix: Prefix) -> Cells {
        Cells::of(&self.hidden, prefix)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
