//! The PSP of a test's world: what its customers do, what goes wrong there, what it holds for true.

use super::Stage;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::sync::watch;

/// Starts one with an empty book; it serves until the sender is dropped.
pub(super) async fn start() -> (SocketAddr, watch::Sender<bool>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let sim = psp_sim::Sim::new(&psp_sim::Options::default());
    tokio::spawn(sim.serve(listener, stopping));
    (address, stop)
}

impl Stage {
    /// What the payment window would return for this order.
    pub(crate) async fn window(&self, tenant: &str, order: &str, amount: i64) -> String {
        let body = json!({ "orderId": order, "amount": amount, "currency": "KRW" });
        let request = self
            .http
            .post(format!("http://{}/sandbox/v1/authorizations", self.psp));
        let answer = self
            .send(
                request
                    .basic_auth(format!("test_sk_{}", tenant.replace('-', "")), Some(""))
                    .json(&body),
            )
            .await;
        assert!(answer.status == 200 || answer.status == 201, "{answer:?}");
        answer.at("/paymentKey")
    }

    /// Sets the PSP's faults.
    pub(crate) async fn faults(&self, rules: Value) {
        let answer = self
            .send(
                self.http
                    .put(format!("http://{}/sim/faults", self.psp))
                    .json(&rules),
            )
            .await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }

    /// What the PSP approved or cancelled for an order, ever.
    pub(crate) async fn psp_moves(&self, order: &str, kind: &str) -> Vec<Value> {
        let answer = self
            .send(self.http.get(format!(
                "http://{}/sim/approvals?after=0&limit=10000",
                self.psp
            )))
            .await;
        let all: Vec<Value> = serde_json::from_str(&answer.text).unwrap();
        all.into_iter()
            .filter(|entry| entry["orderId"] == order && entry["kind"] == kind)
            .collect()
    }

    pub(crate) async fn approvals(&self, order: &str) -> usize {
        self.psp_moves(order, "approval").await.len()
    }
}
