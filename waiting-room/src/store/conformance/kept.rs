//! What is kept under a name, the list of moves, and the receipts.

use std::time::Duration;

use super::{BASE, Rooms};
use crate::{
    store::{EntryId, RECEIPTS_KEPT},
    value::Timestamp,
};

const KEEP: Duration = Duration::from_secs(60);

pub(super) async fn moves_are_read_in_their_order(rooms: &dyn Rooms) {
    let (one, other) = (rooms.open("moves"), rooms.open("moves"));
    let first = EntryId::default();
    assert_eq!(one.moves(first).await, Ok(Vec::new()));
    for entry in [[1, 0], [2, 255], [1, 0]] {
        one.add_move(&entry).await.expect("added");
    }
    let all = other.moves(first).await.expect("read");
    let entries: Vec<_> = all.iter().map(|(_, entry)| &entry[..]).collect();
    assert_eq!(entries, [[1, 0], [2, 255], [1, 0]]);
    assert_eq!(other.moves(all[0].0).await, Ok(all[1..].to_vec()));
    assert_eq!(other.moves(all[2].0).await, Ok(Vec::new()));
    assert_eq!(one.forget_moves(all[1].0).await, Ok(()));
    assert_eq!(other.moves(first).await, Ok(all[2..].to_vec()));
    // What comes behind is read by whoever has read all that is forgotten.
    assert_eq!(one.forget_moves(all[2].0).await, Ok(()));
    one.add_move(&[3]).await.expect("added");
    let after = other.moves(all[2].0).await.expect("read");
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].1, [3]);
}

pub(super) async fn receipts_are_read_once_and_forgotten_in_time(rooms: &dyn Rooms) {
    let (one, other) = (rooms.open("receipts"), rooms.open("receipts"));
    assert_eq!(one.receipts(EntryId::default()).await, Ok(Vec::new()));
    let theirs = one.head().await.expect("head").at;
    let now = theirs.unwrap_or(Timestamp(BASE));
    for entry in [[1, 0], [2, 255], [1, 0]] {
        one.add_receipt(&entry, now, now.minus(RECEIPTS_KEPT))
            .await
            .expect("added");
    }
    let all = other.receipts(EntryId::default()).await.expect("read");
    let entries: Vec<_> = all.iter().map(|(_, entry)| &entry[..]).collect();
    assert_eq!(entries, [[1, 0], [2, 255], [1, 0]]);
    assert_eq!(other.receipts(all[0].0).await, Ok(all[1..].to_vec()));
    assert_eq!(other.receipts(all[2].0).await, Ok(Vec::new()));
    // Set back, a clock puts nothing before what was read.
    other
        .add_receipt(&[7], now.minus(RECEIPTS_KEPT), now.minus(RECEIPTS_KEPT))
        .await
        .expect("added");
    let after = one.receipts(all[2].0).await.expect("read");
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].1, [7]);
    // A store may drop them by the hundred.
    for _ in 0..200 {
        one.add_receipt(&[8; 64], now.plus(RECEIPTS_KEPT), now.plus(RECEIPTS_KEPT))
            .await
            .expect("added");
    }
    let left = one.receipts(EntryId::default()).await.expect("read");
    assert!(
        left.iter().all(|(_, entry)| entry[..] != [1, 0]),
        "{}",
        left.len()
    );
}

pub(super) async fn what_is_kept_is_read_back(rooms: &dyn Rooms) {
    let (one, other) = (rooms.open("kept"), rooms.open("kept"));
    let names = ["list:b".to_owned(), "list:a".to_owned()];
    assert_eq!(one.kept(&[]).await, Ok(Vec::new()));
    one.keep("list:a", &[0, 255], KEEP).await.expect("keep");
    assert_eq!(other.kept(&names).await, Ok(vec![None, Some(vec![0, 255])]));
    other.keep("list:a", &[1], KEEP).await.expect("keep");
    assert_eq!(one.kept(&names[1..]).await, Ok(vec![Some(vec![1])]));
    let elsewhere = rooms.open("kept elsewhere");
    assert_eq!(elsewhere.kept(&names).await, Ok(vec![None, None]));
}
