//! A mark decides: whoever sets it first is told so.

use super::{Mark, Rooms, SEGMENT_NUMBERS, Was, number};

pub(super) async fn a_mark_says_once_that_it_was_unset(rooms: &dyn Rooms) {
    let (one, two) = (rooms.open("mark"), rooms.open("mark"));
    assert_eq!(one.mark(Mark::Claimed, number(9)).await, Ok(Was::Unset));
    assert_eq!(two.mark(Mark::Claimed, number(9)).await, Ok(Was::Set));
    assert_eq!(
        two.mark(Mark::Left, number(9)).await,
        Ok(Was::Unset),
        "kinds are apart"
    );
    assert_eq!(
        two.mark(Mark::Claimed, number(8)).await,
        Ok(Was::Unset),
        "numbers are apart"
    );
    // Several at once, some of them twice, over two segments.
    let numbers = [7, 9, SEGMENT_NUMBERS + 1, 7].map(number);
    let was = one.mark_each(Mark::Claimed, &numbers).await;
    let (unset, set) = (Was::Unset, Was::Set);
    assert_eq!(was, Ok(vec![unset, set, unset, set]));
    assert_eq!(two.mark(Mark::Claimed, numbers[2]).await, Ok(Was::Set));
    assert_eq!(one.mark_each(Mark::Claimed, &[]).await, Ok(Vec::new()));
}
