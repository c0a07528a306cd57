//! The provider's error answers, as data: code, HTTP status, message in Korean and English.
//!
//! Codes and statuses are TossPayments' own. Note the traps that a client has to survive:
//! `PROVIDER_ERROR` is transient and yet a 400, and a card's refusal is a 403.

use std::borrow::Cow;

use crate::language::Language;

/// One error answer: `{"code", "message"}` with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: Cow<'static, str>,
    /// A status that a fault rule chose over the code's own.
    status: Option<u16>,
}

macro_rules! refusals {
    ($($name:ident),* $(,)?) => {
        $(#[doc = concat!("`", stringify!($name), "`, see the table below.")]
        pub const $name: Refusal = Refusal { code: Cow::Borrowed(stringify!($name)), status: None };)*
        /// Every refusal that the simulator gives by itself, for the test of the table.
        #[cfg(test)]
        const OWN: &[Refusal] = &[$($name),*];
    };
}

refusals! {
    ALREADY_CANCELED_PAYMENT, ALREADY_PROCESSED_PAYMENT, BELOW_MINIMUM_AMOUNT, DUPLICATED_ORDER_ID,
    FORBIDDEN_REQUEST, IDEMPOTENT_REQUEST_PROCESSING, INCORRECT_BASIC_AUTH_FORMAT,
    INVALID_IDEMPOTENCY_KEY, INVALID_ORDER_ID, INVALID_REQUEST, NOT_CANCELABLE_AMOUNT,
    NOT_CANCELABLE_PAYMENT, NOT_FOUND, NOT_FOUND_PAYMENT, NOT_FOUND_PAYMENT_SESSION,
    PAY_PROCESS_ABORTED, PAY_PROCESS_CANCELED, REJECT_CARD_COMPANY, REJECT_CARD_PAYMENT,
    SIMULATOR_FULL, UNAUTHORIZED_KEY,
}

impl Refusal {
    /// The refusal with this code, whether the table knows it or not.
    pub fn named(code: &str) -> Self {
        Self {
            code: Cow::Owned(code.to_owned()),
            status: None,
        }
    }

    /// The same refusal under another HTTP status.
    pub fn with_status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The HTTP status: a fault's choice, the table's, or 400 for a code nobody knows.
    pub fn status(&self) -> u16 {
        self.status.or(self.row().map(|row| row.1)).unwrap_or(400)
    }

    /// What the provider tells a person.
    pub fn message(&self, language: Language) -> &'static str {
        match (self.row(), language) {
            (Some(row), Language::Korean) => row.2,
            (Some(row), Language::English) => row.3,
            (None, Language::Korean) => "요청을 처리하지 못했습니다.",
            (None, Language::English) => "The request could not be processed.",
        }
    }

    /// Whether the card's issuer said no, which ends the payment (ABORTED).
    pub fn ends_payment(&self) -> bool {
        let by_issuer = [
            "REJECT_",
            "INVALID_REJECT_",
            "INVALID_STOPPED_",
            "INVALID_CARD_",
            "EXCEED_MAX_",
        ];
        by_issuer.iter().any(|prefix| self.code.starts_with(prefix)) || self.code == "FDS_ERROR"
    }

    fn row(&self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.0 == self.code)
    }
}

type Row = (&'static str, u16, &'static str, &'static str);

#[rustfmt::skip] // one refusal a line reads as the table it is
const TABLE: &[Row] = &[
    ("ALREADY_CANCELED_PAYMENT", 400, "이미 취소된 결제 입니다.", "This payment is already canceled."),
    ("ALREADY_PROCESSED_PAYMENT", 400, "이미 처리된 결제 입니다.", "This payment is already processed."),
    ("ALREADY_REFUND_PAYMENT", 400, "이미 환불된 결제입니다.", "This payment is already refunded."),
    ("BELOW_MINIMUM_AMOUNT", 400, "신용카드는 결제금액이 100원 이상, 계좌는 200원이상부터 결제가 가능합니다.", "Cards take 100 KRW or more, accounts 200 KRW or more."),
    ("COMMON_ERROR", 500, "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요.", "A temporary error has occurred. Try again in a moment."),
    ("DUPLICATED_ORDER_ID", 400, "이미 승인 및 취소가 진행된 중복된 주문번호 입니다. 다른 주문번호로 진행해주세요.", "This orderId has been approved or canceled already. Use another one."),
    ("EXCEED_MAX_AMOUNT", 403, "거래금액 한도를 초과했습니다.", "The amount is over the limit."),
    ("EXCEED_MAX_AUTH_COUNT", 403, "최대 인증 횟수를 초과했습니다. 카드사로 문의해주세요.", "Too many authentication attempts. Ask the card company."),
    ("EXCEED_MAX_DAILY_PAYMENT_COUNT", 400, "하루 결제 가능 횟수를 초과했습니다.", "Too many payments in one day."),
    ("EXCEED_MAX_ONE_DAY_AMOUNT", 403, "일일 한도를 초과했습니다.", "Over the daily limit."),
    ("FAILED_CARD_COMPANY_RESPONSE", 500, "카드사에서 에러가 발생했습니다. 잠시 후 다시 시도해 주세요.", "The card company failed. Try again in a moment."),
    ("FAILED_DB_PROCESSING", 500, "잘못된 요청 값으로 처리 중 DB 에러가 발생했습니다.", "A database error has occurred."),
    ("FAILED_INTERNAL_SYSTEM_PROCESSING", 500, "내부 시스템 처리 작업이 실패했습니다. 잠시 후 다시 시도해주세요.", "An internal system failed. Try again in a moment."),
    ("FAILED_PARTIAL_REFUND", 500, "은행 점검, 해약 계좌 등의 사유로 부분 환불이 실패했습니다.", "The partial refund failed at the bank."),
    ("FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", 500, "결제가 완료되지 않았어요. 다시 시도해주세요.", "The payment was not completed. Please try again."),
    ("FAILED_REFUND_PROCESS", 500, "은행 응답시간 지연이나 일시적인 오류로 환불요청에 실패했습니다.", "The refund failed because the bank was late or had a temporary error."),
    ("FDS_ERROR", 403, "위험거래가 감지되어 결제가 제한됩니다.", "A risky transaction was detected; the payment is restricted."),
    ("FORBIDDEN_CONSECUTIVE_REQUEST", 403, "반복적인 요청은 허용되지 않습니다. 잠시 후 다시 시도해주세요.", "Repeated requests are not allowed. Try again in a moment."),
    ("FORBIDDEN_REQUEST", 403, "허용되지 않은 요청입니다.", "This request is not allowed."),
    ("IDEMPOTENT_REQUEST_PROCESSING", 409, "이전 멱등 요청이 처리중입니다.", "The earlier request with this idempotency key is still being processed."),
    ("INCORRECT_BASIC_AUTH_FORMAT", 403, "잘못된 요청입니다. ':' 를 포함해 인코딩해주세요.", "Encode the key together with ':'."),
    ("INVALID_API_KEY", 400, "잘못된 시크릿키 연동 정보 입니다.", "The secret key is wrong."),
    ("INVALID_CARD_EXPIRATION", 400, "카드 정보를 다시 확인해주세요. (유효기간)", "Check the card's expiry date."),
    ("INVALID_CARD_LOST_OR_STOLEN", 400, "분실 혹은 도난 카드입니다.", "The card was reported lost or stolen."),
    ("INVALID_CARD_NUMBER", 400, "카드번호를 다시 확인해주세요.", "Check the card number."),
    ("INVALID_IDEMPOTENCY_KEY", 400, "멱등키는 300자 이하여야 합니다.", "An idempotency key has at most 300 characters."),
    ("INVALID_ORDER_ID", 400, "`orderId`는 영문 대소문자, 숫자, 특수문자(-, _) 만 허용합니다. 6자 이상 64자 이하여야 합니다.", "`orderId` takes 6 to 64 letters, digits, '-' and '_'."),
    ("INVALID_REJECT_CARD", 400, "카드 사용이 거절되었습니다. 카드사 문의가 필요합니다.", "The card was refused. Ask the card company."),
    ("INVALID_REQUEST", 400, "잘못된 요청입니다.", "The request is invalid."),
    ("INVALID_STOPPED_CARD", 400, "정지된 카드 입니다.", "The card is suspended."),
    ("NOT_ALLOWED_PARTIAL_REFUND", 403, "에스크로 주문, 현금 카드 결제일 때는 부분 환불이 불가합니다.", "A partial refund is not possible for this payment."),
    ("NOT_ALLOWED_POINT_USE", 400, "포인트 사용이 불가한 카드로 카드 포인트 결제에 실패했습니다.", "This card cannot pay with points."),
    ("NOT_AVAILABLE_BANK", 403, "은행 서비스 시간이 아닙니다.", "The bank is closed at this hour."),
    ("NOT_CANCELABLE_AMOUNT", 403, "취소 할 수 없는 금액 입니다.", "This amount cannot be canceled."),
    ("NOT_CANCELABLE_PAYMENT", 403, "취소 할 수 없는 결제 입니다.", "This payment cannot be canceled."),
    ("NOT_FOUND", 404, "존재하지 않는 정보 입니다.", "There is no such thing."),
    ("NOT_FOUND_PAYMENT", 404, "존재하지 않는 결제 정보 입니다.", "There is no such payment."),
    ("NOT_FOUND_PAYMENT_SESSION", 404, "결제 시간이 만료되어 결제 진행 데이터가 존재하지 않습니다.", "The payment session has expired."),
    ("NOT_FOUND_TERMINAL_ID", 400, "단말기번호(Terminal Id)가 없습니다. 토스페이먼츠로 문의 바랍니다.", "There is no terminal id for this merchant."),
    ("NOT_REGISTERED_CARD_COMPANY", 400, "카드를 사용 등록 후 이용해주세요.", "Register the card before use."),
    ("NOT_SUPPORTED_CARD_TYPE", 400, "지원되지 않는 카드 종류입니다.", "This kind of card is not supported."),
    ("PAY_PROCESS_ABORTED", 400, "결제 진행 중 승인에 실패하여 결제가 중단되었습니다.", "The payment was aborted on its way."),
    ("PAY_PROCESS_CANCELED", 400, "사용자에 의해 결제가 취소되었습니다.", "The payment was canceled by the customer."),
    ("PROVIDER_ERROR", 400, "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요.", "A temporary error has occurred. Try again in a moment."),
    ("REFUND_REJECTED", 400, "환불이 거절됐습니다. 결제사에 문의 부탁드립니다.", "The refund was rejected."),
    ("REJECT_ACCOUNT_PAYMENT", 403, "잔액부족으로 결제에 실패했습니다.", "The account has too little money."),
    ("REJECT_CARD_COMPANY", 403, "결제 승인이 거절되었습니다.", "The card company declined the payment."),
    ("REJECT_CARD_PAYMENT", 403, "한도초과 혹은 잔액부족으로 결제에 실패했습니다.", "The card is over its limit or has too little money."),
    ("SIMULATOR_FULL", 503, "시뮬레이터의 장부가 가득 찼습니다. /sim/book 을 비워주세요.", "The simulator's book is full: DELETE /sim/book or start it with a larger --max-payments."),
    ("UNAUTHORIZED_KEY", 401, "인증되지 않은 시크릿 키 혹은 클라이언트 키 입니다.", "The secret or client key is not authorized."),
    ("UNKNOWN_PAYMENT_ERROR", 500, "결제에 실패했어요. 같은 문제가 반복된다면 은행이나 카드사로 문의해주세요.", "The payment failed. If it keeps failing, ask your bank or card company."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_the_simulator_gives_is_in_the_table() {
        for refusal in OWN {
            assert!(refusal.row().is_some(), "{} has no row", refusal.code());
        }
    }

    #[test]
    fn the_table_is_sorted_and_free_of_duplicates() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn statuses_are_the_ones_seen_at_the_real_test_server() {
        let seen = [
            ("REJECT_CARD_PAYMENT", 403),
            ("ALREADY_PROCESSED_PAYMENT", 400),
            ("DUPLICATED_ORDER_ID", 400),
            ("IDEMPOTENT_REQUEST_PROCESSING", 409),
            ("FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", 500),
            ("COMMON_ERROR", 500),
            ("NOT_FOUND_PAYMENT", 404),
            ("PROVIDER_ERROR", 400),
        ];
        for (code, status) in seen {
            assert_eq!(Refusal::named(code).status(), status, "{code}");
        }
    }

    #[test]
    fn a_rule_may_choose_the_status_and_unknown_codes_are_400() {
        assert_eq!(
            Refusal::named("COMMON_ERROR").with_status(503).status(),
            503
        );
        assert_eq!(Refusal::named("BRAND_NEW_CODE").status(), 400);
    }
}
