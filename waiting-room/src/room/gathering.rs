//! Requests to the store that come within a few milliseconds share one round trip.
//!
//! The first goes at once, in a task of its own: a visitor who hangs up must not take the others along. What comes until
//! some milliseconds after its answer goes together. Joins have their own way: they are bounded, remembered and in order
//! ([`join`](super::join)).

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Most of one batch, so that one slow answer never holds up an unbounded crowd.
const MOST_GATHERED: usize = 1_024;

#[derive(Debug)]
pub(super) struct Gathering<Q, A> {
    pause: Duration,
    waiting: Mutex<Waiting<Q, A>>,
}

#[derive(Debug)]
struct Waiting<Q, A> {
    asked: Vec<(Q, oneshot::Sender<A>)>,
    is_driven: bool,
}

impl<Q, A> Gathering<Q, A>
where
    Q: Send + 'static,
    A: Send + 'static,
{
    pub(super) fn new(pause: Duration) -> Self {
        let waiting = Waiting {
            asked: Vec::new(),
            is_driven: false,
        };
        Self {
            pause,
            waiting: Mutex::new(waiting),
        }
    }

    /// The answer to one question, by `all`, which answers many at once, in their order; `None` if it did not. Whoever
    /// asks first gives the `all` that answers everybody until nobody waits: nothing of one asker may be in it.
    pub(super) async fn ask<F>(
        self: &Arc<Self>,
        question: Q,
        all: impl Fn(Vec<Q>) -> F + Send + Sync + 'static,
    ) -> Option<A>
    where
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let (send, answer) = oneshot::channel();
        let is_driven = {
            let mut waiting = self.waiting.lock();
            waiting.asked.push((question, send));
            std::mem::replace(&mut waiting.is_driven, true)
        };
        if !is_driven {
            tokio::spawn(Arc::clone(self).drive(all));
        }
        answer.await.ok()
    }

    async fn drive<F>(self: Arc<Self>, all: impl Fn(Vec<Q>) -> F + Send)
    where
        F: Future<Output = Vec<A>> + Send,
    {
        let _undriven = Undriven(&self);
        while let Some(batch) = self.next() {
            let (questions, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            for (sender, answer) in senders.into_iter().zip(all(questions).await) {
                // Who hung up needs no answer.
                let _ = sender.send(answer);
            }
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
        }
    }

    fn next(&self) -> Option<Vec<(Q, oneshot::Sender<A>)>> {
        let mut waiting = self.waiting.lock();
        if waiting.asked.is_empty() {
            waiting.is_driven = false;
            return None;
        }
        let count = waiting.asked.len().min(MOST_GATHERED);
        Some(waiting.asked.drain(..count).collect())
    }
}

/// A batch that panics leaves nobody waiting for an answer that never comes.
struct Undriven<'a, Q, A>(&'a Gathering<Q, A>);

impl<Q, A> Drop for Undriven<'_, Q, A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut waiting = self.0.waiting.lock();
            waiting.asked.clear();
            waiting.is_driven = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn what_comes_while_one_is_on_its_way_goes_together_and_each_gets_its_own_answer() {
        let gathering = Arc::new(Gathering::new(Duration::ZERO));
        let (trips, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let ask = |number: u32| {
            let gathering = Arc::clone(&gathering);
            let (trips, gate) = (Arc::clone(&trips), Arc::clone(&gate));
            let all = move |numbers: Vec<u32>| {
                trips.fetch_add(1, Ordering::Relaxed);
                let gate = Arc::clone(&gate);
                async move {
                    let _passed = gate.acquire_owned().await;
                    numbers.into_iter().map(|number| number * 2).collect()
                }
            };
            tokio::spawn(async move { gathering.ask(number, all).await })
        };
        let first = ask(1);
        while trips.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (2..100).map(ask).collect();
        while gathering.waiting.lock().asked.len() < others.len() {
            tokio::task::yield_now().await;
        }
        gate.add_permits(1);
        assert_eq!(first.await.expect("no panic"), Some(2));
        for (number, other) in (2..100).zip(others) {
            assert_eq!(other.await.expect("no panic"), Some(number * 2));
        }
        assert_eq!(trips.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_batch_that_panics_takes_nobody_along_who_comes_later() {
        let gathering = Arc::new(Gathering::<u32, u32>::new(Duration::ZERO));
        let panics = |_| async { panic!("on purpose") };
        assert_eq!(gathering.ask(1, panics).await, None);
        let same = |numbers: Vec<u32>| async { numbers };
        assert_eq!(gathering.ask(2, same).await, Some(2));
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_none_and_the_next_is_asked_anew() {
        let gathering = Arc::new(Gathering::<u32, u32>::new(Duration::ZERO));
        let nothing = |_| async { Vec::new() };
        assert_eq!(gathering.ask(1, nothing).await, None);
        let doubled = |numbers: Vec<u32>| async { numbers.into_iter().map(|n| n * 2).collect() };
        assert_eq!(gathering.ask(2, doubled).await, Some(4));
    }
}
