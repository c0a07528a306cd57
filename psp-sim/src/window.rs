//! The payment window: the page a customer authenticates in.
//!
//! `GET /window` opens a READY session and shows the page; its form posts back and the browser is
//! sent to the merchant's success or fail address with the parameters the provider uses. Works
//! without JavaScript, loads nothing from elsewhere, speaks Korean and English.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, http::HeaderMap};
use http::{HeaderValue, StatusCode, header};
use minijinja::{Environment, context};
use serde::Deserialize;
use serde_json::Number;

use crate::Sim;
use crate::book::{Card, NewPayment, Payment, ReturnUrls, Status};
use crate::faults::{Facts, Op};
use crate::language::Language;
use crate::merchant::Merchant;
use crate::refusal::{self, Refusal};
use crate::sandbox;
use crate::webhook::Timing;

/// Inline style only. `form-action` is left out on purpose: browsers apply it to the redirect that
/// follows the form, and that one leads to the merchant.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// The window's routes.
pub fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/window", get(open).post(submit))
}

/// The compiled templates.
#[derive(Debug)]
pub struct Pages(Environment<'static>);

impl Pages {
    /// Compiles the templates that are part of the binary.
    pub(crate) fn new() -> Self {
        let mut environment = Environment::new();
        for (name, source) in [
            ("window.html", include_str!("window/window.html")),
            ("problem.html", include_str!("window/problem.html")),
            ("style.css", include_str!("window/style.css")),
        ] {
            environment
                .add_template(name, source)
                .expect("the built-in templates compile");
        }
        Self(environment)
    }

    fn window(&self, payment: &Payment, language: Language, other_language: &str) -> Response {
        let merchant = payment
            .urls
            .as_ref()
            .map(|urls| host_of(&urls.success))
            .unwrap_or_default();
        let context = context! {
            ko => language == Language::Korean,
            lang => language.tag(),
            other_language,
            merchant,
            order_name => &payment.order_name,
            order_id => &payment.order_id,
            amount => payment.total.grouped(),
            currency => payment.total.currency.code(),
            payment_key => &payment.key,
        };
        self.page(StatusCode::OK, "window.html", context)
    }

    fn problem(&self, why: &Refusal, language: Language) -> Response {
        let status = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let context = context! {
            ko => language == Language::Korean,
            lang => language.tag(),
            code => why.code(),
            message => why.message(language),
        };
        self.page(status, "problem.html", context)
    }

    fn page(&self, status: StatusCode, name: &str, context: minijinja::Value) -> Response {
        let template = self
            .0
            .get_template(name)
            .expect("the template was added in new()");
        let html = template
            .render(context)
            .expect("the templates render with their contexts");
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CONTENT_POLICY),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        response
    }
}

/// The query the merchant's page opens the window with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening {
    client_key: String,
    amount: String,
    #[serde(default = "won")]
    currency: String,
    order_id: String,
    order_name: String,
    success_url: String,
    fail_url: String,
    /// The page's own language switch: the session it already opened, and the language.
    payment_key: Option<String>,
    lang: Option<String>,
}

fn won() -> String {
    "KRW".to_owned()
}

async fn open(
    State(sim): State<Arc<Sim>>,
    headers: HeaderMap,
    original: axum::extract::OriginalUri,
    opening: Result<Query<Opening>, axum::extract::rejection::QueryRejection>,
) -> Response {
    sim.stats.request(Op::Window);
    let language = Language::of(&headers);
    let Ok(Query(opening)) = opening else {
        return sim.pages.problem(&refusal::INVALID_REQUEST, language);
    };
    let language = opening.language().unwrap_or(language);
    let plan = sim.plan(&Facts {
        op: Op::Window,
        order_id: &opening.order_id,
        payment_key: opening.payment_key.as_deref().unwrap_or_default(),
    });
    tokio::time::sleep(plan.wait_before).await;
    let session = match plan.refuse_before {
        Some(why) => Err(why),
        None => opening.session(&sim),
    };
    match session {
        Ok(payment) => {
            let switch = other_language(original.query().unwrap_or_default(), &payment, language);
            sim.pages.window(&payment, language, &switch)
        }
        Err(why) => sim.pages.problem(&why, language),
    }
}

impl Opening {
    fn language(&self) -> Option<Language> {
        match self.lang.as_deref() {
            Some("ko") => Some(Language::Korean),
            Some("en") => Some(Language::English),
            _ => None,
        }
    }

    /// The session to show: the one named by the language switch, or a new one.
    fn session(&self, sim: &Sim) -> Result<Arc<Payment>, Refusal> {
        let now = sim.clock.now();
        let merchant =
            Merchant::from_client_key(&self.client_key).ok_or(refusal::UNAUTHORIZED_KEY)?;
        if let Some(key) = &self.payment_key {
            let payment = sim.book.find(&merchant, key, now)?;
            let open = payment.status == Status::Ready;
            return open
                .then_some(payment)
                .ok_or(refusal::NOT_FOUND_PAYMENT_SESSION);
        }
        sandbox::order_id(&self.order_id)?;
        let amount: Number = self.amount.parse().map_err(|_| refusal::INVALID_REQUEST)?;
        let new = NewPayment {
            merchant,
            order_id: self.order_id.clone(),
            order_name: sandbox::order_name(self.order_name.clone())?,
            total: sandbox::total(&amount, &self.currency)?,
            urls: Some(ReturnUrls {
                success: web_url(&self.success_url)?,
                fail: web_url(&self.fail_url)?,
            }),
        };
        sim.book.open(new, now)
    }
}

/// The link that shows the same session in the other language.
fn other_language(query: &str, payment: &Payment, language: Language) -> String {
    let other = if language == Language::Korean {
        "en"
    } else {
        "ko"
    };
    let mut url: reqwest::Url = "http://window/window".parse().expect("a constant address");
    url.set_query(Some(query));
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "lang" && name != "paymentKey")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept);
    url.query_pairs_mut()
        .append_pair("paymentKey", &payment.key)
        .append_pair("lang", other);
    format!("/window?{}", url.query().unwrap_or_default())
}

/// What the customer did.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submission {
    payment_key: String,
    action: Action,
    #[serde(default)]
    card: ChosenCard,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Pay,
    Decline,
    Cancel,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChosenCard {
    #[default]
    Good,
    Limit,
}

async fn submit(
    State(sim): State<Arc<Sim>>,
    headers: HeaderMap,
    form: Result<Form<Submission>, axum::extract::rejection::FormRejection>,
) -> Response {
    let language = Language::of(&headers);
    let Ok(Form(form)) = form else {
        return sim.pages.problem(&refusal::INVALID_REQUEST, language);
    };
    match leave(&sim, &form, language) {
        Ok(address) => Redirect::to(&address).into_response(),
        Err(why) => sim.pages.problem(&why, language),
    }
}

/// Moves the session as the customer chose and says where the browser goes.
fn leave(sim: &Sim, form: &Submission, language: Language) -> Result<String, Refusal> {
    let now = sim.clock.now();
    let key = &form.payment_key;
    let urls = sim
        .book
        .find_in_window(key, now)?
        .urls
        .clone()
        .ok_or(refusal::NOT_FOUND_PAYMENT)?;
    let moved = match form.action {
        Action::Pay => sim
            .book
            .authenticate(key, form.card.card(), now)
            .map(|payment| (payment, None)),
        Action::Decline => end(sim, key, refusal::REJECT_CARD_COMPANY),
        Action::Cancel => end(sim, key, refusal::PAY_PROCESS_CANCELED),
    };
    match moved {
        Ok((payment, None)) => Ok(success(&urls.success, &payment)),
        Ok((payment, Some(why))) => Ok(fail(&urls.fail, &why, language, &payment.order_id)),
        // The time was over, or the other tab was quicker: the merchant's page explains it.
        Err(_) => {
            let payment = sim.book.find_in_window(key, now)?;
            Ok(fail(
                &urls.fail,
                &refusal::PAY_PROCESS_ABORTED,
                language,
                &payment.order_id,
            ))
        }
    }
}

fn end(sim: &Sim, key: &str, why: Refusal) -> Result<(Arc<Payment>, Option<Refusal>), Refusal> {
    let now = sim.clock.now();
    let payment = sim.book.abandon(key, &why, now)?;
    if why != refusal::PAY_PROCESS_CANCELED {
        // A closed window is not told, a declined card is.
        sim.webhooks.status_changed(
            &payment,
            now,
            Timing {
                copies: 1,
                delay: Default::default(),
            },
        );
    }
    Ok((payment, Some(why)))
}

impl ChosenCard {
    fn card(self) -> Card {
        match self {
            Self::Good => Card::GOOD,
            Self::Limit => Card::OVER_LIMIT,
        }
    }
}

fn success(base: &str, payment: &Payment) -> String {
    with_query(
        base,
        &[
            ("paymentType", "NORMAL"),
            ("orderId", &payment.order_id),
            ("paymentKey", &payment.key),
            ("amount", &payment.total.decimal()),
        ],
    )
}

fn fail(base: &str, why: &Refusal, language: Language, order_id: &str) -> String {
    with_query(
        base,
        &[
            ("code", why.code()),
            ("message", why.message(language)),
            ("orderId", order_id),
        ],
    )
}

fn with_query(base: &str, pairs: &[(&str, &str)]) -> String {
    let mut url: reqwest::Url = base
        .parse()
        .expect("the address was checked when the window opened");
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

fn web_url(text: &str) -> Result<String, Refusal> {
    let url: reqwest::Url = text.parse().map_err(|_| refusal::INVALID_REQUEST)?;
    let web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    web.then(|| url.into()).ok_or(refusal::INVALID_REQUEST)
}

fn host_of(url: &str) -> String {
    let url: Option<reqwest::Url> = url.parse().ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}
