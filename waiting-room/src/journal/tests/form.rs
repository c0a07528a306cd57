//! There is one way to write an entry, and nothing else is read.

use proptest::{collection::vec, option, prelude::*};

use super::*;

fn texts() -> impl Strategy<Value = Text> {
    let quotes = "[a\"\\\\ 한]{1,20}".prop_filter_map("blank", |text| Text::new(&text).ok());
    let any = "\\PC{1,280}".prop_filter_map("blank", |text| Text::new(&text).ok());
    prop_oneof![quotes, any]
}

fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, 0..=MOST_NUMBER]
}

fn ranges() -> impl Strategy<Value = Option<Passed>> {
    let some = (0..MOST_NUMBER - 100, vec(any::<bool>(), 0..100)).prop_map(|(from, called)| {
        let end = from + called.len() as u64;
        Passed::new(from..end, |number| called[(number - from) as usize])
    });
    let long = (0..1_000_u64, 1_000..=MOST_NUMBER).prop_map(|(from, to)| Passed::all(from..to));
    prop_oneof![4 => some, 1 => long]
}

fn openings() -> impl Strategy<Value = Opening> {
    (
        texts(),
        texts(),
        (numbers(), numbers()),
        (numbers(), numbers()),
    )
        .prop_map(
            |(tenant, room, (line, first), (grace, absent_after))| Opening {
                tenant,
                room,
                line: LineId(line),
                first: Number(first),
                grace: std::time::Duration::from_millis(grace),
                absent_after: std::time::Duration::from_millis(absent_after),
            },
        )
}

fn events() -> impl Strategy<Value = Event> {
    let kinds = prop_oneof![
        openings().prop_map(Kind::Opened),
        option::of(openings()).prop_map(Kind::Tuned),
        prop::sample::select(vec![
            Kind::Paused,
            Kind::Resumed,
            Kind::Drained,
            Kind::Announced,
            Kind::Drawn,
            Kind::Closed,
        ]),
    ];
    (kinds, option::of(texts()), option::of(texts())).prop_map(|(kind, by, detail)| Event {
        kind,
        by,
        detail,
    })
}

fn firsts() -> impl Strategy<Value = First> {
    (numbers(), texts(), texts()).prop_map(|(number, by, reason)| First { number, by, reason })
}

fn entries() -> impl Strategy<Value = Entry> {
    let counts = (
        numbers(),
        numbers(),
        numbers(),
        numbers(),
        numbers(),
        numbers(),
    );
    let lists = (vec(numbers(), 0..4), vec(firsts(), 0..3));
    let limits = (option::of(any::<u32>()), option::of(any::<u32>()));
    let why = option::of("[a-z_]{1,32}".prop_filter_map("a name", |name| Why::new(&name)));
    (
        counts,
        (ranges(), ranges()),
        lists,
        limits,
        (why, option::of(events())),
    )
        .prop_map(
            |(
                counts,
                (called, arrived),
                (late, first),
                (active_limit, per_minute),
                (why, event),
            )| {
                let (at, given, horizon, living, active, lapsed) = counts;
                let limits = Limits {
                    active: active_limit,
                    per_minute,
                };
                let at = Timestamp(at);
                Entry {
                    at,
                    given,
                    horizon,
                    called,
                    arrived,
                    late,
                    first,
                    living,
                    active,
                    lapsed,
                    limits,
                    why,
                    event,
                }
            },
        )
}

fn heads() -> impl Strategy<Value = Head> {
    (0..MOST_NUMBER, any::<[u8; 32]>()).prop_map(|(seq, hash)| Head { seq, hash })
}

proptest! {
    #[test]
    fn an_entry_is_read_back_and_written_the_same(entry in entries(), prev in heads()) {
        let (line, head) = entry.write(&prev);
        let read = Entry::parse(line.as_bytes()).map_err(|e| TestCaseError::fail(format!("{e}: {line}")))?;
        prop_assert_eq!(read.head, head);
        prop_assert_eq!(read.prev, prev.hash);
        prop_assert_eq!(&read.entry, &entry);
        prop_assert_eq!(read.entry.write(&prev).0, line);
    }

    /// Whatever is read is in the one form: a change of one byte is refused, or is another entry.
    #[test]
    fn what_is_read_is_written_again_byte_for_byte(
        entry in entries(), prev in heads(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut line = entry.write(&prev).0.into_bytes();
        let at = at.index(line.len());
        line[at] = byte;
        if let Ok(read) = Entry::parse(&line) {
            let prev = Head { seq: read.head.seq - 1, hash: read.prev };
            prop_assert_eq!(read.entry.write(&prev).0.into_bytes(), line);
        }
    }

    #[test]
    fn a_head_is_shown_and_read(head in heads()) {
        prop_assert_eq!(head.to_string().parse(), Ok(head));
    }

    #[test]
    fn a_range_knows_its_numbers(called in vec(any::<bool>(), 1..200), from in 0_u64..1_000, above in 0_u64..1_300) {
        let to = from + called.len() as u64;
        let is_called = |number: u64| called[(number - from) as usize];
        let passed = Passed::new(from..to, is_called).expect("not empty");
        let all: Vec<_> = (from..to).filter(|n| is_called(*n)).collect();
        prop_assert_eq!(passed.calls() as usize, all.len());
        prop_assert_eq!((0..to + 20).filter(|n| passed.has_called(*n)).collect::<Vec<_>>(), all.clone());
        prop_assert_eq!(passed.calls_above(above) as usize, all.iter().filter(|n| **n > above).count());
        let skipped: Vec<_> = (from..to).filter(|n| !is_called(*n)).collect();
        prop_assert_eq!(passed.skipped().collect::<Vec<_>>(), skipped);
    }
}

#[test]
fn the_smallest_entry_is_this() {
    let (line, head) = quiet(START).write(&opening().start());
    let prev = "52061508d0f929d263b0f72b82ecb742b14822d9e9863f811a61be7253e91469";
    let expected = [
        r#"{"seq":1,"prev":""#,
        prev,
        r#"","at":1790000000000,"given":0,"horizon":0,"#,
        r#""called":null,"arrived":null,"late":[],"first":[],"living":0,"active":0,"lapsed":0,"#,
        r#""limits":{"active":null,"per_minute":null},"why":null}"#,
    ];
    assert_eq!(line, expected.concat());
    assert_eq!(head.seq, 1);
}

#[test]
fn nothing_but_the_one_form_is_read() {
    let line = |entry: &Entry| entry.write(&opening().start()).0;
    let passed = Entry {
        called: Passed::new(0..4, |n| n == 1),
        late: vec![7],
        ..quiet(START)
    };
    let opened = Entry {
        event: event(Kind::Opened(opening())),
        ..quiet(START)
    };
    let paused = Entry {
        event: event(Kind::Paused),
        ..quiet(START)
    };
    let stopped = Entry {
        why: Some(Why::PAUSED),
        ..quiet(START)
    };
    assert!(Entry::parse(line(&passed).as_bytes()).is_ok());
    for (entry, from, to) in [
        (&passed, r#""seq":1"#, r#""seq": 1"#),
        (&passed, r#""seq":1"#, r#""seq":0"#),
        (&passed, r#""seq":1"#, r#""seq":01"#),
        (&passed, r#""seq":1"#, r#""seq":1.0"#),
        (&passed, r#""seq":1"#, r#""seq":-1"#),
        (&passed, r#""seq":1"#, r#""seq":9007199254740992"#),
        (&passed, r#""seq":1"#, r#""seq":99999999999999999999999"#),
        (&passed, r#""given":0,"#, ""),
        (&passed, r#""given":0,"#, r#""given":0,"more":1,"#),
        (
            &passed,
            r#""given":0,"horizon":0"#,
            r#""horizon":0,"given":0"#,
        ),
        (&passed, r#""late":[7]"#, r#""late":[7,]"#),
        (&passed, r#""late":[7]"#, r#""late":null"#),
        (&passed, r#""to":4"#, r#""to":0"#),
        (&passed, r#""to":4"#, r#""to":9"#),
        (&passed, r#""to":4"#, r#""to":1"#),
        (&passed, r#""which":"Ag""#, r#""which":"""#),
        (&passed, r#""which":"Ag""#, r#""which":"Ag==""#),
        (&passed, r#""which":"Ag""#, r#""which":"Ah""#),
        (&passed, r#""which":"Ag""#, r#""which":"Dw""#),
        (&passed, r#""which":"Ag""#, r#""which":"8g""#),
        (&passed, r#""why":null"#, r#""why":"""#),
        (&passed, r#""why":null}"#, r#""why":null,"event":null}"#),
        (&passed, r#""why":null}"#, r#""why":null} "#),
        (&passed, r#""why":null}"#, "\"why\":null}\r"),
        (&passed, r#""active":null"#, r#""active":4294967296"#),
        (&opened, r#""line":{"#, r#""line":null,"x":{"#),
        (&opened, r#""kind":"opened""#, r#""kind":"paused""#),
        (&opened, r#""kind":"opened""#, r#""kind":"burned""#),
        (&opened, r#""acme""#, r#""\u0061cme""#),
        (&opened, r#""acme""#, "\"ac\tme\""),
        (&opened, r#""acme""#, r#""""#),
        (&paused, r#""kind":"paused""#, r#""kind":"opened""#),
        (&stopped, r#""paused""#, r#""Paused""#),
        (
            &stopped,
            r#""paused""#,
            r#""a_reason_that_has_more_than_32_letters""#,
        ),
    ] {
        let line = line(entry);
        let changed = line.replacen(from, to, 1);
        assert_ne!(line, changed, "{from} is in it");
        assert!(Entry::parse(changed.as_bytes()).is_err(), "{changed}");
    }
}

#[test]
fn a_head_has_one_form() {
    let head = opening().start();
    let digits = head.to_string();
    for wrong in [
        digits.to_uppercase(),
        format!("0{digits}"),
        format!("+{digits}"),
        format!("{digits}0"),
        digits.replace(':', ""),
    ] {
        assert_eq!(wrong.parse::<Head>(), Err(HeadError), "{wrong}");
    }
}

#[test]
fn texts_and_reasons_are_checked() {
    assert_eq!(Text::new(" "), Err(TextError::Blank));
    assert_eq!(Text::new("a\nb"), Err(TextError::Control));
    assert_eq!(Text::new("\u{1b}[2J"), Err(TextError::Control));
    assert!(Text::new(&"가".repeat(280)).is_ok());
    assert_eq!(Text::new(&"가".repeat(281)), Err(TextError::Long));
    assert_eq!(Why::new("paused"), Some(Why::PAUSED));
    assert!(Why::new("").is_none() && Why::new("a-b").is_none() && Why::new("é").is_none());
}

#[test]
fn an_error_says_where_and_what() {
    let line = quiet(START)
        .write(&opening().start())
        .0
        .replace(r#""late":[]"#, r#""late":[x]"#);
    let error = Entry::parse(line.as_bytes()).expect_err("x is no number");
    assert_eq!(&line[error.at..=error.at], "x");
    assert!(
        error.to_string().ends_with("not a whole number below 2^53"),
        "{error}"
    );
}
