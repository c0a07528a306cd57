//! A shop on a free port, and buyers with cookies and passes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use demo_shop::Shop;
use demo_shop::config::Config;
use devkit::{Database, Postgres};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, RequestBuilder, Response, Url, header};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::core::Core;

const ORIGIN_SECRET: &str = "an origin secret of 32 bytes or more";
/// Far in the future.
pub(crate) const LATER: u64 = 4_000_000_000;
/// Patience for anything that is polled.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) core: Arc<Core>,
    pub(crate) shop: Arc<Shop>,
    base: String,
    core_url: String,
    database: Database,
    _stop: watch::Sender<bool>,
}

/// A shop with this many pieces.
pub(crate) async fn world(stock: u32) -> World {
    let database =
        tokio::task::spawn_blocking(|| Postgres::shared().fresh_database("shop").unwrap());
    let database = database.await.unwrap();
    let (core, core_url) = Core::start().await;
    open(core, core_url, database, stock).await
}

async fn open(core: Arc<Core>, core_url: String, database: Database, stock: u32) -> World {
    let yaml = format!(
        "listen: 127.0.0.1:0\n\
         database_url: {{ value: \"{}\" }}\n\
         gateway: {{ tenant: acme, room: flash-sale, origin_secret: {{ value: \"{ORIGIN_SECRET}\" }} }}\n\
         core: {{ url: \"{core_url}\", secret_key: {{ value: sk_test }} }}\n\
         psp: {{ window_url: \"http://window.test/window\", client_key: test_ck_acme }}\n\
         product: {{ stock: {stock}, price: 189000 }}\n",
        database.owner_url
    );
    let config = Config::parse("test.yaml", &yaml).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let shop = Shop::open(config).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let serving = Arc::clone(&shop).serve(listener, stopped);
    tokio::spawn(async move { serving.await.unwrap() });
    World {
        core,
        shop,
        base,
        core_url,
        database,
        _stop: stop,
    }
}

impl World {
    /// A second instance on the same database and core.
    pub(crate) async fn second_instance(&self, stock: u32) -> World {
        open(
            Arc::clone(&self.core),
            self.core_url.clone(),
            self.database.clone(),
            stock,
        )
        .await
    }

    /// Runs SQL: how a test lets time pass in the database.
    pub(crate) async fn sql(&self, sql: &'static str) {
        let name = self.database.name.clone();
        let run = tokio::task::spawn_blocking(move || Postgres::shared().psql(&name, sql).unwrap());
        run.await.unwrap();
    }

    pub(crate) async fn available(&self) -> i32 {
        self.shop.shelf.stock().await.unwrap().available
    }

    /// Where the shop listens.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A new visitor who was admitted.
    pub(crate) fn buyer(&self) -> Buyer {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Buyer {
            http,
            base: self.base.clone(),
            cookie: String::new(),
            pass: Some(pass("acme", "flash-sale", LATER)),
        }
    }
}

/// A pass as the gateway signs it.
pub(crate) fn pass(tenant: &str, room: &str, expires: u64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(ORIGIN_SECRET.as_bytes()).unwrap();
    mac.update(format!("fluxgate-pass-v1\n{tenant}\n{room}\n7\n{expires}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("v1;t={tenant};r={room};n=7;e={expires};k=1;s={signature}")
}

/// What the shop says of the visitor of [`pass`], as the gateway expects it signed.
pub(crate) fn visit(word: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(ORIGIN_SECRET.as_bytes()).unwrap();
    mac.update(format!("fluxgate-visit-v1\nacme\nflash-sale\n7\n{word}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("v1;n=7;{word};s={signature}")
}

#[derive(Clone)]
pub(crate) struct Buyer {
    http: Client,
    base: String,
    pub(crate) cookie: String,
    pub(crate) pass: Option<String>,
}

/// A page as a buyer sees it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) html: String,
    pub(crate) location: String,
    pub(crate) remaining: Option<String>,
    pub(crate) headers: header::HeaderMap,
}

impl Page {
    async fn of(response: Response) -> Self {
        let headers = response.headers().clone();
        let text = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        Self {
            status: response.status().as_u16(),
            location: text("location").unwrap_or_default(),
            remaining: text("x-fluxgate-remaining"),
            html: response.text().await.unwrap(),
            headers,
        }
    }

    /// The text between two others.
    pub(crate) fn between(&self, before: &str, after: &str) -> String {
        let (_, rest) = self
            .html
            .split_once(before)
            .unwrap_or_else(|| panic!("no {before} in {}", self.html));
        rest.split(after).next().unwrap().to_owned()
    }

    /// The query of the address the browser is sent to.
    pub(crate) fn query(&self) -> HashMap<String, String> {
        let url: Url = self.location.parse().unwrap();
        url.query_pairs().into_owned().collect()
    }
}

impl Buyer {
    async fn send(&mut self, request: RequestBuilder) -> Page {
        let mut request = request
            .header("accept-language", "en")
            .header("x-forwarded-for", "203.0.113.9")
            .header("x-forwarded-host", "shop.acme.test:8080")
            .header("x-forwarded-proto", "http");
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, &self.cookie);
        }
        if let Some(pass) = &self.pass {
            request = request.header("x-fluxgate-pass", pass);
        }
        let page = Page::of(request.send().await.unwrap()).await;
        if let Some(set) = page.headers.get(header::SET_COOKIE) {
            self.cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        page
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = self.http.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// Presses the buy button with a token of the buyer's choice.
    pub(crate) async fn press_with(&mut self, token: &str) -> Page {
        let request = self.http.post(format!("{}/sale/checkout", self.base));
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(format!("token={token}"))).await
    }

    pub(crate) async fn token(&mut self) -> String {
        let page = self.get("/sale/").await;
        page.between(r#"name="token" value=""#, "\"")
    }

    /// Looks and buys, as far as the payment window.
    pub(crate) async fn buy(&mut self) -> Page {
        let token = self.token().await;
        self.press_with(&token).await
    }

    /// Buys and expects to be sent to the window; the order's id.
    pub(crate) async fn order(&mut self) -> String {
        let page = self.buy().await;
        assert_eq!(page.status, 303, "{}", page.html);
        page.query()["orderId"].clone()
    }

    /// Comes back from the window with a payment key.
    pub(crate) async fn come_back(&mut self, order: &str, key: &str) -> Page {
        let path = format!(
            "/sale/success?paymentType=NORMAL&orderId={order}&paymentKey={key}&amount=189000"
        );
        self.get(&path).await
    }
}

pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let mut again = tokio::time::interval(Duration::from_millis(10));
    let waiting = async {
        while !condition().await {
            again.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
        "not in time: {what}"
    );
}
