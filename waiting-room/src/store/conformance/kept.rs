//! What is kept under a name, and the list of moves.

use std::time::Duration;

use super::Rooms;

const KEEP: Duration = Duration::from_secs(60);

pub(super) async fn moves_are_read_in_their_order(rooms: &dyn Rooms) {
    let (one, other) = (rooms.open("moves"), rooms.open("moves"));
    assert_eq!(one.moves(0).await, Ok(Vec::new()));
    for entry in [[1, 0], [2, 255], [1, 0]] {
        one.add_move(&entry).await.expect("added");
    }
    let all = vec![vec![1, 0], vec![2, 255], vec![1, 0]];
    assert_eq!(other.moves(1).await, Ok(all[1..].to_vec()));
    assert_eq!(other.moves(0).await, Ok(all));
    assert_eq!(other.moves(3).await, Ok(Vec::new()));
    assert_eq!(other.moves(9).await, Ok(Vec::new()));
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
