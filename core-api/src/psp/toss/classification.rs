//! TossPayments' error codes, and what each lets us know. The code decides and the HTTP status never
//! does: `PROVIDER_ERROR` is a 400 and means that nobody knows.
//!
//! A code that is not listed leaves us in doubt, which is always safe: we ask again, and never with
//! another key.

use crate::psp::Refusal;

/// What a code lets us know about a confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// No money moved, for certain.
    Refused(Refusal),
    /// The session is not confirmed by this call; a look-up says whether an earlier one did.
    Unconfirmable(Refusal),
    /// Anything may have happened.
    Doubt,
}

const TABLE: &[(Refusal, &[&str])] = &[
    (
        Refusal::CardDeclined,
        &[
            "REJECT_CARD_PAYMENT",
            "REJECT_ACCOUNT_PAYMENT",
            "REJECT_CARD_COMPANY",
            "INVALID_REJECT_CARD",
        ],
    ),
    (
        Refusal::LimitExceeded,
        &[
            "EXCEED_MAX_AUTH_COUNT",
            "EXCEED_MAX_DAILY_PAYMENT_COUNT",
            "EXCEED_MAX_PAYMENT_AMOUNT",
            "EXCEED_MAX_AMOUNT",
            "EXCEED_MAX_ONE_DAY_AMOUNT",
            "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT",
            "EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT",
            "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT",
            "EXCEED_MAX_CARD_INSTALLMENT_PLAN",
        ],
    ),
    (Refusal::CardExpired, &["INVALID_CARD_EXPIRATION"]),
    (
        Refusal::CardLostOrStolen,
        &["INVALID_STOPPED_CARD", "INVALID_CARD_LOST_OR_STOLEN"],
    ),
    (
        Refusal::CardInvalid,
        &["INVALID_CARD_NUMBER", "INVALID_BILL_KEY_REQUEST"],
    ),
    (
        Refusal::CardNotSupported,
        &[
            "NOT_SUPPORTED_CARD_TYPE",
            "NOT_REGISTERED_CARD_COMPANY",
            "NOT_ALLOWED_POINT_USE",
        ],
    ),
    (Refusal::AmountBelowMinimum, &["BELOW_MINIMUM_AMOUNT"]),
    (Refusal::FraudSuspected, &["FDS_ERROR"]),
    (
        Refusal::Misconfigured,
        &[
            "INVALID_API_KEY",
            "UNAUTHORIZED_KEY",
            "INCORRECT_BASIC_AUTH_FORMAT",
            "FORBIDDEN_REQUEST",
            "INVALID_REQUEST",
            "NOT_MATCHES_CUSTOMER_KEY",
            "NOT_FOUND_TERMINAL_ID",
        ],
    ),
];

/// The class of a confirm's error code.
pub(super) fn of_confirm(code: &str) -> Class {
    match code {
        "NOT_FOUND_PAYMENT_SESSION" | "NOT_FOUND_PAYMENT" => {
            return Class::Unconfirmable(Refusal::SessionExpired);
        }
        // A payment of this order was collected or cancelled: ours, or another session's.
        "DUPLICATED_ORDER_ID" => return Class::Unconfirmable(Refusal::OrderSpent),
        _ => {}
    }
    let listed = TABLE.iter().find(|(_, codes)| codes.contains(&code));
    listed.map_or(Class::Doubt, |(refusal, _)| Class::Refused(*refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decline_tells_the_customer_what_helps() {
        for (code, refusal) in [
            ("REJECT_CARD_PAYMENT", Refusal::CardDeclined),
            ("EXCEED_MAX_DAILY_PAYMENT_COUNT", Refusal::LimitExceeded),
            ("INVALID_STOPPED_CARD", Refusal::CardLostOrStolen),
            ("INVALID_CARD_EXPIRATION", Refusal::CardExpired),
            ("BELOW_MINIMUM_AMOUNT", Refusal::AmountBelowMinimum),
            ("UNAUTHORIZED_KEY", Refusal::Misconfigured),
        ] {
            assert_eq!(of_confirm(code), Class::Refused(refusal), "{code}");
        }
    }

    #[test]
    fn what_may_have_charged_is_doubt() {
        for code in [
            "PROVIDER_ERROR",
            "ALREADY_PROCESSED_PAYMENT",
            "IDEMPOTENT_REQUEST_PROCESSING",
            "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING",
            "FAILED_INTERNAL_SYSTEM_PROCESSING",
            "COMMON_ERROR",
            "UNKNOWN_PAYMENT_ERROR",
            "FAILED_CARD_COMPANY_RESPONSE",
            "FAILED_DB_PROCESSING",
            "A_CODE_OF_NEXT_YEAR",
            "",
        ] {
            assert_eq!(of_confirm(code), Class::Doubt, "{code}");
        }
    }

    #[test]
    fn no_code_has_two_classes() {
        let mut seen = std::collections::HashSet::new();
        for code in TABLE.iter().flat_map(|(_, codes)| codes.iter()) {
            assert!(seen.insert(code), "{code}");
        }
    }
}
