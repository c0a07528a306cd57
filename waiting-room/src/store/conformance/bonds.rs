//! Names are bound once.

use super::{Rooms, number};
use crate::store::{Bond, Shelf};

fn name(name: u64) -> Bond {
    Bond {
        shelf: Shelf::Arrivals(7),
        name,
    }
}

pub(super) async fn a_name_is_bound_to_the_first_number(rooms: &dyn Rooms) {
    let (one, two) = (rooms.open("bonds"), rooms.open("bonds"));
    assert_eq!(one.bound(&[]).await, Ok(Vec::new()));
    assert_eq!(one.bind(&[]).await, Ok(Vec::new()));
    let names = [u64::MAX, 0].map(name);
    assert_eq!(one.bound(&names).await, Ok(vec![None, None]));
    let first = [(names[0], number(1))];
    assert_eq!(one.bind(&first).await, Ok(vec![number(1)]));
    assert_eq!(one.bind(&first).await, Ok(vec![number(1)]), "twice is once");
    let both = [(names[0], number(2)), (names[1], number(3))];
    let stands = vec![number(1), number(3)];
    assert_eq!(two.bind(&both).await, Ok(stands), "the first stands");
    assert_eq!(
        one.bound(&[names[1], names[0], name(5)]).await,
        Ok(vec![Some(number(3)), Some(number(1)), None])
    );
    let elsewhere = Bond {
        shelf: Shelf::Arrivals(8),
        ..names[0]
    };
    let again = [(elsewhere, number(9)), (names[0], number(9))];
    assert_eq!(
        two.bind(&again).await,
        Ok(vec![number(9), number(1)]),
        "another shelf"
    );
    let invitation = Bond {
        shelf: Shelf::Invitations,
        ..names[0]
    };
    let used = [(invitation, number(7)), (name(8), number(8))];
    assert_eq!(one.bind(&used).await, Ok(vec![number(7), number(8)]));
    assert_eq!(two.bound(&[invitation]).await, Ok(vec![Some(number(7))]));
    let apart = rooms.open("bonds-apart");
    assert_eq!(apart.bound(&names).await, Ok(vec![None, None]));
}
