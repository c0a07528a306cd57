//! One simulator on a free port and the verbs of its clients.

use std::sync::Arc;
use std::time::Duration;

use psp_sim::{Options, Sim};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) const SECRET: &str = "test_sk_acme";
/// Patience for anything that is polled.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct World {
    pub(crate) sim: Arc<Sim>,
    pub(crate) base: String,
    pub(crate) http: Client,
    _stop: watch::Sender<bool>,
}

pub(crate) async fn world() -> World {
    world_with(Options::default()).await
}

pub(crate) async fn world_with(options: Options) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sim = Sim::new(&options);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(Arc::clone(&sim).serve(listener, stopped));
    let http = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    World {
        sim,
        base,
        http,
        _stop: stop,
    }
}

/// What a test looks at: the status and the JSON.
pub(crate) async fn read(response: Response) -> (StatusCode, Value) {
    (response.status(), response.json().await.unwrap())
}

/// The status and the provider's code.
pub(crate) async fn refusal(response: Response) -> (u16, String) {
    let (status, body) = read(response).await;
    assert!(
        body["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{body}"
    );
    (
        status.as_u16(),
        body["code"].as_str().unwrap_or_default().to_owned(),
    )
}

pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let mut again = tokio::time::interval(Duration::from_millis(10));
    let waiting = async {
        while !condition().await {
            again.tick().await;
        }
    };
    let met = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(met.is_ok(), "not in time: {what}");
}

impl World {
    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        self.http.post(url).basic_auth(SECRET, Some("")).json(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let url = format!("{}{path}", self.base);
        self.http
            .get(url)
            .basic_auth(SECRET, Some(""))
            .send()
            .await
            .unwrap()
    }

    /// An authenticated session of 42,000 won.
    pub(crate) async fn authorize(&self, order: &str) -> String {
        let body = json!({ "orderId": order, "amount": 42_000 });
        let answer = self
            .post("/sandbox/v1/authorizations", &body)
            .send()
            .await
            .unwrap();
        let (status, body) = read(answer).await;
        assert_eq!(status, 200, "{body}");
        body["paymentKey"].as_str().unwrap().to_owned()
    }

    pub(crate) fn confirm(&self, key: &str, order: &str) -> RequestBuilder {
        let body = json!({ "paymentKey": key, "orderId": order, "amount": 42_000 });
        self.post("/v1/payments/confirm", &body)
    }

    pub(crate) async fn approved(&self, order: &str) -> String {
        let key = self.authorize(order).await;
        let answer = self.confirm(&key, order).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        key
    }

    pub(crate) async fn faults(&self, rules: Value) {
        let url = format!("{}/sim/faults", self.base);
        let answer = self.http.put(url).json(&rules).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// Kind, order and amount of everything the referee would see.
    pub(crate) async fn journal(&self) -> Vec<(String, String, i64)> {
        let (_, entries) = read(self.get("/sim/approvals").await).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let row = |entry: &Value| {
            (
                text(&entry["kind"]),
                text(&entry["orderId"]),
                entry["amount"].as_i64().unwrap(),
            )
        };
        entries.as_array().unwrap().iter().map(row).collect()
    }

    pub(crate) async fn status_of(&self, key: &str) -> String {
        let (_, payment) = read(self.get(&format!("/v1/payments/{key}")).await).await;
        payment["status"].as_str().unwrap_or_default().to_owned()
    }
}
