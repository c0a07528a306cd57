//! Numbers for those who came while the store was lost: each gateway puts its list into the store, one tick numbers all
//! that are there.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::Driver;
use crate::{
    line::Line,
    provisional::{List, ListId, Numbered, Roster},
    store::{Head, StoreError},
    value::Timestamp,
};

/// How long lists are kept: as long as a browser keeps a ticket.
const KEEP: Duration = Duration::from_secs(48 * 3_600);
/// A list that is to be numbered stands among the orders, where every gateway looks with every step.
const PLACE: &str = "list:";

/// What stands there while a list is still open, before the time in milliseconds.
const OPEN: &str = "open:";
/// A gateway that announced a list and has not handed it in by then has died.
const HANDED_IN_WITHIN: Duration = Duration::from_secs(10);

/// The rosters of the line, and the lists they are made of.
#[derive(Debug, Default)]
pub(super) struct Rosters(Vec<(Numbered, Vec<List>, Arc<Roster>)>);

impl Rosters {
    /// Those of a line, as far as they are known.
    pub(super) fn of(&self, line: &Line) -> Vec<Arc<Roster>> {
        let of_line = self.0.iter();
        let of_line = of_line.filter(|(numbered, ..)| line.provisional.contains(numbered));
        of_line.map(|(.., roster)| Arc::clone(roster)).collect()
    }

    fn add(&mut self, numbered: Numbered, lists: Vec<List>) {
        let roster = Arc::new(Roster::new(numbered.first, &lists));
        self.0.push((numbered, lists, roster));
    }
}

/// Lists that are in the store and have no numbers.
pub(super) fn unnumbered(head: &Head, line: &Line, now: Timestamp) -> Vec<ListId> {
    let mut lists: Vec<_> = named(head)
        .filter(|(list, since)| !is_numbered(line, *list) && !is_given_up(*since, now))
        .map(|(list, _)| list)
        .collect();
    lists.sort_unstable();
    lists
}

/// The lists that stand there, and since when they are open if they are.
fn named(head: &Head) -> impl Iterator<Item = (ListId, Option<Timestamp>)> + '_ {
    let places = head.orders.iter();
    places.filter_map(|(place, said)| {
        let hex = place.strip_prefix(PLACE)?;
        let list = u64::from_str_radix(hex, 16).ok().map(ListId)?;
        let since = std::str::from_utf8(said).ok()?.strip_prefix(OPEN);
        let since = since.and_then(|ms| ms.parse().ok()).map(Timestamp);
        Some((list, since))
    })
}

fn is_given_up(since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|since| now >= since.plus(HANDED_IN_WITHIN))
}

fn is_numbered(line: &Line, list: ListId) -> bool {
    let mut all = line.provisional.iter();
    all.any(|numbered| numbered.lists.contains(&list))
}

fn name(list: ListId) -> String {
    format!("{PLACE}{:016x}", list.0)
}

impl Driver {
    /// Reads the lists of numbers that this gateway does not know.
    pub(super) async fn learn_rosters(&mut self, line: &Line) -> Result<(), StoreError> {
        let is_of_line = |numbered: &Numbered| line.provisional.contains(numbered);
        self.rosters.0.retain(|(numbered, ..)| is_of_line(numbered));
        let known = |numbered: &&Numbered| self.rosters.0.iter().any(|(of, ..)| of == *numbered);
        let missing: Vec<_> = line
            .provisional
            .iter()
            .filter(|n| !known(n))
            .cloned()
            .collect();
        for numbered in missing {
            let lists = self.lists(&numbered.lists).await?;
            let total: u64 = lists.iter().map(|list| u64::from(list.total())).sum();
            if total != u64::from(numbered.count) {
                // Of a part of them everybody's number would be somebody else's.
                tracing::debug!(
                    first = numbered.first.0,
                    "lists of those who came are missing"
                );
                continue;
            }
            self.rosters.add(numbered, lists);
        }
        self.inner
            .heirlooms
            .desk
            .numbered(|list| is_numbered(line, list));
        Ok(())
    }

    /// The lists as far as they are there and whole.
    async fn lists(&self, ids: &[ListId]) -> Result<Vec<List>, StoreError> {
        let names: Vec<_> = ids.iter().map(|list| name(*list)).collect();
        let kept = self.inner.store.kept(&names).await?;
        let read = ids.iter().zip(kept);
        let lists = read.filter_map(|(id, bytes)| List::decode(*id, &bytes?));
        Ok(lists.collect())
    }

    /// Says that this gateway has a list, as soon as the store is there: nobody gives out numbers before it is handed
    /// in, wherever the store came back first.
    pub(super) async fn announce(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let open = self.inner.heirlooms.desk.open();
        let Some(list) = open.filter(|list| self.announced != Some(*list)) else {
            return Ok(());
        };
        let said = format!("{OPEN}{}", now.0);
        let store = &self.inner.store;
        store.order(&name(list), Some(said.as_bytes())).await?;
        self.announced = Some(list);
        Ok(())
    }

    /// Puts this gateway's lists into the store.
    pub(super) async fn hand_in(&mut self) -> Result<Vec<ListId>, StoreError> {
        let store = &self.inner.store;
        let lists = self.inner.heirlooms.desk.close();
        for list in &lists {
            // One may go on after a link was lost, and is another list then.
            let handed_in = (list.id, list.total());
            if self.handed_in.contains(&handed_in) {
                continue;
            }
            let name = name(list.id);
            store.keep(&name, &list.encode(), KEEP).await?;
            let total = list.total().to_string();
            store.order(&name, Some(total.as_bytes())).await?;
            self.handed_in.push(handed_in);
        }
        Ok(lists.iter().map(|list| list.id).collect())
    }

    /// Takes numbers for all lists that have none, and forgets about those that have.
    pub(super) async fn number_lists(
        &mut self,
        head: &Head,
        line: &Line,
        now: Timestamp,
    ) -> Result<Option<Numbered>, StoreError> {
        for (list, since) in named(head) {
            if is_numbered(line, list) || is_given_up(since, now) {
                self.inner.store.order(&name(list), None).await?;
            }
        }
        let pending = unnumbered(head, line, now);
        let is_open =
            |(list, since): (ListId, Option<Timestamp>)| since.is_some() && pending.contains(&list);
        if pending.is_empty() || named(head).any(is_open) {
            return Ok(None);
        }
        let lists = self.lists(&pending).await?;
        for lost in pending
            .iter()
            .filter(|id| lists.iter().all(|list| list.id != **id))
        {
            // Its visitors take numbers of the ordinary kind.
            tracing::warn!(list = lost.0, "a list of arrivals is gone");
            self.inner.store.order(&name(*lost), None).await?;
        }
        let total: u64 = lists.iter().map(|list| u64::from(list.total())).sum();
        let count = u32::try_from(total).ok().and_then(NonZeroU32::new);
        let Some(count) = count else {
            return Ok(None);
        };
        let first = self.take(count).await?;
        let numbered = Numbered {
            first,
            count: count.get(),
            lists: lists.iter().map(|list| list.id).collect(),
        };
        tracing::info!(count, first = first.0, "arrivals from before are numbered");
        self.rosters.add(numbered.clone(), lists);
        Ok(Some(numbered))
    }

    /// Gives the lists back to a store that forgot.
    pub(super) async fn restore_lists(&self) -> Result<(), StoreError> {
        for list in self.rosters.0.iter().flat_map(|(_, lists, _)| lists) {
            let bytes = list.encode();
            self.inner.store.keep(&name(list.id), &bytes, KEEP).await?;
        }
        Ok(())
    }
}
