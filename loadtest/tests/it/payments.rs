//! One payment and one thing that goes wrong in its middle: it ends APPROVED, exactly once, within 30 s.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::scene::{Scene, eventually};

const PROMISED: Duration = Duration::from_secs(30);
const AMOUNT: u64 = 10_000;

struct Sale {
    order: String,
    payment_key: String,
}

impl Scene {
    /// A payment that the customer has authorised in the window.
    async fn authorised(&self, order: &str) -> Sale {
        let body = json!({ "orderId": order, "amount": AMOUNT, "currency": "KRW" });
        let request = self
            .http
            .post(format!("{}/sandbox/v1/authorizations", self.psp()));
        let answer = request
            .basic_auth("test_sk_acme", Some(""))
            .json(&body)
            .send()
            .await
            .expect("psp-sim answers");
        let session: Value = answer.json().await.expect("a session");
        let payment_key = session["paymentKey"]
            .as_str()
            .expect("a payment key")
            .to_owned();
        Sale {
            order: order.to_owned(),
            payment_key,
        }
    }

    fn payment(&self, sale: &Sale) -> reqwest::RequestBuilder {
        let request = self
            .http
            .post(format!("{}/api/v1/payments", self.core()))
            .bearer_auth(self.key());
        request
            .header("x-idempotency-key", format!("key-{}", sale.order))
            .json(&sale.body())
    }

    async fn approvals(&self, sale: &Sale) -> usize {
        let all = self.ask(&format!("{}/sim/approvals", self.psp())).await;
        let all = all.as_array().expect("a list").iter();
        all.filter(|line| line["orderId"] == sale.order.as_str() && line["kind"] == "approval")
            .count()
    }

    /// The money is taken, the answer is not out.
    async fn committed_at_the_psp(&self, sale: &Sale) {
        eventually("the PSP commits", PROMISED, async || {
            (self.approvals(sale).await == 1).then_some(())
        })
        .await;
    }

    async fn ends_approved_once(self, sale: &Sale) {
        let list = format!("{}/api/v1/payments?orderId={}", self.core(), sale.order);
        let payments = eventually("the payment is APPROVED", PROMISED, async || {
            let answer = self
                .http
                .get(&list)
                .bearer_auth(self.key())
                .send()
                .await
                .ok()?;
            let page: Value = answer.json().await.ok()?;
            let items = page["data"]["items"].as_array()?.clone();
            items
                .iter()
                .any(|item| item["status"] == "APPROVED")
                .then_some(items)
        })
        .await;
        assert_eq!(payments.len(), 1, "{payments:?}");
        assert_eq!(self.approvals(sale).await, 1);
        // The caller who lost the answer asks again with the same key and gets the same payment.
        let again = self.payment(sale).send().await.expect("the core answers");
        assert_eq!(again.status(), 200);
        let again: Value = again.json().await.expect("an envelope");
        assert_eq!(again["data"]["paymentId"], payments[0]["paymentId"]);
        assert_eq!(self.approvals(sale).await, 1, "asking again charges nobody");
        let verdict = self.judge().await;
        assert!(verdict.holds(), "{verdict}");
        self.stack.stop();
    }

    /// The PSP commits a confirm at once and keeps its answer for `millis`.
    async fn slow_after_commit(&self, millis: u64) {
        let fault = json!({ "kind": "timeout_after_commit", "ms": millis });
        self.psp_faults(
            json!([{ "id": "slow", "match": { "op": "confirm" }, "fault": fault, "times": 1 }]),
        )
        .await;
    }
}

impl Sale {
    fn body(&self) -> Value {
        json!({ "orderId": self.order, "amount": AMOUNT, "currency": "KRW", "paymentKey": self.payment_key })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_core_dies_between_the_psps_commit_and_its_own() {
    let mut scene = Scene::start(|_| {});
    let sale = scene.authorised("order-core-dies").await;
    scene.slow_after_commit(5_000).await;
    let caller = tokio::spawn(scene.payment(&sale).send());
    scene.committed_at_the_psp(&sale).await;
    scene.stack.kill_core();
    assert!(
        caller.await.expect("the caller runs").is_err(),
        "the answer never came"
    );
    scene.stack.start_core().expect("the core starts again");
    scene.ends_approved_once(&sale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_psp_commits_and_never_answers() {
    let scene = Scene::start(|_| {});
    let sale = scene.authorised("order-psp-silent").await;
    let fault = json!({ "kind": "drop_after_commit" });
    scene
        .psp_faults(
            json!([{ "id": "drop", "match": { "op": "confirm" }, "fault": fault, "times": 1 }]),
        )
        .await;
    let answer = scene.payment(&sale).send().await.expect("the core answers");
    assert!(
        answer.status().is_success(),
        "in doubt is no failure: {}",
        answer.status()
    );
    scene.ends_approved_once(&sale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_psp_commits_and_answers_only_after_the_caller_was_told_to_come_back() {
    let scene = Scene::start(|_| {});
    let sale = scene.authorised("order-psp-late").await;
    scene.slow_after_commit(20_000).await;
    let answer = scene.payment(&sale).send().await.expect("the core answers");
    assert_eq!(answer.status(), 202);
    assert!(answer.headers().contains_key("location"));
    scene.ends_approved_once(&sale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_hangs_up_in_the_middle() {
    let scene = Scene::start(|_| {});
    let sale = scene.authorised("order-hung-up").await;
    scene.slow_after_commit(2_000).await;
    let body = sale.body().to_string();
    let head = format!(
        "POST /api/v1/payments HTTP/1.1\r\nHost: core\r\nAuthorization: Bearer {}\r\nX-Idempotency-Key: key-{}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        scene.key(),
        sale.order,
        body.len(),
    );
    let mut line = TcpStream::connect(scene.stack.plan().core)
        .await
        .expect("the core listens");
    line.write_all(head.as_bytes()).await.expect("sent");
    line.write_all(body.as_bytes()).await.expect("sent");
    scene.committed_at_the_psp(&sale).await;
    drop(line);
    scene.ends_approved_once(&sale).await;
}
