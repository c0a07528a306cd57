//! `POST /sandbox/v1/authorizations`: an authenticated session without a browser.
//!
//! For adapters and drills that have no window to click in. With `count`, and `{n}` in the order
//! id, it opens many orders at once; without `{n}` they are sessions of one order, as when a
//! customer opens the window several times.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::request::Parts;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Number, json};

use crate::Sim;
use crate::book::{Card, NewPayment};
use crate::faults::Op;
use crate::idempotency::Answer;
use crate::merchant::Merchant;
use crate::money::{Currency, Money};
use crate::refusal::{self, Refusal};
use crate::toss::{Call, Command, answer_json, exchange, json as read};

/// Most sessions one call opens.
const COUNT_MAX: usize = 10_000;
/// What stands for the running number in an order id.
const NUMBER: &str = "{n}";
/// Longest `orderName`.
const NAME_MAX: usize = 100;

/// The one route.
pub fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/sandbox/v1/authorizations", post(authorize))
}

async fn authorize(State(sim): State<Arc<Sim>>, parts: Parts, body: Bytes) -> Response {
    let call = Call::new(&parts, Op::Authorize, |_| {
        let asked: Body = read(&body)?;
        asked.checked().map(Command::Authorize)
    });
    exchange(sim, &parts, call).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    order_id: String,
    amount: Number,
    #[serde(default = "won")]
    currency: String,
    #[serde(default)]
    order_name: Option<String>,
    #[serde(default = "one")]
    count: usize,
}

fn won() -> String {
    "KRW".to_owned()
}

fn one() -> usize {
    1
}

/// A checked request for sessions.
#[derive(Debug)]
pub(crate) struct Authorization {
    pub(crate) order_id: String,
    order_name: String,
    total: Money,
    count: usize,
}

impl Body {
    fn checked(self) -> Result<Authorization, Refusal> {
        if self.count == 0 || self.count > COUNT_MAX {
            return Err(refusal::INVALID_REQUEST);
        }
        let total = total(&self.amount, &self.currency)?;
        let order_name = order_name(self.order_name.unwrap_or_else(|| self.order_id.clone()))?;
        let authorization = Authorization {
            order_id: self.order_id,
            order_name,
            total,
            count: self.count,
        };
        order_id(&authorization.order(authorization.count - 1))?;
        Ok(authorization)
    }
}

impl Authorization {
    fn order(&self, number: usize) -> String {
        self.order_id.replace(NUMBER, &number.to_string())
    }

    pub(crate) fn carry_out(
        &self,
        sim: &Sim,
        merchant: &Merchant,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let mut sessions = Vec::with_capacity(self.count);
        for number in 0..self.count {
            let new = NewPayment {
                merchant: merchant.clone(),
                order_id: self.order(number),
                order_name: self.order_name.clone(),
                total: self.total,
                urls: None,
            };
            let opened = sim.book.open(new, now)?;
            let payment = sim.book.authenticate(&opened.key, Card::GOOD, now)?;
            sessions.push(json!({ "paymentKey": payment.key, "orderId": payment.order_id }));
        }
        let body = json!({
            "paymentKey": sessions[0]["paymentKey"],
            "orderId": sessions[0]["orderId"],
            "amount": self.total.to_json(),
            "currency": self.total.currency.code(),
            "status": "IN_PROGRESS",
            "payments": sessions,
        });
        Ok(answer_json(200, &body))
    }
}

/// 6 to 64 of `[A-Za-z0-9_-]`.
pub(crate) fn order_id(id: &str) -> Result<(), Refusal> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let fits = (6..=64).contains(&id.len()) && id.bytes().all(plain);
    fits.then_some(()).ok_or(refusal::INVALID_ORDER_ID)
}

/// 1 to 100 characters.
pub(crate) fn order_name(name: String) -> Result<String, Refusal> {
    let fits = (1..=NAME_MAX).contains(&name.chars().count());
    fits.then_some(name).ok_or(refusal::INVALID_REQUEST)
}

/// An amount that a card may be charged.
pub(crate) fn total(amount: &Number, currency: &str) -> Result<Money, Refusal> {
    let currency = Currency::parse(currency).ok_or(refusal::INVALID_REQUEST)?;
    let total = Money::from_json(amount, currency).ok_or(refusal::INVALID_REQUEST)?;
    let enough = total.minor >= currency.card_minimum();
    enough.then_some(total).ok_or(refusal::BELOW_MINIMUM_AMOUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_ids_have_six_to_sixty_four_plain_characters() {
        for good in ["order1", "ORDER_-9", &"a".repeat(64)] {
            assert_eq!(order_id(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "order",
            "order 1",
            "주문번호-1",
            "order/1",
            &"a".repeat(65),
        ] {
            assert_eq!(order_id(bad), Err(refusal::INVALID_ORDER_ID), "{bad}");
        }
    }

    #[test]
    fn amounts_below_the_card_minimum_are_refused() {
        assert_eq!(
            total(&Number::from(99), "KRW"),
            Err(refusal::BELOW_MINIMUM_AMOUNT)
        );
        assert_eq!(
            total(&Number::from(0), "KRW"),
            Err(refusal::BELOW_MINIMUM_AMOUNT)
        );
        assert!(total(&Number::from(100), "KRW").is_ok());
        assert_eq!(
            total(&Number::from(-100), "KRW"),
            Err(refusal::INVALID_REQUEST)
        );
        assert_eq!(
            total(&Number::from(100), "BTC"),
            Err(refusal::INVALID_REQUEST)
        );
    }
}
