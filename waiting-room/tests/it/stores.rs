//! Both stores pass the one suite.

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
    let redis = Redis::new(&server.url()).expect("a URL");
    redis.connect();
    connected(&redis.room("acme", "any")).await;
    conformance::run(&InRedis(redis)).await;
}
