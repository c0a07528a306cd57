//! What is kept under a name.

use std::time::Duration;

use super::Rooms;

const KEEP: Duration = Duration::from_secs(60);

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
