//! Refusals: why the gateway does not do what was asked, and the answer that says so.
//!
//! Each has a stable code for machines and a sentence for people; nothing internal is in either. The
//! body is RFC 9457 `application/problem+json`.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use policies::limit::field;

use crate::answer::Answer;
use crate::limit::Exhausted;
use crate::metrics::Outcome;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) enum Rejection {
    /// The message breaks a rule of HTTP; the text says which, and repeats nothing of the request.
    BadRequest(&'static str),
    HeaderTooLarge,
    UriTooLong,
    BodyTooLarge,
    /// The client stopped in the middle of its body.
    RequestTimeout,
    UnknownHost,
    NoRoute,
    RateLimited(Exhausted),
    /// There is no place in a line to move.
    NoPlace,
    /// No place moves by this code, or not any more.
    UnknownCode,
    /// Too many places were moved from there; one may be again after so long.
    TooManyMoves(Duration),
    /// The room's store does not answer.
    RoomUnavailable,
    /// A rule of the room says so.
    Denied,
    /// No server of the upstream takes a connection.
    UpstreamUnavailable,
    /// A server took too long.
    UpstreamTimeout,
    /// A server broke off or spoke nonsense.
    BadGateway,
    /// A fault of the gateway itself.
    Internal,
}

impl Rejection {
    /// The status code that says it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NoPlace => StatusCode::CONFLICT,
            Self::UnknownCode => StatusCode::GONE,
            Self::TooManyMoves(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::RoomUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::UpstreamUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What metrics, the log and the body's `code` call it.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::BadRequest(_) => Outcome::BadRequest,
            Self::HeaderTooLarge => Outcome::HeaderTooLarge,
            Self::UriTooLong => Outcome::UriTooLong,
            Self::BodyTooLarge => Outcome::BodyTooLarge,
            Self::RequestTimeout => Outcome::RequestTimeout,
            Self::UnknownHost => Outcome::UnknownHost,
            Self::NoRoute => Outcome::NoRoute,
            Self::RateLimited(_) => Outcome::RateLimited,
            Self::NoPlace => Outcome::NoPlace,
            Self::UnknownCode => Outcome::UnknownCode,
            Self::TooManyMoves(_) => Outcome::TooManyMoves,
            Self::RoomUnavailable => Outcome::RoomUnavailable,
            Self::Denied => Outcome::Denied,
            Self::UpstreamUnavailable => Outcome::UpstreamUnavailable,
            Self::UpstreamTimeout => Outcome::UpstreamTimeout,
            Self::BadGateway => Outcome::BadGateway,
            Self::Internal => Outcome::Internal,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::BadRequest(why) => why,
            Self::HeaderTooLarge => "The request's headers are too large",
            Self::UriTooLong => "The request's address is too long",
            Self::BodyTooLarge => "The request's body is too large",
            Self::RequestTimeout => "The request's body did not arrive in time",
            Self::UnknownHost => "No site of this gateway has this host name",
            Self::NoRoute => "Nothing is served at this address",
            Self::RateLimited(_) => "Too many requests; wait a moment",
            Self::NoPlace => "There is no place in this line to move",
            Self::UnknownCode => "This code is unknown, too old, or was used before",
            Self::TooManyMoves(_) => "Too many places were moved from there; wait a moment",
            Self::RoomUnavailable => "The room cannot answer this right now; try again shortly",
            Self::Denied => "This site does not serve this request",
            Self::UpstreamUnavailable => {
                "The service cannot be reached right now; try again shortly"
            }
            Self::UpstreamTimeout => "The service took too long to answer",
            Self::BadGateway => "The service gave no usable answer",
            Self::Internal => "The gateway failed",
        }
    }

    /// The answer, with `request_id` in its body. `jitter` from 0 to 1 spreads returning clients.
    pub(crate) fn answer(&self, request_id: &str, jitter: f64) -> Answer {
        let status = self.status();
        let code = self.outcome().as_str();
        let mut body = String::with_capacity(256);
        // Writing to a String cannot fail, and no text here needs escaping: codes and titles are
        // constants, names have no quotes, request ids are checked.
        let _ = write!(
            body,
            r#"{{"type":"about:blank","title":"{}","status":{},"code":"{code}","request_id":"{request_id}""#,
            self.title(),
            status.as_u16(),
        );
        let mut headers: [Option<(HeaderName, HeaderValue)>; 3] = [None, None, None];
        match self {
            Self::RateLimited(exhausted) => {
                let wait = spread(exhausted.wait, jitter);
                let limit = &exhausted.limiter.limit;
                let _ = write!(
                    body,
                    r#","policy":"{}","retry_after_ms":{}"#,
                    limit.name,
                    wait.as_millis()
                );
                let left = text(&field::exhausted(limit, exhausted.wait));
                headers = [
                    Some((RETRY_AFTER, seconds(wait))),
                    Some((RATE_LIMIT, left)),
                    Some((RATE_LIMIT_POLICY, exhausted.limiter.policy_field.clone())),
                ];
            }
            Self::TooManyMoves(wait) => {
                let wait = spread(*wait, jitter);
                let _ = write!(body, r#","retry_after_ms":{}"#, wait.as_millis());
                headers[0] = Some((RETRY_AFTER, seconds(wait)));
            }
            Self::UpstreamUnavailable | Self::RoomUnavailable => {
                headers[0] = Some((RETRY_AFTER, seconds(spread(Duration::from_secs(1), jitter))));
            }
            _ => {}
        }
        body.push('}');
        let mut answer = Answer::new(status, PROBLEM, Bytes::from(body), self.outcome());
        answer.headers.extend(headers.into_iter().flatten());
        answer
    }
}

/// The wait, up to a half longer and at least up to a second: refused crowds must not come back at once.
fn spread(wait: Duration, jitter: f64) -> Duration {
    wait + wait
        .max(Duration::from_secs(2))
        .mul_f64(jitter.clamp(0.0, 1.0) / 2.0)
}

fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(field::whole_seconds_up(wait).max(1))
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_problem_with_its_code() {
        let answer = Rejection::UnknownHost.answer("r1", 0.0);
        assert_eq!(answer.status, 421);
        let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("json");
        assert_eq!(body["code"], "unknown_host");
        assert_eq!(body["status"], 421);
        assert_eq!(body["request_id"], "r1");
    }

    #[test]
    fn the_wait_is_spread_and_never_shortened() {
        let wait = Duration::from_secs(10);
        assert_eq!(spread(wait, 0.0), wait);
        assert_eq!(spread(wait, 1.0), Duration::from_secs(15));
        assert_eq!(
            spread(Duration::from_millis(10), 1.0),
            Duration::from_millis(1_010)
        );
    }
}
