//! Reads a JSON body: bounded, parsed, searched for card numbers, then typed. What a handler gets has
//! passed all of it.

use super::{Code, Problem, card};
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::header;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Write as _;

/// A typed body, and its canonical text: the same for bodies that differ only in spacing or in the
/// order of members. The fingerprint of an idempotent request is made from it.
#[derive(Debug)]
pub struct Checked<T> {
    /// What was asked.
    pub value: T,
    /// Members sorted by name, no white space.
    pub canonical: String,
}

impl<S, T> FromRequest<S> for Checked<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let declared = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        if !declared.is_some_and(is_json) {
            return Err(Problem::new(Code::UnsupportedMediaType));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        read(&bytes)
    }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn unread(rejection: BytesRejection) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::new(Code::BodyTooLarge)
        }
        _ => Problem::new(Code::InvalidRequest).detail("The body did not arrive whole."),
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<Checked<T>, Problem> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(Code::InvalidJson).detail(format!(
            "line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    if let Some(pointer) = card::find(&document) {
        return Err(Problem::new(Code::CardNumberRefused).detail(format!(
            "at {}",
            if pointer.is_empty() {
                "the body"
            } else {
                "a field"
            }
        )));
    }
    let mut text = String::with_capacity(bytes.len());
    write_canonical(&document, &mut text);
    let value = serde_path_to_error::deserialize(document).map_err(|error| {
        let pointer = pointer(error.path());
        Problem::field(pointer, in_words(&error.into_inner().to_string()))
    })?;
    Ok(Checked {
        value,
        canonical: text,
    })
}

/// RFC 6901 for where serde stopped.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => write!(pointer, "/{index}").expect("a String takes all"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

/// serde's sentence without its position, which is meaningless for an already parsed document.
fn in_words(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (at, (name, member)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write!(out, "{}:", Value::from(name.as_str())).expect("a String takes all");
                write_canonical(member, out);
            }
            out.push('}');
        }
        scalar => write!(out, "{scalar}").expect("a String takes all"),
    }
}

/// Typed query parameters.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S, T> FromRequestParts<S> for Params<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Problem> {
        let read = Query::from_request_parts(parts, state).await;
        let Query(value) =
            read.map_err(|error: QueryRejection| Problem::field("query", error.body_text()))?;
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        amount: i64,
        #[serde(default)]
        items: Vec<i64>,
    }

    fn code_of(body: &str) -> Code {
        read::<Sample>(body.as_bytes()).unwrap_err().code()
    }

    #[test]
    fn the_same_content_has_one_canonical_text() {
        let a = read::<Sample>(br#"{"items":[1, 2],"amount":1}"#).unwrap();
        let b = read::<Sample>(br#" { "amount": 1, "items": [1,2] } "#).unwrap();
        assert_eq!(a.canonical, b.canonical);
        assert_eq!(
            (a.canonical.as_str(), a.value.amount, a.value.items.len()),
            (r#"{"amount":1,"items":[1,2]}"#, 1, 2)
        );
    }

    #[test]
    fn each_flaw_has_its_code() {
        assert_eq!(code_of("{"), Code::InvalidJson);
        assert_eq!(code_of(""), Code::InvalidJson);
        assert_eq!(code_of(r#"{"amount":"1"}"#), Code::InvalidRequest);
        assert_eq!(code_of(r#"{"amount":1,"amuont":1}"#), Code::InvalidRequest);
        assert_eq!(
            code_of(r#"{"amount":1,"x":"4242424242424242"}"#),
            Code::CardNumberRefused
        );
    }

    #[test]
    fn a_flaw_is_pointed_at() {
        let problem = read::<Sample>(br#"{"amount":1,"items":[1,"two"]}"#).unwrap_err();
        assert!(
            format!("{problem:?}").contains("\"/items/1\""),
            "{problem:?}"
        );
    }
}
