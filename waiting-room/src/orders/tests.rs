use super::*;

fn stored(orders: &[Order]) -> Vec<(String, Vec<u8>)> {
    orders
        .iter()
        .map(|order| (order.word.place(), order.encode()))
        .collect()
}

fn order(at: u64, word: Word) -> Order {
    Order::new(at, Timestamp(at), "kim", word).expect("valid")
}

#[test]
fn what_was_said_is_read_back() {
    let active = NonZeroU32::new(7);
    let orders = Orders::read(&stored(&[
        order(1, Word::Pause { on: true }),
        order(2, Word::Drain { on: false }),
        order(
            3,
            Word::Tune {
                active,
                per_minute: None,
                until: Some(10),
            },
        ),
        order(
            4,
            Word::Announce {
                text: "곧 시작합니다".into(),
            },
        ),
    ]));
    assert!(orders.is_paused() && !orders.is_draining());
    assert_eq!(orders.tuned(Timestamp(9)), Some((active, None)));
    assert_eq!(orders.tuned(Timestamp(10)), None, "it has run out");
    assert_eq!(orders.announced(), Some("곧 시작합니다"));
    assert_eq!(orders.remaining(), None);
}

#[test]
fn the_newest_word_about_the_stock_counts_whoever_said_it() {
    let mut all = stored(&[order(5, Word::Stock { remaining: Some(9) })]);
    let late = order(7, Word::Stock { remaining: Some(0) });
    all.push(("stock:2".into(), late.encode()));
    let early = order(6, Word::Stock { remaining: Some(4) });
    all.push(("stock:1".into(), early.encode()));
    assert_eq!(Orders::read(&all).remaining(), Some(0));
}

#[test]
fn all_but_the_last_word_of_a_gateway_about_the_stock_can_go() {
    let mut all = stored(&[order(9, Word::Stock { remaining: Some(9) })]);
    for (gateway, at) in [(1, 5), (0xff, 7), (3, 6)] {
        let word = order(
            at,
            Word::Stock {
                remaining: Some(at),
            },
        );
        all.push((format!("{STOCK_OF_GATEWAY}{gateway:016x}"), word.encode()));
    }
    let read = Orders::read(&all);
    let older: Vec<_> = read.older_stocks().map(|(_, gateway)| gateway.0).collect();
    assert_eq!(older, [1, 3]);
}

#[test]
fn what_was_left_of_the_last_sale_is_not_left_of_this_one() {
    let stock = |place: &str, at, left| {
        let order = order(
            at,
            Word::Stock {
                remaining: Some(left),
            },
        );
        (place.to_owned(), order.encode())
    };
    let read =
        |all: &[(String, Vec<u8>)]| Orders::read(all).of_a_sale_since(Timestamp(10)).remaining();
    let (first, sold_out) = (stock("stock", 3, 500), stock("stock:1", 7, 0));
    assert_eq!(read(&[first, sold_out.clone()]), None);
    let restocked = stock("stock", 8, 300);
    assert_eq!(
        read(&[sold_out, restocked.clone()]),
        Some(300),
        "for the sale to come"
    );
    assert_eq!(read(&[restocked, stock("stock:1", 10, 299)]), Some(299));
}

#[test]
fn what_a_newer_gateway_said_is_passed_over() {
    let mut all = stored(&[order(5, Word::Pause { on: true })]);
    all.push((
        "dance".into(),
        br#"{"id":1,"at":1,"by":"x","word":{"order":"dance"}}"#.to_vec(),
    ));
    assert!(Orders::read(&all).is_paused());
}

#[test]
fn nonsense_is_refused() {
    let say = |by: &str, word| Order::new(1, Timestamp(50), by, word);
    let long = "x".repeat(281);
    let announce = |text: &str| Word::Announce { text: text.into() };
    let too_long = OrderError::TooLong {
        what: "text",
        most: 280,
    };
    assert_eq!(say("kim", announce(&long)), Err(too_long));
    assert_eq!(
        say("kim", announce("a\u{1b}[2J")),
        Err(OrderError::Control { what: "text" })
    );
    assert_eq!(
        say("kim", announce("\u{202e}dlos")),
        Err(OrderError::Control { what: "text" })
    );
    for nobody in ["", " ", "\u{3000}"] {
        assert_eq!(
            say(nobody, Word::Pause { on: true }),
            Err(OrderError::Missing { what: "by" })
        );
    }
    let until = Word::Tune {
        active: None,
        per_minute: None,
        until: Some(50),
    };
    assert_eq!(say("kim", until), Err(OrderError::Past));
    let silent = Word::First {
        number: 1,
        reason: "\u{3000} ".into(),
    };
    assert_eq!(
        say("kim", silent),
        Err(OrderError::Missing { what: "reason" })
    );
}
