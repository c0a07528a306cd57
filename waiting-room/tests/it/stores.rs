//! All stores pass the one suite, whatever kind of Redis they are on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use waiting_room::store::{
    RoomStore,
    conformance::{self, Rooms},
    memory::MemoryStore,
    redis::Redis,
};

use crate::fleet::connected;

#[derive(Default)]
struct InMemory(Mutex<HashMap<String, MemoryStore>>);

impl Rooms for InMemory {
    fn open(&self, name: &str) -> Arc<dyn RoomStore> {
        let mut rooms = self.0.lock().expect("not poisoned");
        Arc::new(rooms.entry(name.to_owned()).or_default().clone())
    }
}

struct InRedis(Redis);

impl Rooms for InRedis {
    fn open(&self, name: &str) -> Arc<dyn RoomStore> {
        Arc::new(self.0.room("acme", name))
    }
}

#[tokio::test]
async fn memory_keeps_the_ports_promises() {
    conformance::run(&InMemory::default()).await;
}

#[tokio::test]
async fn redis_keeps_the_ports_promises() {
    let server = devkit::Redis::start(devkit::RedisOptions::default()).expect("a Redis");
    keeps_the_ports_promises(&server.url()).await;
}

#[tokio::test]
async fn redis_under_sentinels_keeps_the_ports_promises() {
    let server = devkit::RedisSentinel::start().expect("a Redis under Sentinels");
    keeps_the_ports_promises(&server.url()).await;
}

#[tokio::test]
async fn a_redis_cluster_keeps_the_ports_promises() {
    let cluster = devkit::RedisCluster::start().expect("a Redis Cluster");
    keeps_the_ports_promises(&cluster.url()).await;
    // The suite's rooms were not all on one node.
    let keys = cluster.nodes().iter();
    let keys = keys.map(|node| node.ask(&["DBSIZE"]).expect("an answer"));
    assert!(keys.into_iter().all(|keys| keys.text() != "0"));
}

async fn keeps_the_ports_promises(url: &str) {
    let redis = Redis::new(url).expect("a URL");
    redis.connect();
    // A Cluster's nodes are not all connected at once.
    for room in 0..16 {
        connected(&redis.room("acme", &room.to_string())).await;
    }
    conformance::run(&InRedis(redis)).await;
}
