use super::*;

fn record<'r>() -> Record<'r> {
    Record {
        since_epoch: Duration::new(1_764_547_200, 1_000),
        request_id: "r1",
        trace_id: [0xab; 16],
        tenant: "acme",
        client: Some("192.0.2.1".parse().expect("address")),
        method: "GET",
        host: "shop.test",
        path: "/a\"\\\u{1}판매",
        user_agent: "curl",
        status: 200,
        outcome: Outcome::Proxied,
        bytes: 12,
        took: Duration::from_micros(345),
        upstream: Some("shop"),
        tries: 1,
        config: 3,
    }
}

#[test]
fn a_line_is_json_and_says_all() {
    let mut out = String::new();
    json::line(&mut out, &record());
    assert!(out.ends_with('\n'));
    let line: serde_json::Value = serde_json::from_str(&out).expect("json");
    assert_eq!(line["ts"], "2025-12-01T00:00:00.000001Z");
    assert_eq!(line["path"], "/a\"\\\u{1}판매");
    assert_eq!(line["trace_id"], "ab".repeat(16));
    assert_eq!(line["outcome"], "proxied");
    assert_eq!(line["us"], 345);
    assert_eq!(line["upstream"], "shop");
}

#[test]
fn a_long_user_agent_is_cut_between_letters() {
    let agent = "é".repeat(300);
    let record = Record {
        user_agent: &agent,
        ..record()
    };
    let mut out = String::new();
    json::line(&mut out, &record);
    let line: serde_json::Value = serde_json::from_str(&out).expect("json");
    assert_eq!(line["user_agent"], "é".repeat(100));
}

#[test]
fn the_writer_writes_what_waits_before_it_ends() {
    let directory = std::env::temp_dir().join(format!("fluxgate-log-{}", std::process::id()));
    let dropped = IntCounter::new("dropped", "dropped").expect("a name");
    let (log, writer) =
        AccessLog::open(&Target::File(directory.clone()), dropped.clone()).expect("opens");
    for _ in 0..100 {
        log.write(&record());
    }
    drop(writer);
    let text = std::fs::read_to_string(&directory).expect("readable");
    std::fs::remove_file(&directory).expect("removable");
    assert_eq!(text.lines().count(), 100);
    assert_eq!(dropped.get(), 0);
}

#[test]
fn lines_beyond_the_bound_are_dropped_and_counted() {
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        wake: Condvar::new(),
        dropped: IntCounter::new("dropped", "dropped").expect("a name"),
    });
    shared
        .state
        .lock()
        .buffer
        .resize(BUFFER_BYTES_MAX + 1, b'x');
    AccessLog(Some(Arc::clone(&shared))).write(&record());
    assert_eq!(shared.dropped.get(), 1);
    assert_eq!(shared.state.lock().buffer.len(), BUFFER_BYTES_MAX + 1);
}
