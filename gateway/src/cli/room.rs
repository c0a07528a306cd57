//! `fluxgate room …`: an operator's words to a running gateway, over its admin listener.

mod history;

use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;
use policies::document::Scalar as _;
use policies::name::Name;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use history::How;

/// What is asked of the gateway.
#[derive(Debug, PartialEq)]
pub(crate) struct Ask {
    admin: String,
    token_file: Option<PathBuf>,
    /// `tenant/room`; none: all rooms.
    room: Option<String>,
    /// None: only to look.
    order: Option<Value>,
    /// The last day rather than the present.
    history: Option<How>,
    /// One ticket rather than the room.
    ticket: Option<String>,
}

const DEFAULT_ADMIN: &str = "http://127.0.0.1:9080";
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the words after `fluxgate room`.
pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<Ask, lexopt::Error> {
    let verb = match parser.next()? {
        Some(Value(verb)) => verb.string()?,
        Some(other) => return Err(other.unexpected()),
        None => return Err("say what: state, history, ticket, pause, resume, drain, undrain, tune, announce, stock, first or beacon".into()),
    };
    let mut ask = Ask {
        admin: DEFAULT_ADMIN.to_owned(),
        token_file: None,
        room: None,
        order: None,
        history: (verb == "history").then(How::default),
        ticket: None,
    };
    let mut said = Map::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("admin") => ask.admin = parser.value()?.string()?,
            Long("token-file") => ask.token_file = Some(parser.value()?.into()),
            Long(name) if ask.history.is_some() => {
                let name = name.to_owned();
                let how = ask.history.get_or_insert_default();
                match name.as_str() {
                    "from" => how.from = Some(parser.value()?.parse()?),
                    "step" => how.step = Some(parser.value()?.parse()?),
                    "csv" => how.csv = true,
                    _ => return Err(Long(&name).unexpected()),
                }
            }
            Long(name @ ("by" | "reason" | "ticket" | "text" | "value")) => {
                let name = name.to_owned();
                said.insert(name, json!(parser.value()?.string()?));
            }
            Long(name @ ("until" | "opens-at")) => {
                let name = name.replace('-', "_");
                said.insert(name, json!(moment(&parser.value()?.string()?)?));
            }
            Long(name @ ("active" | "per-minute" | "remaining" | "number")) => {
                let name = name.replace('-', "_");
                said.insert(name, json!(parser.value()?.parse::<u64>()?));
            }
            Value(room) if ask.room.is_none() => ask.room = Some(named(room.string()?)?),
            other => return Err(other.unexpected()),
        }
    }
    if verb == "ticket" {
        ask.ticket = Some(asked_for(&said)?);
        said.clear();
    }
    let says_who = said.contains_key("by");
    ask.order = order(&verb, said)?;
    if ask.order.is_some() && !says_who {
        return Err("say who you are: --by NAME".into());
    }
    if verb != "state" && ask.room.is_none() {
        return Err("say which room: TENANT/ROOM".into());
    }
    Ok(ask)
}

/// TENANT/ROOM, which becomes part of an address.
fn named(room: String) -> Result<String, lexopt::Error> {
    let is_name = |name: &str| Name::read(name).is_ok();
    match room.split_once('/') {
        Some((tenant, name)) if is_name(tenant) && is_name(name) => Ok(room),
        _ => Err(format!("`{room}` is not TENANT/ROOM").into()),
    }
}

/// Milliseconds since 1970, or a time as in the configuration.
fn moment(text: &str) -> Result<u64, lexopt::Error> {
    if let Ok(ms) = text.parse() {
        return Ok(ms);
    }
    let at = text.parse::<jiff::Timestamp>().ok();
    let ms = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    ms.ok_or_else(|| {
        format!("`{text}` is no time: 2026-12-01T12:00:00+09:00, or milliseconds since 1970").into()
    })
}

/// The code of a ticket, which becomes part of an address.
fn asked_for(said: &Map<String, Value>) -> Result<String, lexopt::Error> {
    let code = said
        .get("ticket")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_code = !code.is_empty()
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_code && said.len() == 1 {
        return Ok(code.to_owned());
    }
    Err("say whose: --ticket CODE, as it stands on the page".into())
}

fn order(verb: &str, mut said: Map<String, Value>) -> Result<Option<Value>, lexopt::Error> {
    let (name, on) = match verb {
        "state" | "history" | "ticket" => return Ok(None),
        "pause" => ("pause", Some(true)),
        "resume" => ("pause", Some(false)),
        "drain" => ("drain", Some(true)),
        "undrain" => ("drain", Some(false)),
        "tune" | "announce" | "stock" | "first" | "beacon" => (verb, None),
        other => return Err(format!("unknown word `{other}`").into()),
    };
    said.insert("order".into(), json!(name));
    if let Some(on) = on {
        said.insert("on".into(), json!(on));
    }
    // What is not said is as in the file, and not known.
    let unsaid: &[&str] = match name {
        "tune" => &["active", "per_minute", "until"],
        "stock" => &["remaining"],
        _ => &[],
    };
    for member in unsaid {
        said.entry(*member).or_insert(Value::Null);
    }
    Ok(Some(Value::Object(said)))
}

/// Asks, and returns what was answered.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn run(ask: &Ask) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(send(ask))
}

async fn send(ask: &Ask) -> Result<String, String> {
    let room = ask.room.as_deref().unwrap_or_default();
    let of_ticket = ask.ticket.as_ref().map(|code| format!("/tickets/{code}"));
    let history = ask.history.as_ref().map(How::address);
    let more = of_ticket.or(history).unwrap_or_default();
    let address = format!(
        "{}/admin/rooms/{room}{more}",
        ask.admin.trim_end_matches('/')
    );
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())?;
    let mut request = match &ask.order {
        Some(order) => client.post(&address).json(order),
        None => client.get(&address),
    };
    if let Some(file) = &ask.token_file {
        let token = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        request = request.bearer_auth(token.trim());
    }
    let answer = request
        .send()
        .await
        .map_err(|error| format!("{address} does not answer: {error}"))?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|error| error.to_string())?;
    let json = serde_json::from_slice::<Value>(&body).ok();
    let history = ask.history.as_ref().filter(|_| status == StatusCode::OK);
    let shown = history
        .zip(json.as_ref())
        .and_then(|(how, json)| how.show(json));
    if let Some(shown) = shown {
        return Ok(shown);
    }
    let text = json
        .and_then(|json| serde_json::to_string_pretty(&json).ok())
        .unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
    match status {
        StatusCode::OK => Ok(text + "\n"),
        StatusCode::UNAUTHORIZED => Err("the admin token is needed: --token-file FILE".into()),
        status => Err(format!("{status}\n{text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &str) -> Result<Ask, lexopt::Error> {
        parse(&mut lexopt::Parser::from_args(words.split_whitespace()))
    }

    #[test]
    fn a_word_becomes_an_order() {
        let paused = ask("pause acme/sale --by kim").expect("valid");
        assert_eq!(paused.room.as_deref(), Some("acme/sale"));
        assert_eq!(
            paused.order,
            Some(json!({ "order": "pause", "on": true, "by": "kim" }))
        );
        let tuned = ask("tune acme/sale --active 5 --by kim").expect("valid");
        let order =
            json!({ "order": "tune", "active": 5, "per_minute": null, "until": null, "by": "kim" });
        assert_eq!(tuned.order, Some(order));
        assert_eq!(ask("state").expect("valid").order, None);
        let history = ask("history acme/sale --step 300 --csv").expect("valid");
        let how = How {
            from: None,
            step: Some(300),
            csv: true,
        };
        assert_eq!((history.order, history.history), (None, Some(how)));
        let ticket = ask("ticket acme/sale --ticket K7Q4MX").expect("valid");
        assert_eq!(
            (ticket.order, ticket.ticket.as_deref()),
            (None, Some("K7Q4MX"))
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for wrong in [
            "",
            "dance acme/sale",
            "pause",
            "pause a/b c/d",
            "history",
            "history a/b --by kim",
            "tune a/b --active many",
            "tune a/b --active 5",
            "tune a/b --active 5 --by kim --until tomorrow",
            "ticket a/b",
            "ticket --ticket K7Q4MX",
            "ticket a/b --ticket K7Q4/MX",
            "ticket a/b --ticket K7Q4MX --by kim",
        ] {
            assert!(ask(wrong).is_err(), "{wrong}");
        }
    }
}
