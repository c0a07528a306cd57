//! An order as a page: the receipt, "being confirmed", or why there is none.

use axum::response::Response;
use http::StatusCode;
use minijinja::context;

use crate::Shop;
use crate::pages::Notice;
use crate::shelf::{Purchase, State};
use crate::visitor::Visitor;

const SALE: (&str, (&str, &str)) = ("/sale/", ("상품으로 돌아가기", "Back to the lamp"));

/// No such order.
pub const UNKNOWN: Notice = Notice {
    status: StatusCode::NOT_FOUND,
    title: ("그런 주문은 없습니다", "There is no such order"),
    text: (
        "주소를 다시 확인해 주세요. 결제된 금액은 없습니다.",
        "Please check the address. Nothing was charged.",
    ),
    action: SALE,
    refresh: None,
};

/// The window's result does not fit the order.
pub const ALTERED: Notice = Notice {
    status: StatusCode::BAD_REQUEST,
    title: (
        "결제 정보가 주문과 다릅니다",
        "The payment does not match the order",
    ),
    text: (
        "돌아온 금액이 주문한 금액과 달라 결제를 승인하지 않았습니다. 결제된 금액은 없습니다.",
        "The amount that came back is not the amount of the order, so the payment was not taken.",
    ),
    action: SALE,
    refresh: None,
};

/// The HTTP status of an order that is looked up: the look-up worked, whatever it shows.
pub fn look_up_status(purchase: &Purchase) -> StatusCode {
    match purchase.state {
        State::Confirming => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    }
}

/// The HTTP status of an order that was just paid for: it says how that went.
pub fn payment_status(purchase: &Purchase) -> StatusCode {
    match purchase.state {
        State::Paid => StatusCode::OK,
        State::Confirming => StatusCode::ACCEPTED,
        State::Failed => StatusCode::PAYMENT_REQUIRED,
        State::Reserved | State::Released => StatusCode::CONFLICT,
    }
}

/// The order's page.
pub fn page(shop: &Shop, visitor: &Visitor, purchase: &Purchase, status: StatusCode) -> Response {
    let more = context! {
        state => purchase.state.name(),
        order_id => &purchase.id,
        payment_id => &purchase.payment_id,
        amount => purchase.amount,
        edition => purchase.edition,
        total => shop.product.stock,
        paid_at => &purchase.paid_at,
        reason => purchase.failure.as_deref().map(reason),
        refresh => (purchase.state == State::Confirming).then_some(3),
    };
    shop.pages.page(visitor, status, "order.html", more)
}

/// What a refusal means to a buyer (Korean, English).
fn reason(code: &str) -> (&'static str, &'static str) {
    match code {
        "limit_exceeded" => (
            "카드 한도를 초과했거나 잔액이 부족합니다.",
            "The card is over its limit or has too little money.",
        ),
        "card_expired" => ("카드의 유효기간이 지났습니다.", "The card has expired."),
        "card_lost_or_stolen" => (
            "분실 또는 도난 신고된 카드입니다.",
            "The card was reported lost or stolen.",
        ),
        "payment_session_expired" => ("결제 시간이 지났습니다.", "The time to pay was over."),
        "payment_cancelled" => ("결제가 취소되었습니다.", "The payment was cancelled."),
        "card_declined" | "card_invalid" | "card_not_supported" | "fraud_suspected" => (
            "카드사에서 결제를 거절했습니다.",
            "The card company declined the payment.",
        ),
        _ => (
            "결제를 진행하지 못했습니다.",
            "The payment could not be made.",
        ),
    }
}
