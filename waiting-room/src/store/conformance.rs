//! One suite for every store: what the port promises, as checks that any adapter must pass.
//!
//! Each check takes a way to open the same room (so that two gateways can be played) and starts from
//! an empty room of its own. They panic with what was broken.

mod bonds;
mod kept;
mod marked;
mod traces;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::{
    Commit, Committed, Epoch, KEPT_ENTRIES, Mark, Part, Reach, Record, RoomStore, Taken, Was,
};
use crate::{
    bits::{Bits, CHUNK_BYTES},
    line::SEGMENT_NUMBERS,
    presence::Trace,
    value::{LineId, Number, Timestamp},
};

/// Where the suite's line begins; as arbitrary as in production.
const BASE: u64 = 1_790_000_000_123;

/// Opens rooms of the store under test. A fresh name is a fresh room; the same name the same room.
pub trait Rooms: Send + Sync {
    /// The store of the room called `name`.
    fn open(&self, name: &str) -> Arc<dyn RoomStore>;
}

/// Runs every check.
///
/// # Panics
/// When the store breaks a promise of the port.
pub async fn run(rooms: &dyn Rooms) {
    an_empty_room_has_no_record(rooms).await;
    numbers_are_never_given_twice(rooms).await;
    marked::a_mark_says_once_that_it_was_unset(rooms).await;
    marks_are_merged_and_read_back(rooms).await;
    traces::traces_of_gateways_are_united(rooms).await;
    traces::epochs_of_visits_are_listed_until_they_are_forgotten(rooms).await;
    traces::writing_a_trace_again_changes_nothing(rooms).await;
    traces::a_chunk_takes_the_place_of_what_its_gateway_wrote_before(rooms).await;
    one_gateway_wins_a_tick(rooms).await;
    a_commit_is_fenced_by_the_version(rooms).await;
    a_commit_raises_the_counter_and_never_lowers_it(rooms).await;
    every_change_of_a_mark_shows_in_its_stamp(rooms).await;
    orders_stand_until_they_are_replaced(rooms).await;
    the_log_keeps_its_last_entries(rooms).await;
    reports_of_all_gateways_are_read_in_order(rooms).await;
    kept::what_is_kept_is_read_back(rooms).await;
    kept::receipts_are_read_once_and_forgotten_in_time(rooms).await;
    kept::moves_are_read_in_their_order(rooms).await;
    rooms_do_not_see_each_other(rooms).await;
    bonds::a_name_is_bound_to_the_first_number(rooms).await;
}

fn number(index: u64) -> Number {
    Number(BASE + index)
}

/// All marks of a kind, of the few segments that the suite uses.
async fn marks(store: &dyn RoomStore, mark: Mark) -> Bits {
    let first = BASE / SEGMENT_NUMBERS;
    let parts: Vec<_> = (first..=first + 3)
        .map(|segment| Part { mark, segment })
        .collect();
    let read = store.marks(&parts).await.expect("marks");
    assert_eq!(read.len(), parts.len());
    let mut all = Bits::new();
    read.iter().for_each(|bits| all.merge(bits));
    all
}

async fn trace(store: &dyn RoomStore, epoch: Epoch) -> Bits {
    let mut read = store.traces(&[epoch]).await.expect("traces");
    assert_eq!(read.len(), 1);
    read.remove(0)
}

fn reach(version: u64) -> Reach {
    Reach {
        line: LineId(BASE),
        horizon: number(version),
        at: Timestamp(BASE + version),
    }
}

fn commit(seen: Option<u64>, version: u64) -> Commit {
    Commit {
        seen,
        record: Record {
            version,
            line: format!("line {version}").into_bytes(),
        },
        reach: reach(version),
        next_at_least: number(0),
        chunks: Vec::new(),
        entries: Vec::new(),
        drop_below: BASE / SEGMENT_NUMBERS,
    }
}

fn count(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("positive")
}

async fn an_empty_room_has_no_record(rooms: &dyn Rooms) {
    let store = rooms.open("empty");
    let head = store.head().await.expect("head");
    assert!(head.next.is_none() && head.record.is_none(), "{head:?}");
    for mark in Mark::ALL {
        assert_eq!(marks(&*store, mark).await, Bits::new());
    }
    assert_eq!(trace(&*store, (Trace::Activity, 3)).await, Bits::new());
    assert_eq!(store.traces(&[]).await, Ok(Vec::new()));
    assert_eq!(store.marks(&[]).await, Ok(Vec::new()));
    assert_ne!(store.session(), 0);
}

async fn numbers_are_never_given_twice(rooms: &dyn Rooms) {
    let store = rooms.open("numbers");
    let opened = store.commit(&commit(None, 1)).await;
    assert_eq!(opened, Ok(Committed::Done));
    let other = rooms.open("numbers");
    let first = store.take(count(3)).await.expect("three").first;
    let then = other.take(count(1)).await.expect("one").first;
    let last = store.take(count(1)).await.expect("one").first;
    assert_eq!((first, then, last), (number(0), number(3), number(4)));
    assert_eq!(store.head().await.expect("head").next, Some(number(5)));
}

async fn marks_are_merged_and_read_back(rooms: &dyn Rooms) {
    let store = rooms.open("merge");
    store.mark(Mark::Claimed, number(1)).await.expect("mark");
    // Spread over three segments, among them the first and last number of one.
    let edge = (BASE / SEGMENT_NUMBERS + 1) * SEGMENT_NUMBERS;
    let more: Bits = [number(70), Number(edge - 1), Number(edge), number(140_000)]
        .into_iter()
        .collect();
    store.merge(Mark::Claimed, &more).await.expect("merge");
    store
        .merge(Mark::Claimed, &more)
        .await
        .expect("merge twice");
    let mut all = more;
    all.add(number(1));
    assert_eq!(marks(&*store, Mark::Claimed).await, all);
    assert_eq!(marks(&*store, Mark::Left).await, Bits::new());
}

async fn one_gateway_wins_a_tick(rooms: &dyn Rooms) {
    let (one, two) = (rooms.open("tick"), rooms.open("tick"));
    let hold = Duration::from_secs(30);
    assert_eq!(one.try_tick(Timestamp(BASE), hold).await, Ok(true));
    assert_eq!(two.try_tick(Timestamp(BASE + 1), hold).await, Ok(false));
    assert_eq!(
        one.try_tick(Timestamp(BASE + 2), hold).await,
        Ok(false),
        "not even the same one"
    );
}

async fn a_commit_is_fenced_by_the_version(rooms: &dyn Rooms) {
    let (one, two) = (rooms.open("fence"), rooms.open("fence"));
    assert_eq!(one.commit(&commit(None, 1)).await, Ok(Committed::Done));
    assert_eq!(
        two.commit(&commit(None, 1)).await,
        Ok(Committed::Fenced),
        "it exists by now"
    );
    let gone: Bits = [number(3)].into_iter().collect();
    let chunk = gone.chunks().next().expect("one");
    let calls = Commit {
        chunks: vec![(Mark::Gone, chunk, gone.bytes(chunk).to_vec())],
        ..commit(Some(1), 2)
    };
    assert_eq!(two.commit(&calls).await, Ok(Committed::Done));
    let late = Commit {
        chunks: vec![(Mark::Late, chunk, vec![0xff; CHUNK_BYTES])],
        ..calls
    };
    assert_eq!(
        one.commit(&late).await,
        Ok(Committed::Fenced),
        "a paused gateway writes nothing"
    );
    let head = one.head().await.expect("head");
    assert_eq!(head.record, Some(commit(None, 2).record));
    assert_eq!(marks(&*one, Mark::Gone).await, gone);
    assert_eq!(marks(&*one, Mark::Late).await, Bits::new());
}

async fn a_commit_raises_the_counter_and_never_lowers_it(rooms: &dyn Rooms) {
    let store = rooms.open("raise");
    let raised = Commit {
        next_at_least: number(100),
        ..commit(None, 1)
    };
    assert_eq!(store.commit(&raised).await, Ok(Committed::Done));
    let taken = |at, version| Taken {
        first: number(at),
        reach: Some(reach(version)),
    };
    assert_eq!(store.take(count(1)).await, Ok(taken(100, 1)));
    assert_eq!(store.commit(&commit(Some(1), 2)).await, Ok(Committed::Done));
    // Whoever takes a number sees how far the newest commit reaches.
    assert_eq!(store.take(count(1)).await, Ok(taken(101, 2)));
}

async fn every_change_of_a_mark_shows_in_its_stamp(rooms: &dyn Rooms) {
    let store = rooms.open("stamps");
    let (first, other) = (number(3), number(140_000));
    let stamps = async || store.head().await.expect("head").stamps;
    let part = |mark, number: Number| Part {
        mark,
        segment: number.0 / SEGMENT_NUMBERS,
    };
    let before = stamps().await;
    store.mark(Mark::Left, first).await.expect("mark");
    let marked = stamps().await;
    let merged = [other].into_iter().collect();
    store.merge(Mark::Claimed, &merged).await.expect("merge");
    let merged = stamps().await;
    let gone: Bits = [first].into_iter().collect();
    let chunk = gone.chunks().next().expect("one");
    let calls = Commit {
        chunks: vec![(Mark::Gone, chunk, gone.bytes(chunk).to_vec())],
        ..commit(None, 1)
    };
    assert_eq!(store.commit(&calls).await, Ok(Committed::Done));
    let committed = stamps().await;
    let changes = [
        (&before, &marked, part(Mark::Left, first)),
        (&marked, &merged, part(Mark::Claimed, other)),
        (&merged, &committed, part(Mark::Gone, first)),
    ];
    for (before, after, part) in changes {
        assert_ne!(before.get(&part), after.get(&part), "{part:?}");
        let others = |stamps: &std::collections::BTreeMap<Part, u64>| {
            let mut others = stamps.clone();
            others.remove(&part);
            others
        };
        assert_eq!(others(before), others(after), "{part:?} alone changed");
    }
    // What is below the floor is forgotten, stamps too.
    let drops = Commit {
        drop_below: BASE / SEGMENT_NUMBERS + 1,
        ..commit(Some(1), 2)
    };
    assert_eq!(store.commit(&drops).await, Ok(Committed::Done));
    let kept: Vec<Part> = stamps().await.into_keys().collect();
    assert_eq!(kept, [part(Mark::Claimed, other)]);
    // However far it rises at once.
    let far = (1..=20).map(|segment| Number(BASE + segment * SEGMENT_NUMBERS));
    let parts: Vec<Part> = far.clone().map(|number| part(Mark::Left, number)).collect();
    for number in far {
        store.mark(Mark::Left, number).await.expect("a mark");
    }
    let drops = Commit {
        drop_below: BASE / SEGMENT_NUMBERS + 21,
        ..commit(Some(2), 3)
    };
    assert_eq!(store.commit(&drops).await, Ok(Committed::Done));
    assert!(stamps().await.is_empty());
    let marks = store.marks(&parts).await.expect("marks");
    assert!(marks.iter().all(|bits| bits.count() == 0));
}

async fn orders_stand_until_they_are_replaced(rooms: &dyn Rooms) {
    let (one, two) = (rooms.open("orders"), rooms.open("orders"));
    one.mark(Mark::Left, number(1))
        .await
        .expect("a stamp beside");
    for (place, order) in [("pause", "on"), ("first:12", "kim"), ("pause", "off")] {
        let said = one.order(place, Some(order.as_bytes())).await;
        assert_eq!(said, Ok(()));
    }
    assert_eq!(two.order("first:12", None).await, Ok(()));
    assert_eq!(two.order("never", None).await, Ok(()));
    let head = two.head().await.expect("head");
    assert_eq!(head.orders, [("pause".to_owned(), b"off".to_vec())]);
    assert_eq!(head.stamps.len(), 1);
    for (order, is_first) in [("one", true), ("two", false)] {
        let said = two.order_once("beacon", order.as_bytes()).await;
        assert_eq!(said, Ok(is_first));
    }
    let head = one.head().await.expect("head");
    assert!(
        head.orders
            .contains(&("beacon".to_owned(), b"one".to_vec()))
    );
}

async fn the_log_keeps_its_last_entries(rooms: &dyn Rooms) {
    let (one, two) = (rooms.open("log"), rooms.open("log"));
    assert_eq!(one.log(5).await, Ok(Vec::new()));
    let last = u64::from(KEPT_ENTRIES) + 1;
    for version in 1..=last {
        let seen = (version > 1).then_some(version - 1);
        let entry = (version != 2).then(|| format!("entry {version}"));
        let entries = entry.into_iter().collect();
        let commit = Commit {
            entries,
            ..commit(seen, version)
        };
        assert_eq!(one.commit(&commit).await, Ok(Committed::Done));
    }
    let fenced = Commit {
        entries: vec!["never".into()],
        ..commit(Some(1), 2)
    };
    assert_eq!(two.commit(&fenced).await, Ok(Committed::Fenced));
    let tail = two.log(2).await;
    assert_eq!(
        tail,
        Ok([last - 1, last].map(|n| format!("entry {n}")).to_vec())
    );
    let all = two.log(KEPT_ENTRIES).await.expect("log");
    assert_eq!(
        (all.len(), all[0].as_str()),
        (KEPT_ENTRIES as usize, "entry 1")
    );
}

async fn reports_of_all_gateways_are_read_in_order(rooms: &dyn Rooms) {
    let (one, two) = (rooms.open("reports"), rooms.open("reports"));
    assert_eq!(one.reports().await, Ok(Vec::new()));
    for (store, report) in [(&one, b"a\0"), (&two, b"b\xff"), (&one, b"c\0")] {
        assert_eq!(store.report(report).await, Ok(()));
    }
    let expected = [b"a\0", b"b\xff", b"c\0"].map(|report| report.to_vec());
    assert_eq!(two.reports().await, Ok(expected.to_vec()));
}

async fn rooms_do_not_see_each_other(rooms: &dyn Rooms) {
    let (one, two) = (rooms.open("apart-1"), rooms.open("apart-2"));
    one.mark(Mark::Claimed, number(1)).await.expect("mark");
    one.commit(&commit(None, 1)).await.expect("commit");
    assert_eq!(two.head().await.expect("head").record, None);
    assert_eq!(marks(&*two, Mark::Claimed).await, Bits::new());
}
