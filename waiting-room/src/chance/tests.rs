use std::sync::Arc;

use super::*;
use crate::{
    line::{Line, Marks},
    orders::{Order, Orders, Word},
    value::Timestamp,
};

const START: Timestamp = Timestamp(1_790_000_000_000);

/// So many wait, ten are inside, and so much is left.
fn picture(waiting: u64, left: Option<u64>) -> Snapshot {
    let mut line = Line::open(START, 0);
    line.occupied = 10;
    let next = line.floor.plus(waiting);
    let mut picture = Snapshot::build(line, next, Marks::default(), START);
    let stock = Word::Stock { remaining: left };
    let order = Order::new(1, START, "origin", stock).expect("valid");
    picture.orders = Arc::new(Orders::read(&[(order.word.place(), order.encode())]));
    picture
}

/// Ten inside, and so many visits have ended.
fn news(ended: u32) -> Span {
    Span {
        called: ended,
        active: 10,
        ..Span::default()
    }
}

fn chance(shop: &mut Shop, waiting: u64, left: u64, place: u64) -> Chance {
    let picture = picture(waiting, Some(left));
    let prospect = shop.look(&picture, &news(0)).expect("the stock is known");
    prospect.of(Number(START.0 * 1_000 + place))
}

#[test]
fn nothing_is_said_where_nobody_knows_what_is_left() {
    assert_eq!(Shop::default().look(&picture(50, None), &news(0)), None);
    assert_eq!(
        Shop::default().look(&picture(50, Some(0)), &news(0)),
        None,
        "sold out is a state"
    );
}

#[test]
fn the_front_may_hope_and_the_end_is_told_early() {
    let shop = &mut Shop::default();
    assert_eq!(chance(shop, 1_000, 200, 0), Chance::Likely);
    assert_eq!(chance(shop, 1_000, 200, 100), Chance::Likely);
    assert_eq!(chance(shop, 1_000, 200, 195), Chance::Possible);
    assert_eq!(chance(shop, 1_000, 200, 250), Chance::Unlikely);
    assert_eq!(chance(shop, 1_000, 200, 900), Chance::NoneLeft);
    assert_eq!(
        chance(&mut Shop::default(), 1_000, 5_000, 999),
        Chance::Likely
    );
}

#[test]
fn how_much_those_before_bought_moves_the_line_between() {
    let mut shop = Shop::default();
    assert_eq!(chance(&mut shop, 1_000, 1_000, 400), Chance::Likely);
    // Two hundred visits took four hundred.
    let prospect = shop
        .look(&picture(1_000, Some(600)), &news(200))
        .expect("known");
    assert_eq!(prospect.of(Number(START.0 * 1_000 + 200)), Chance::Likely);
    assert_eq!(prospect.of(Number(START.0 * 1_000 + 400)), Chance::Unlikely);
    // Two hundred more took ten: most of them only looked.
    let prospect = shop
        .look(&picture(1_000, Some(590)), &news(200))
        .expect("known");
    assert_eq!(prospect.of(Number(START.0 * 1_000 + 400)), Chance::Likely);
}

#[test]
fn stock_that_is_put_back_is_no_sale() {
    let mut shop = Shop::default();
    let _ = shop.look(&picture(100, Some(10)), &news(0));
    let before = shop.bought();
    let _ = shop.look(&picture(100, Some(500)), &news(0));
    assert!((shop.bought() - before).abs() < 1e-9);
}

#[test]
fn a_chance_does_not_flicker() {
    let mut shop = Shop::default();
    let first = shop
        .look(&picture(900, Some(300)), &news(0))
        .expect("known");
    let border = first.ends[0];
    assert!(border < NOWHERE);
    for (left, visits) in [(301, 0), (298, 3), (303, 0), (296, 7), (300, 0)] {
        let now = shop
            .look(&picture(900, Some(left)), &news(visits))
            .expect("known");
        assert_eq!(now.ends[0], border, "{left} left");
    }
    let later = shop
        .look(&picture(900, Some(150)), &news(150))
        .expect("known");
    assert_ne!(later.ends[0], border);
}

#[test]
fn in_a_short_line_each_unit_counts() {
    let mut shop = Shop::default();
    let mut told = |left, visits| {
        let prospect = shop.look(&picture(1, Some(left)), &news(visits));
        prospect.expect("known").of(Number(START.0 * 1_000))
    };
    assert_eq!(told(50, 0), Chance::Likely);
    // Those inside are expected to buy five.
    assert_eq!(told(5, 45), Chance::Possible);
    assert_eq!(told(1, 4), Chance::Unlikely);
}

#[test]
fn a_stock_that_is_said_to_be_another_is_no_sale() {
    let mut shop = Shop::default();
    let _ = shop.look(&picture(100, Some(9_000)), &news(0));
    let before = shop.bought();
    let _ = shop.look(&picture(100, Some(500)), &news(0));
    assert!((shop.bought() - before).abs() < 1e-9);
}

#[test]
fn the_parts_follow_each_other() {
    let mut shop = Shop::default();
    for left in [900, 500, 480, 200, 199, 90, 400, 5, 1] {
        let prospect = shop
            .look(&picture(900, Some(left)), &news(5))
            .expect("known");
        assert!(prospect.ends.is_sorted(), "{left}: {prospect:?}");
    }
}
