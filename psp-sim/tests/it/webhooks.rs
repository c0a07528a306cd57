//! Webhooks as a receiver sees them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use psp_sim::Options;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::kit::{SECRET, World, until, world, world_with};

#[derive(Clone, Debug)]
struct Received {
    id: String,
    retried: String,
    signed: bool,
    event: Value,
}

#[derive(Default)]
struct Receiver {
    received: Mutex<Vec<Received>>,
    /// Answers to give first; then 200.
    answers: Mutex<Vec<u16>>,
}

async fn take(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let header = |name: &str| {
        let name = format!("tosspayments-webhook-{name}");
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    assert!(!header("transmission-time").is_empty());
    receiver.received.lock().push(Received {
        id: header("transmission-id"),
        retried: header("transmission-retried-count"),
        signed: headers.contains_key("tosspayments-webhook-signature"),
        event: serde_json::from_str(&body).unwrap(),
    });
    let answer = receiver.answers.lock().pop().unwrap_or(200);
    StatusCode::from_u16(answer).unwrap()
}

/// A receiver registered for the merchant; `answers` are given first, in order.
async fn receiver(world: &World, mut answers: Vec<u16>) -> Arc<Receiver> {
    answers.reverse();
    let receiver = Arc::new(Receiver {
        answers: Mutex::new(answers),
        ..Receiver::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/hook", post(take))
        .with_state(Arc::clone(&receiver));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let body = json!({ "merchant": SECRET, "url": url });
    let put = world
        .http
        .put(format!("{}/sim/webhooks", world.base))
        .json(&body);
    assert_eq!(put.send().await.unwrap().status(), 204);
    receiver
}

impl Receiver {
    async fn gets(&self, count: usize) -> Vec<Received> {
        until("webhooks", async || self.received.lock().len() >= count).await;
        self.received.lock().clone()
    }
}

#[tokio::test]
async fn an_approval_and_a_cancellation_are_told_without_a_signature() {
    let world = world().await;
    let receiver = receiver(&world, vec![]).await;
    let key = world.approved("order-0001").await;
    let done = receiver.gets(1).await[0].clone();
    assert_eq!(done.event["eventType"], "PAYMENT_STATUS_CHANGED");
    assert_eq!(done.event["data"]["status"], "DONE");
    assert_eq!(done.event["data"]["paymentKey"], key);
    assert_eq!((done.retried.as_str(), done.signed), ("0", false));
    let reason = json!({ "cancelReason": "all of it" });
    world
        .post(&format!("/v1/payments/{key}/cancel"), &reason)
        .send()
        .await
        .unwrap();
    let canceled = receiver.gets(2).await[1].clone();
    assert_eq!(canceled.event["data"]["status"], "CANCELED");
    assert_ne!(canceled.id, done.id);
}

#[tokio::test]
async fn an_expired_session_is_told() {
    let world = world().await;
    let receiver = receiver(&world, vec![]).await;
    world.authorize("order-0001").await;
    let advance = json!({ "advanceMs": 600_000 });
    let url = format!("{}/sim/clock", world.base);
    assert_eq!(
        world
            .http
            .post(url)
            .json(&advance)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(receiver.gets(1).await[0].event["data"]["status"], "EXPIRED");
}

#[tokio::test]
async fn only_200_counts_and_retries_keep_the_transmission_id() {
    let minute = Duration::from_millis(1);
    let world = world_with(Options {
        webhook_minute: minute,
        ..Options::default()
    })
    .await;
    let receiver = receiver(&world, vec![500, 204]).await;
    world.approved("order-0001").await;
    let received = receiver.gets(3).await;
    let retried: Vec<_> = received.iter().map(|each| each.retried.as_str()).collect();
    assert_eq!(retried, ["0", "1", "2"]);
    assert!(received.iter().all(|each| each.id == received[0].id));
}

#[tokio::test]
async fn duplicates_share_one_transmission_id() {
    let world = world().await;
    let receiver = receiver(&world, vec![]).await;
    world.faults(json!([{
        "id": "thrice", "match": { "op": "confirm" }, "fault": { "kind": "duplicate_webhook", "copies": 3 },
    }]))
    .await;
    world.approved("order-0001").await;
    let received = receiver.gets(3).await;
    assert!(received.iter().all(|each| each.id == received[0].id));
}

#[tokio::test]
async fn a_late_webhook_leaves_after_its_delay() {
    let world = world().await;
    let receiver = receiver(&world, vec![]).await;
    world.faults(json!([{
        "id": "late", "times": 1, "match": { "op": "confirm" }, "fault": { "kind": "late_webhook", "delay_ms": 1_500 },
    }]))
    .await;
    world.approved("order-0001").await;
    world.approved("order-0002").await;
    let received = receiver.gets(2).await;
    let orders: Vec<_> = received
        .iter()
        .map(|each| each.event["data"]["orderId"].clone())
        .collect();
    assert_eq!(
        orders,
        ["order-0002", "order-0001"],
        "the later payment's event overtakes the late one"
    );
}
