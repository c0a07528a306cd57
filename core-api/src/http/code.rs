//! Every problem's stable code, in one table: its HTTP status, its title, whether the same request
//! may succeed later, and what the caller should do. `docs/api/errors.md` is this table in prose; a
//! test compares the two.

use http::StatusCode;

macro_rules! codes {
    ($($name:ident = $code:literal, $status:ident, $retryable:literal, $title:literal, $remedy:literal;)*) => {
        /// The stable name of what went wrong. A code never changes its meaning.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as clients see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status it travels with.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// Whether the same request, repeated as it is, may succeed.
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$name => $retryable,)* }
            }

            /// One sentence for people, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What the caller should do.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

codes! {
    InvalidJson = "invalid_json", BAD_REQUEST, false,
        "The body is not valid JSON", "Send one JSON object in UTF-8.";
    InvalidRequest = "invalid_request", BAD_REQUEST, false,
        "The request has invalid fields", "Correct the fields listed in `errors`.";
    CardNumberRefused = "card_number_refused", BAD_REQUEST, false,
        "The request holds a card number", "Never send card numbers here; use a paymentKey from the PSP's own window.";
    IdempotencyKeyMissing = "idempotency_key_missing", BAD_REQUEST, false,
        "The idempotency key is missing", "Send `X-Idempotency-Key`, a new UUID for each intended payment.";
    IdempotencyKeyInvalid = "idempotency_key_invalid", BAD_REQUEST, false,
        "The idempotency key is not usable", "Use 1 to 255 printable ASCII characters, in one header or the same in both.";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, false,
        "The API key is missing or unknown", "Send `Authorization: Bearer sk_…` with a live key.";
    TenantMismatch = "tenant_mismatch", FORBIDDEN, false,
        "The API key belongs to another tenant", "Send the `X-Tenant-Id` the key was issued for, or none.";
    ScopeMissing = "scope_missing", FORBIDDEN, false,
        "The API key may not do this", "Use a secret key with the scope named in `detail`.";
    NotFound = "not_found", NOT_FOUND, false,
        "There is no such thing", "Check the path and the id.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, false,
        "The path does not take this method", "See the API document for the methods of a path.";
    IdempotencyInFlight = "idempotency_in_flight", CONFLICT, true,
        "A request with this key is still running", "Repeat the same request after `Retry-After` seconds.";
    OrderConflict = "order_conflict", CONFLICT, false,
        "The order exists with other content", "Use another orderId, or the amount and currency of the order.";
    OrderNotPayable = "order_not_payable", CONFLICT, false,
        "The order cannot be paid in its state", "Read the order; a paid one needs no second payment.";
    OrderSpent = "order_spent", CONFLICT, false,
        "The PSP holds another payment under this orderId", "Use a new orderId: a PSP collects or cancels each once.";
    PaymentInProgress = "payment_in_progress", CONFLICT, true,
        "Another payment of this order is in progress", "Wait for it to end; read it by its orderId.";
    PaymentKeyUsed = "payment_key_used", CONFLICT, false,
        "The paymentKey belongs to another payment", "Each paymentKey pays once; open a new payment window.";
    PaymentNotConfirmable = "payment_not_confirmable", CONFLICT, false,
        "The payment cannot be confirmed in its state", "Only a READY payment is confirmed; read it to learn its state.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, false,
        "The body is too large", "Send at most 64 KiB.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, false,
        "The body is not declared as JSON", "Send `Content-Type: application/json`.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, false,
        "The idempotency key was used for another request", "Use a new key for a new request; repeat a request with its own body.";
    CardDeclined = "card_declined", PAYMENT_REQUIRED, false,
        "The card was declined", "Ask the customer for another card.";
    LimitExceeded = "limit_exceeded", PAYMENT_REQUIRED, false,
        "A limit or balance of the card was exceeded", "Ask the customer for another card or a smaller amount.";
    CardExpired = "card_expired", PAYMENT_REQUIRED, false,
        "The card has expired", "Ask the customer for another card.";
    CardLostOrStolen = "card_lost_or_stolen", PAYMENT_REQUIRED, false,
        "The card is stopped, lost or stolen", "Do not try this card again.";
    CardInvalid = "card_invalid", PAYMENT_REQUIRED, false,
        "The card's data is invalid", "Ask the customer to enter the card again.";
    CardNotSupported = "card_not_supported", PAYMENT_REQUIRED, false,
        "The card is not supported", "Ask the customer for another card.";
    AmountBelowMinimum = "amount_below_minimum", PAYMENT_REQUIRED, false,
        "The amount is below the method's minimum", "Card payments start at 100 KRW, account transfers at 200 KRW.";
    FraudSuspected = "fraud_suspected", PAYMENT_REQUIRED, false,
        "The PSP refused the payment as suspicious", "Do not repeat it; the customer should ask the card company.";
    PaymentSessionExpired = "payment_session_expired", PAYMENT_REQUIRED, false,
        "The payment window's result has expired", "Open a new payment window; nothing was charged.";
    PaymentCancelled = "payment_cancelled", PAYMENT_REQUIRED, false,
        "The payment was cancelled at the PSP", "Start a new payment; what was charged was given back.";
    AmountMismatch = "amount_mismatch", BAD_GATEWAY, false,
        "The PSP charged another amount and was made to give it back", "Start a new payment with a new key; the operator has been alarmed.";
    PspMisconfigured = "psp_misconfigured", BAD_GATEWAY, false,
        "The PSP does not accept the tenant's configuration", "Check the PSP credentials; nothing was charged. Pay again with a new key.";
    PspUnreachable = "psp_unreachable", SERVICE_UNAVAILABLE, false,
        "The PSP could not be reached", "Nothing was sent or charged. Pay again with a new key.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, true,
        "Too many payments are in flight", "Repeat the same request after `Retry-After` seconds.";
    DatabaseUnavailable = "database_unavailable", SERVICE_UNAVAILABLE, true,
        "The database is not available", "Repeat the same request, with the same key, after `Retry-After` seconds.";
    Internal = "internal", INTERNAL_SERVER_ERROR, true,
        "Something went wrong on our side", "Repeat the same request, with the same key; then report the traceId.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn documentation() -> String {
        let mut page = String::from(
            "# Error codes\n\nEvery error is an RFC 9457 problem (`application/problem+json`) with the members of this example.\n\
             Branch on `code`; `title` and `detail` are for people. `retryable` says whether the same request,\n\
             repeated as it is with the same idempotency key, may succeed.\n\n```json\n{\n  \"type\": \"urn:fluxpay:error:order_conflict\",\n  \
             \"title\": \"The order exists with other content\",\n  \"status\": 409,\n  \"code\": \"order_conflict\",\n  \
             \"success\": false,\n  \"retryable\": false,\n  \"errors\": [],\n  \
             \"metadata\": { \"timestamp\": \"2026-02-04T10:30:00Z\", \"traceId\": \"4bf92f3577b34da6a3ce929d0e0e4736\" }\n}\n```\n\n\
             The table is checked against the code by a test.\n\n\
             | code | status | retryable | title | what to do |\n| --- | --- | --- | --- | --- |\n",
        );
        for code in Code::ALL {
            let (name, status, retry) = (
                code.as_str(),
                code.status().as_u16(),
                if code.is_retryable() { "yes" } else { "no" },
            );
            writeln!(
                page,
                "| <a id=\"{name}\"></a>`{name}` | {status} | {retry} | {} | {} |",
                code.title(),
                code.remedy()
            )
            .unwrap();
        }
        page
    }

    #[test]
    fn the_documentation_lists_exactly_the_codes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/errors.md");
        if std::env::var_os("FLUXPAY_WRITE_DOCS").is_some() {
            std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, documentation()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            written,
            documentation(),
            "run the test with FLUXPAY_WRITE_DOCS=1 to renew docs/api/errors.md"
        );
    }

    #[test]
    fn a_code_is_a_snake_case_word_used_once() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(
                code.as_str()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{code:?}"
            );
            assert!(seen.insert(code.as_str()), "{code:?}");
            assert!(
                code.status().is_client_error() || code.status().is_server_error(),
                "{code:?}"
            );
        }
    }
}
