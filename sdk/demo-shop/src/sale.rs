//! The sale, behind the waiting room: nothing here is answered without the gateway's pass.
//!
//! A purchase in five steps: look (`GET /sale/`), hold a piece and go to the payment window
//! (`POST /sale/checkout`), come back with its result (`GET /sale/success`), which is confirmed at
//! the core, or without one (`GET /sale/fail`), which frees the piece.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Form, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode};
use minijinja::context;
use reqwest::Url;
use serde::Deserialize;

use crate::pages::Notice;
use crate::pass;
use crate::settle::settle;
use crate::shelf::{Claim, Purchase, Reservation, State as Stand, Wish};
use crate::visitor::{self, Visitor};
use crate::{Shop, notices, order};

/// Tells the gateway how much of the line can still be served.
const REMAINING: &str = "x-fluxgate-remaining";
/// What the payment window calls the purchase.
const ORDER_NAMES: (&str, &str) = ("담월 달항아리 램프", "Damwol Moon Jar Lamp");
/// Longest payment key the provider gives.
const PAYMENT_KEY_MAX: usize = 200;

/// Routes behind the waiting room.
pub fn routes(shop: &Arc<Shop>) -> Router<Arc<Shop>> {
    Router::new()
        .route("/sale", get(async || Redirect::permanent("/sale/")))
        .route("/sale/", get(product))
        .route("/sale/checkout", post(checkout))
        .route("/sale/success", get(success))
        .route("/sale/fail", get(fail))
        .layer(middleware::from_fn_with_state(Arc::clone(shop), guard))
}

/// The buyer is on the way to the payment window: the visit lasts as long as the piece is held.
#[derive(Clone, Copy, Debug)]
struct Paying;

/// Lets the admitted through and tells the gateway what is left.
async fn guard(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    let header = request
        .headers()
        .get(pass::HEADER)
        .and_then(|value| value.to_str().ok());
    let admitted = match shop.pass.check(header, (shop.clock)()) {
        Ok(admitted) => admitted,
        Err(why) => {
            tracing::debug!(%why, "refused a request that did not come through the waiting room");
            return shop
                .pages
                .notice(&Visitor::of(request.headers()), notices::FRONT_DOOR);
        }
    };
    let mut response = next.run(request).await;
    if let Some(Paying) = response.extensions().get() {
        let until = (shop.clock)() + shop.product.hold.as_secs();
        let said = shop.pass.hold(admitted, until);
        let said = HeaderValue::from_str(&said).expect("digits and base64url");
        response.headers_mut().insert(pass::VISIT_HEADER, said);
    }
    // Without the database there is no true number, and a guess could end the line.
    if let Ok(stock) = shop.shelf.stock().await {
        response
            .headers_mut()
            .insert(REMAINING, HeaderValue::from(stock.remaining()));
    }
    response
}

async fn product(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let visitor = Visitor::of(&headers);
    let seen = async {
        Ok((
            shop.shelf.stock().await?,
            shop.shelf.of_buyer(&visitor.id).await?,
        ))
    };
    let (stock, mine) = match seen.await {
        Ok(seen) => seen,
        Err(error) => return shop.trouble(&visitor, &error),
    };
    let sold_out = stock.remaining() == 0;
    let in_hand = mine
        .as_ref()
        .is_some_and(|mine| mine.state == Stand::Reserved);
    let all_held = !sold_out && stock.available == 0 && !in_hand;
    let more = context! {
        stock => shop.stock_value(stock),
        price => shop.product.price,
        hold_minutes => shop.product.hold.as_secs().div_ceil(60),
        token => shop.forms.token(&visitor.id),
        sold_out,
        all_held,
        in_hand,
        mine => mine.map(|mine| context! { id => mine.id, state => mine.state.name(), edition => mine.edition }),
        refresh => all_held.then_some(20),
    };
    shop.pages
        .page(&visitor, StatusCode::OK, "product.html", more)
}

#[derive(Deserialize)]
struct Checkout {
    #[serde(default)]
    token: String,
}

async fn checkout(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Form(form): Form<Checkout>,
) -> Response {
    let visitor = Visitor::of(&headers);
    if !visitor.known || !shop.forms.is_good(&visitor.id, &form.token) {
        return shop.pages.notice(&visitor, notices::STALE_FORM);
    }
    let Some(base) = shop.public_url.clone().or_else(|| visitor.base.clone()) else {
        return shop.pages.notice(&visitor, notices::STALE_FORM);
    };
    let order_id = visitor::order_id();
    let wish = Wish {
        order_id: &order_id,
        buyer: &visitor.id,
        amount: shop.product.price,
        hold: shop.product.hold,
    };
    match shop.shelf.reserve(&wish).await {
        Ok(Reservation::Held(purchase)) => start_payment(&shop, &visitor, &base, purchase).await,
        Ok(Reservation::NoneLeft) => none_left(&shop, &visitor).await,
        Err(error) => shop.trouble(&visitor, &error),
    }
}

/// Tells the core about the order and sends the buyer to the payment window.
async fn start_payment(shop: &Shop, visitor: &Visitor, base: &str, purchase: Purchase) -> Response {
    if purchase.state != Stand::Reserved {
        return Redirect::to(&format!("/orders/{}", purchase.id)).into_response();
    }
    if let Err(why) = shop.till.place_order(&purchase, visitor.address).await {
        tracing::warn!(order = purchase.id, error = %why, "no payment could be started");
        return match shop.shelf.left(&purchase.id, &visitor.id).await {
            Ok(()) => shop.pages.notice(visitor, notices::NO_PAYMENT_NOW),
            Err(error) => shop.trouble(visitor, &error),
        };
    }
    let name = visitor.language.choose(ORDER_NAMES);
    let window = Url::parse_with_params(
        &shop.psp.window_url,
        &[
            ("clientKey", shop.psp.client_key.as_str()),
            ("amount", &purchase.amount.to_string()),
            ("currency", "KRW"),
            ("orderId", &purchase.id),
            ("orderName", name),
            ("successUrl", &format!("{base}/sale/success")),
            ("failUrl", &format!("{base}/sale/fail")),
        ],
    );
    let window = window.expect("the address was checked when the configuration was read");
    (Extension(Paying), Redirect::to(window.as_str())).into_response()
}

async fn none_left(shop: &Shop, visitor: &Visitor) -> Response {
    match shop.shelf.stock().await {
        Ok(stock) if stock.remaining() == 0 => shop.pages.notice(visitor, notices::SOLD_OUT),
        Ok(_) => shop.pages.notice(visitor, notices::ALL_HELD),
        Err(error) => shop.trouble(visitor, &error),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WindowResult {
    order_id: String,
    payment_key: String,
    amount: String,
}

async fn success(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    result: Result<Query<WindowResult>, QueryRejection>,
) -> Response {
    let visitor = Visitor::of(&headers);
    match result {
        Ok(Query(result)) => confirm(&shop, &visitor, &result)
            .await
            .unwrap_or_else(|error| shop.trouble(&visitor, &error)),
        Err(_) => shop.pages.notice(&visitor, order::UNKNOWN),
    }
}

/// Claims the purchase for the window's result, asks the core, shows what came of it. A reload
/// walks the same way and ends at the same receipt.
async fn confirm(
    shop: &Arc<Shop>,
    visitor: &Visitor,
    result: &WindowResult,
) -> Result<Response, sqlx::Error> {
    let Some(purchase) = shop.shelf.find(&result.order_id).await? else {
        return Ok(shop.pages.notice(visitor, order::UNKNOWN));
    };
    let key_fits = (1..=PAYMENT_KEY_MAX).contains(&result.payment_key.len());
    if result.amount.parse() != Ok(purchase.amount) || !key_fits {
        return Ok(shop.pages.notice(visitor, order::ALTERED));
    }
    match shop.shelf.claim(&purchase.id, &result.payment_key).await? {
        Claim::Standing(purchase) => {
            let settled = settle(shop, purchase, visitor.address).await?;
            Ok(order::page(
                shop,
                visitor,
                &settled,
                order::payment_status(&settled),
            ))
        }
        Claim::Lapsed(_) => Ok(shop.pages.notice(visitor, notices::TOO_LATE)),
        Claim::Unknown => Ok(shop.pages.notice(visitor, order::UNKNOWN)),
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WindowFailure {
    code: String,
    order_id: String,
}

async fn fail(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    failure: Result<Query<WindowFailure>, QueryRejection>,
) -> Response {
    let visitor = Visitor::of(&headers);
    let failure = failure.map(|Query(failure)| failure).unwrap_or_default();
    match shop.shelf.left(&failure.order_id, &visitor.id).await {
        Ok(()) => shop.pages.notice(&visitor, why_left(&failure.code)),
        Err(error) => shop.trouble(&visitor, &error),
    }
}

/// The provider's code in the shop's own words: its message is never shown, since anybody could
/// write one into the address.
fn why_left(code: &str) -> Notice {
    match code {
        "PAY_PROCESS_CANCELED" => notices::CANCELLED,
        "REJECT_CARD_COMPANY" => notices::DECLINED,
        _ => notices::NOT_PAID,
    }
}
