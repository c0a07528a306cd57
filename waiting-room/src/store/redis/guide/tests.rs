use super::*;

fn text(text: &str) -> Value {
    Value::from(text)
}

fn list(items: impl Into<Vec<Value>>) -> Value {
    Value::Array(items.into())
}

#[test]
fn a_sentinels_word_is_the_primary_with_its_epoch() {
    let address = || list([text("10.0.0.7"), text("6379")]);
    let facts = |epoch| list(["name", "main", "config-epoch", epoch].map(text));
    let word = primary_of(address(), facts("12"));
    let at = Layout::all_at(Server::new("10.0.0.7", 6379));
    assert_eq!(word, Some((12, at)));
    assert_eq!(primary_of(address(), facts("?")), None);
    assert_eq!(primary_of(Value::Null, facts("12")), None);
    assert_eq!(primary_of(address(), Value::Null), None);
}

#[test]
fn an_older_word_counts_only_if_nobody_knows_better() {
    let heard = |epoch, by_all| Heard {
        epoch,
        layout: Layout::default(),
        by_all,
    };
    let mut newest = Newest::default();
    assert!(newest.goes_by(&heard(4, false)));
    assert!(newest.goes_by(&heard(5, false)));
    assert!(!newest.goes_by(&heard(4, false)), "of one who was cut off");
    assert!(newest.goes_by(&heard(5, false)));
    assert!(newest.goes_by(&heard(1, true)), "all began anew");
    assert!(newest.goes_by(&heard(5, false)));
    let rounds = (1..).find(|_| newest.goes_by(&heard(4, false)));
    assert_eq!(rounds, Some(OLDER_ROUNDS), "nobody else is left");
}

fn range(ends: [i64; 2], host: Value, port: i64) -> Value {
    let node = list([host, Value::from(port), text("id"), list([])]);
    let replica = list([text("10.0.0.9"), Value::from(1), text("id")]);
    list([Value::from(ends[0]), Value::from(ends[1]), node, replica])
}

const HEALTHY: &str = "cluster_state:ok\r\ncluster_slots_ok:16384\r\ncluster_current_epoch:6\r\n";

#[test]
fn a_nodes_word_tells_the_owner_of_every_slot() {
    let slots = list([
        range([8_000, 16_383], text("10.0.0.2"), 7_002),
        range([0, 4_000], text("10.0.0.1"), 7_001),
        range([4_001, 4_001], text("10.0.0.2"), 7_002),
    ]);
    let (epoch, layout) = slots_of(&text(HEALTHY), slots, "asked").expect("understood");
    assert_eq!(epoch, 6);
    let owner = |slot| layout.owner(slot).map(ToString::to_string);
    let (one, two) = (Some("10.0.0.1:7001".into()), Some("10.0.0.2:7002".into()));
    assert_eq!([0, 4_000].map(owner), [one.clone(), one]);
    assert_eq!(
        [4_001, 8_000, 16_383].map(owner),
        [two.clone(), two.clone(), two]
    );
    assert_eq!(
        [4_002, 7_999].map(owner),
        [None, None],
        "nobody serves them"
    );
}

#[test]
fn a_node_without_an_address_is_where_it_was_asked() {
    for unknown in [Value::Null, text("")] {
        let slots = list([range([0, 16_383], unknown, 7_001)]);
        let (_, layout) = slots_of(&text(HEALTHY), slots, "asked").expect("understood");
        assert_eq!(layout, Layout::all_at(Server::new("asked", 7_001)));
    }
}

#[test]
fn a_node_that_is_cut_off_and_one_that_talks_nonsense_have_no_say() {
    let slots = || list([range([0, 16_383], text("a"), 1)]);
    let cut_off = HEALTHY.replace("state:ok", "state:fail");
    assert_eq!(slots_of(&text(&cut_off), slots(), "asked"), None);
    assert_eq!(slots_of(&text("?"), slots(), "asked"), None);
    let odd = list([range([0, 70_000], text("a"), 1)]);
    assert_eq!(slots_of(&text(HEALTHY), odd, "asked"), None);
}

#[test]
fn a_sentinel_is_not_told_the_servers_password() {
    let url = "redis-sentinel://:of-redis@a:1/2?sentinelServiceName=main&node=b:2";
    let config = Config::from_url(url).expect("a URL");
    let sentinel = Server::new("b", 2);
    let open = reaching(&sentinel, &config);
    assert_eq!(open.server.hosts(), std::slice::from_ref(&sentinel));
    assert_eq!((open.password, open.database), (None, None));
    let url = format!("{url}&sentinelPassword=of-sentinel");
    let config = Config::from_url(&url).expect("a URL");
    let closed = reaching(&sentinel, &config).password;
    assert_eq!(closed.as_deref(), Some("of-sentinel"));
}

#[test]
fn a_clusters_node_is_told_the_password() {
    let config = Config::from_url("redis-cluster://:secret@a:1?node=b:2").expect("a URL");
    let node = reaching(&Server::new("b", 2), &config);
    assert_eq!(node.password.as_deref(), Some("secret"));
}
