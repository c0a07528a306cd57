//! What tests rely on a private Redis for.

use devkit::{Error, Persistence, Ready, Redis, RedisOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

fn ask(redis: &Redis, command: &str) -> String {
    let mut stream = TcpStream::connect(redis.address()).unwrap();
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .unwrap();
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap().unwrap();
    if first.starts_with('$') && first != "$-1" {
        lines.next().unwrap().unwrap()
    } else {
        first
    }
}

#[test]
fn one_without_persistence_comes_back_empty_on_the_same_port() {
    let mut redis = Redis::start(RedisOptions::default()).unwrap();
    let port = redis.port();
    assert_eq!(ask(&redis, "SET a 1"), "+OK");
    redis.kill();
    assert!(TcpStream::connect(redis.address()).is_err());
    redis.start_again().unwrap();
    assert_eq!((ask(&redis, "GET a"), redis.port()), ("$-1".into(), port));
}

#[test]
fn one_that_persists_every_write_loses_nothing_in_a_crash() {
    let options = RedisOptions {
        persistence: Persistence::EveryWrite,
        ..Default::default()
    };
    let mut redis = Redis::start(options).unwrap();
    assert_eq!(ask(&redis, "SET a 1"), "+OK");
    redis.kill();
    redis.start_again().unwrap();
    assert_eq!(ask(&redis, "GET a"), "1");
}

#[test]
fn a_frozen_one_answers_nobody_until_it_is_thawed() {
    let redis = Redis::start(RedisOptions::default()).unwrap();
    let ready = Ready::Line(redis.address(), "PING\r\n", "+PONG");
    redis.pause();
    assert!(!ready.holds());
    redis.resume();
    assert!(ready.holds());
}

#[test]
fn evicts_nothing() {
    let redis = Redis::start(RedisOptions::default()).unwrap();
    let mut stream = TcpStream::connect(redis.address()).unwrap();
    stream.write_all(b"INFO memory\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let policy = lines.find_map(|line| Some(line.strip_prefix("maxmemory_policy:")?.to_owned()));
    assert_eq!(policy.as_deref(), Some("noeviction"));
}

#[test]
fn a_taken_port_is_named() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let options = RedisOptions {
        port: Some(port),
        ..Default::default()
    };
    match Redis::start(options) {
        Err(Error::PortTaken { port: taken, .. }) => assert_eq!(taken, port),
        other => panic!("{other:?}"),
    }
}
