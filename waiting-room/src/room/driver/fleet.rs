//! What the gateways of a fleet owe each other: to be missed when they die, not to be missed when they end, and to leave
//! no numbers behind that nobody holds.

use std::{sync::atomic::Ordering, time::Duration};

use super::Driver;
use crate::{
    controller::{Fleet, LotStep},
    presence::{CLOCK_SKEW, DUE_SLACK},
    status::POLL_SOON,
    store::{Mark, StoreError},
    value::{Number, Timestamp},
};

/// A gateway that has written nothing for so long is missed: several steps, and clocks that differ. Before this nobody
/// looks overdue who was told by it: a bit lasts for the slack and the skew past its poll.
pub(in crate::room) const MISSED_AFTER: Duration =
    CLOCK_SKEW.saturating_add(Duration::from_millis(1_500));
/// By then everybody near the front whom a silent gateway told has asked elsewhere.
const MISSED_FOR: Duration = Duration::from_secs(30);
/// And by then it is not coming back.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);
/// A gateway that goes on after a silence first answers whoever hung in its sockets meanwhile: thousands in seconds, even
/// where the others load the machine too.
const CAUGHT_UP_AFTER: Duration = Duration::from_secs(10);
/// This gateway misses itself sooner, since there is but one clock in that: after so long without a step, because it
/// stood still or its store did not answer.
const STOOD_STILL: Duration = Duration::from_millis(1_500);

const _: () = assert!(
    MISSED_FOR.as_secs() >= POLL_SOON.as_secs() + DUE_SLACK.as_secs() + CLOCK_SKEW.as_secs()
);

impl Driver {
    /// Ends this gateway's part in the room: its last bits are written, and nobody misses it. To be called when the
    /// process ends in peace or another room has taken over; a gateway that dies is missed.
    pub async fn retire(&mut self, now: Timestamp) {
        self.presence_at = Timestamp(0);
        let flushed = self.flush(now).await;
        let flushed = flushed.and(self.write_released(now).await);
        let retired = self.inner.store.retire(self.inner.gateway).await;
        if let Err(error) = flushed.and(retired) {
            tracing::debug!(%error, "this gateway will be missed for a while");
        }
    }

    /// Visits that the origin said are over. What the store did not take is said again.
    pub(super) async fn write_released(&self, now: Timestamp) -> Result<(), StoreError> {
        let released = std::mem::take(&mut *self.inner.heirlooms.released.lock());
        if released.is_empty() {
            return Ok(());
        }
        let numbers = released.iter().copied().collect();
        let written = self.inner.store.merge(Mark::Left, &numbers).await;
        match written {
            Ok(()) => released
                .into_iter()
                .for_each(|number| self.inner.heirlooms.left.note(number, now)),
            Err(_) => self.inner.heirlooms.released.lock().extend(released),
        }
        written
    }

    /// Notes that bits may be missing. A gateway that died took its last quarter second to its grave, and one that stood
    /// still or is behind with its work holds polls that it has not answered: those whom it told when to come back look
    /// overdue until they have. This gateway may be the one that stood still.
    pub(super) fn note_missing(&mut self, now: Timestamp) {
        let stepped_at = std::mem::replace(&mut self.stepped_at, now);
        let stood_still = stepped_at.0 > 0 && now.since(stepped_at) > STOOD_STILL;
        if stood_still {
            // The others would see it only by a longer silence.
            self.inner
                .heirlooms
                .lateness
                .fall_behind(now, CAUGHT_UP_AFTER);
        }
        let is_missed = |at: &Timestamp| (MISSED_AFTER..MISSED_FOR).contains(&now.since(*at));
        if stood_still || self.known.gateways.values().any(is_missed) {
            let whole_from = now.plus(CAUGHT_UP_AFTER).0;
            let known = &self.inner.heirlooms.whole_from;
            known.store(whole_from, Ordering::Relaxed);
        }
    }

    /// Whether every gateway's bits can be trusted to be there.
    pub(super) fn fleet(&self, now: Timestamp) -> Fleet {
        // A clock that was set back ends it.
        let whole_from = self.inner.heirlooms.whole_from.load(Ordering::Relaxed);
        let left = Timestamp(whole_from).since(now);
        match !left.is_zero() && left <= CAUGHT_UP_AFTER {
            true => Fleet::Missing,
            false => Fleet::Whole,
        }
    }

    /// Gateways that are not coming back need not be looked at for ever, nor what they said of the stock, nor epochs of
    /// visits that nobody asks for.
    pub(super) async fn forget_the_dead(&self, now: Timestamp) -> Result<(), StoreError> {
        for (place, gateway) in self.orders.older_stocks() {
            if !self.known.gateways.contains_key(&gateway) {
                self.inner.store.order(place, None).await?;
            }
        }
        let over = self.inner.visited.load().over(now);
        self.inner.store.forget_visits(&over).await?;
        for (gateway, at) in &self.known.gateways {
            if now.since(*at) > FORGOTTEN_AFTER {
                self.inner.store.retire(*gateway).await?;
            }
        }
        Ok(())
    }

    /// Numbers that this gateway took for a tick that another made: nobody holds them, nobody shall wait for them.
    pub(super) async fn give_up(
        &self,
        taken: [Option<(Number, Number)>; 2],
        lot: &LotStep,
    ) -> Result<(), StoreError> {
        let list = match lot {
            LotStep::Close(list) => Some((list.to, list.end)),
            _ => None,
        };
        for (from, to) in taken.into_iter().flatten().chain(list) {
            let numbers = (from.0..to.0).map(Number).collect();
            self.inner.store.merge(Mark::Left, &numbers).await?;
        }
        Ok(())
    }
}

/// A gateway's clock may be so far off the store's: two of them are then no farther apart than a fleet's clocks may be, and
/// a little for how well that can be measured.
const CLOCK_OFF: Duration = Duration::from_millis(CLOCK_SKEW.as_millis() as u64 / 2 + 100);

/// A gateway whose clock is far off would read other epochs than the fleet writes and think the room empty.
/// It neither ticks nor lets anybody in until its clock is right. The store said its time between the two of `asked`.
pub(super) fn agree_on_time(
    theirs: Option<Timestamp>,
    asked: [Timestamp; 2],
) -> Result<(), StoreError> {
    let Some(theirs) = theirs else { return Ok(()) };
    let apart = theirs.since(asked[1]).max(asked[0].since(theirs));
    if apart <= CLOCK_OFF {
        return Ok(());
    }
    let seconds = apart.as_secs();
    Err(StoreError::Clock(format!(
        "the store's is {seconds} s from this machine's"
    )))
}
