//! Builds a test's world in one line and asks it questions. Waiting is polling with a deadline.

mod psp;

use devkit::{Database, Launch, Postgres, Proc, Ready, Scratch, free_port};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_fluxpay");
/// What the issue promises after any crash or time-out.
pub(crate) const PROMISE: Duration = Duration::from_secs(30);

/// A tenant paying through TossPayments' window, one paying through the sandbox.
pub(crate) const TENANTS: [(&str, &str); 2] = [("acme", "toss"), ("service-a", "sandbox")];

/// Settings a test may change.
pub(crate) struct Options {
    /// Lines under `payment:` in the service's file.
    pub(crate) payment: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            payment: "psp_answer: 10s",
        }
    }
}

/// A running world.
pub(crate) struct Stage {
    pub(crate) database: Database,
    pub(crate) http: reqwest::Client,
    pub(crate) psp: SocketAddr,
    core: Proc,
    ports: (SocketAddr, SocketAddr),
    config: PathBuf,
    scratch: Scratch,
    _psp_stop: watch::Sender<bool>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// A value by JSON pointer, as text.
    pub(crate) fn at(&self, pointer: &str) -> String {
        match self.json().pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => panic!("nothing at {pointer}: {self:?}"),
        }
    }

    pub(crate) fn code(&self) -> String {
        self.at("/code")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn template() -> &'static Database {
    static TEMPLATE: OnceLock<Database> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let database = Postgres::shared().fresh_database("core").unwrap();
        migrate(&database);
        database
    })
}

/// Brings a database's schema up to date with the real command.
pub(crate) fn migrate(database: &Database) {
    let scratch = Scratch::new("migrate").unwrap();
    let config = scratch.path().join("fluxpay.yaml");
    let listen = "listen: { http: 127.0.0.1:1, admin: 127.0.0.1:2 }";
    std::fs::write(
        &config,
        format!(
            "{listen}\ndatabase: {{ migrate_url: {{ value: {:?} }} }}\n",
            database.owner_url
        ),
    )
    .unwrap();
    let output = Command::new(BINARY)
        .args(["migrate", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let database =
            tokio::task::spawn_blocking(|| Postgres::shared().copy_database(template()).unwrap())
                .await
                .unwrap();
        Self::on(database, options).await
    }

    /// A world on a database that is migrated already.
    pub(crate) async fn on(database: Database, options: Options) -> Self {
        let scratch = Scratch::new("core").unwrap();
        let local = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let ports = (local(free_port().unwrap()), local(free_port().unwrap()));
        let (psp, psp_stop) = psp::start().await;
        let config = scratch.path().join("fluxpay.yaml");
        let document = format!(
            "listen: {{ http: {}, admin: {} }}\ndatabase: {{ url: {{ value: {:?} }}, connections: 8 }}\nmaster_key: {{ value: {} }}\npayment: {{ {} }}\n",
            ports.0,
            ports.1,
            database.app_url,
            "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            options.payment,
        );
        std::fs::write(&config, document).unwrap();
        for (tenant, kind) in TENANTS {
            ensure_tenant(&scratch, &config, (tenant, kind), psp);
        }
        let core = launch(&config, &scratch);
        let stage = Self {
            database,
            // A service that was killed leaves stale connections; each request takes its own.
            http: reqwest::Client::builder()
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
            psp,
            core,
            ports,
            config,
            scratch,
            _psp_stop: psp_stop,
        };
        stage.ready().await;
        stage
    }

    async fn ready(&self) {
        let ready = Ready::Http(self.ports.1, "/healthz".into());
        self.core
            .wait_ready(&ready, Duration::from_secs(30))
            .unwrap();
    }

    pub(crate) fn kill_core(&self) {
        self.core.kill();
    }

    pub(crate) async fn start_core_again(&mut self) {
        self.core = launch(&self.config, &self.scratch);
        self.ready().await;
    }

    pub(crate) fn core(&self) -> &Proc {
        &self.core
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.ports.0)
    }

    pub(crate) fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.ports.1)
    }

    pub(crate) fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.scratch.path().join(name))
            .unwrap()
            .trim()
            .to_owned()
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) async fn get(&self, tenant: &str, path: &str) -> Answer {
        self.send(self.http.get(self.url(path)).bearer_auth(self.key(tenant)))
            .await
    }

    pub(crate) fn posting(
        &self,
        tenant: &str,
        path: &str,
        key: &str,
        body: &Value,
    ) -> reqwest::RequestBuilder {
        self.http
            .post(self.url(path))
            .bearer_auth(self.key(tenant))
            .header("x-idempotency-key", key)
            .json(body)
    }

    pub(crate) async fn post(&self, tenant: &str, path: &str, key: &str, body: &Value) -> Answer {
        self.send(self.posting(tenant, path, key, body)).await
    }

    pub(crate) async fn pay(&self, tenant: &str, key: &str, body: &Value) -> Answer {
        self.post(tenant, "/api/v1/payments", key, body).await
    }

    /// Waits until the order's newest payment has this status; gives the payment.
    pub(crate) async fn until_status(&self, tenant: &str, order: &str, status: &str) -> Value {
        let path = format!("/api/v1/payments?orderId={order}");
        self.until(PROMISE, async || {
            let answer = self.get(tenant, &path).await;
            (answer.status == 200)
                .then(|| answer.json()["data"]["items"][0].clone())
                .filter(|payment| payment["status"] == status)
        })
        .await
    }

    /// Gives a tenant another PSP address, and a service that knows no other.
    pub(crate) async fn move_psp(&mut self, tenant: (&str, &str), address: SocketAddr) {
        ensure_tenant(&self.scratch, &self.config, tenant, address);
        self.core.term();
        self.start_core_again().await;
    }

    /// Polls until `condition` gives something.
    pub(crate) async fn until<T>(
        &self,
        within: Duration,
        condition: impl AsyncFn() -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + within;
        let mut look = tokio::time::interval(Duration::from_millis(20));
        loop {
            look.tick().await;
            if let Some(found) = condition().await {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "not within {within:?}; the service says:\n{}",
                self.core.log_tail()
            );
        }
    }

    /// Asks the database as superuser, past every policy.
    pub(crate) async fn sql(&self, statement: &str) -> String {
        let (name, statement) = (self.database.name.clone(), statement.to_owned());
        tokio::task::spawn_blocking(move || {
            Postgres::shared()
                .psql(&name, &statement)
                .unwrap()
                .trim()
                .to_owned()
        })
        .await
        .unwrap()
    }

    /// Invariants 3 and 4 hold for everything that happened in this world.
    pub(crate) async fn books_balance(&self) {
        let unbalanced = "select count(*) from (select 1 from ledger_posting group by tenant_id, currency having sum(amount) <> 0) x";
        assert_eq!(
            self.sql(unbalanced).await,
            "0",
            "the ledger does not sum to zero"
        );
        let unbooked = "select count(*) from payment p where (p.state = 'APPROVED') <> exists (select from ledger_transfer t \
                        where t.tenant_id = p.tenant_id and t.payment_id = p.id)";
        assert_eq!(
            self.sql(unbooked).await,
            "0",
            "a payment and the books disagree"
        );
        let moves = "select count(*) from payment p where p.version <> (select count(*) from outbox o where o.aggregate_id = p.id) \
                     or p.version <> (select max(sequence) from audit a where a.aggregate_id = p.id)";
        assert_eq!(
            self.sql(moves).await,
            "0",
            "a move lacks its event or its record"
        );
    }
}

/// A payment of 10,000 won for `order`, as the product brief shows it.
pub(crate) fn brief(order: &str) -> Value {
    json!({ "orderId": order, "amount": 10_000, "currency": "KRW", "paymentMethod": "CARD", "metadata": { "productName": "Premium Plan" } })
}

/// The same with the window's result.
pub(crate) fn with_key(order: &str, payment_key: &str) -> Value {
    json!({ "orderId": order, "amount": 10_000, "currency": "KRW", "paymentKey": payment_key })
}

fn ensure_tenant(
    scratch: &Scratch,
    config: &PathBuf,
    (tenant, kind): (&str, &str),
    psp: SocketAddr,
) {
    let spec = scratch.path().join(format!("{tenant}.yaml"));
    let file = |name: &str| scratch.path().join(name);
    let document = format!(
        "id: {tenant}\nname: {tenant}\npsp: {{ kind: {kind}, base_url: \"http://{psp}\", secret_key: {{ value: test_sk_{} }} }}\n\
         keys: [{{ kind: secret, scope: app, file: {:?} }}, {{ kind: publishable, scope: app, file: {:?} }}, {{ kind: secret, scope: finance, file: {:?} }}]\n",
        tenant.replace('-', ""),
        file(tenant),
        file(&format!("{tenant}-pk")),
        file(&format!("{tenant}-finance")),
    );
    std::fs::write(&spec, document).unwrap();
    let output = Command::new(BINARY)
        .args(["tenant", "ensure", "--config"])
        .arg(config)
        .arg("--spec")
        .arg(&spec)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn launch(config: &PathBuf, scratch: &Scratch) -> Proc {
    let launch = Launch::new("fluxpay", BINARY, scratch.path().join("fluxpay.log"));
    Proc::spawn(launch.args(["serve", "--config"]).arg(config)).unwrap()
}
