//! What tests rely on a private Redis Cluster for.

use devkit::{Error, RedisCluster};

fn refusal(result: Result<devkit::Reply, Error>) -> String {
    match result {
        Err(Error::Command { output, .. }) => output,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_slot_moves_with_its_keys_while_it_is_used() {
    let cluster = RedisCluster::start().unwrap();
    let slot = cluster.slot_of("{room}:a").unwrap();
    let from = cluster.owner(slot);
    let to = (from + 1) % 3;
    let (source, target) = (&cluster.nodes()[from], &cluster.nodes()[to]);
    assert!(refusal(target.ask(&["GET", "{room}:a"])).starts_with("MOVED"));
    for key in ["{room}:a", "{room}:b"] {
        source.ask(&["SET", key, "1"]).unwrap();
    }
    let moving = cluster.begin_move(slot, to).unwrap();
    assert_eq!(moving.carry(1).unwrap(), 1);
    let halves = refusal(source.ask(&["MGET", "{room}:a", "{room}:b"]));
    assert!(halves.starts_with("TRYAGAIN"), "{halves}");
    assert!(refusal(source.ask(&["GET", "{room}:new"])).starts_with("ASK"));
    moving.finish().unwrap();
    assert_eq!(cluster.owner(slot), to);
    let all = target.ask(&["MGET", "{room}:a", "{room}:b"]).unwrap();
    assert!(
        all.items().iter().all(|value| value.text() == "1"),
        "{all:?}"
    );
    assert!(refusal(source.ask(&["GET", "{room}:a"])).starts_with("MOVED"));
}
