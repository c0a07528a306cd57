//! The preview's server: for this machine only.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION,
};
use http::request::Parts;
use http::{Method, StatusCode};
use tokio::net::TcpListener;

use super::rehearsal::{Fate, Manner, Opened, Rehearsal, proves};
use super::{Options, PreviewError, gallery, language, tag};
use crate::clock;
use crate::page::negotiate::{self, Form, Language, Wish};
use crate::page::sample::Sample;
use crate::page::{Held, Refresh, State, Status, Visit, json, original_of_still, still_url};

const X_FLUXGATE_WORK: HeaderName = HeaderName::from_static("x-fluxgate-work");
/// What stands behind the line.
const SHOP: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
    <title>The shop</title><main><h1>The shop</h1><p>Here the visitor is in. <a href=\"/\">Back to all pages</a></main>";

#[derive(Debug)]
struct Preview {
    options: Options,
    rehearsal: Rehearsal,
}

/// Status, headers, body.
struct Reply(StatusCode, Vec<(HeaderName, HeaderValue)>, Vec<u8>);

/// Serves until the process is ended.
pub(super) fn serve(port: u16, options: Options) -> Result<(), PreviewError> {
    let refused = |source| PreviewError::Listen { port, source };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .and_then(|runtime| runtime.block_on(listen(port, options)))
        .map_err(refused)
}

async fn listen(port: u16, options: Options) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    super::super::print(&format!(
        "the queue page is at http://{address}/ (Ctrl-C ends it)\n"
    ));
    let preview = Arc::new(Preview {
        options,
        rehearsal: Rehearsal::default(),
    });
    let router = Router::new().fallback(answer).with_state(preview);
    axum::serve(listener, router).await
}

async fn answer(Shared(preview): Shared<Arc<Preview>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let Reply(code, headers, body) = preview.reply(&head);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    response.headers_mut().extend(headers);
    let fresh = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, fresh);
    response
}

impl Preview {
    fn reply(&self, asked: &Parts) -> Reply {
        let parts: Vec<&str> = asked.uri.path().trim_matches('/').split('/').collect();
        match parts.as_slice() {
            [""] => self.gallery(),
            ["shop"] => html(SHOP.into()),
            [".fluxgate", id, verb] => match Opened::of_id(id) {
                Some(opened) => self.room(asked, &opened, verb),
                None => nothing(),
            },
            [lang, name] => match language(lang) {
                Ok(language) => self.open(asked, language, name),
                Err(_) => nothing(),
            },
            _ => nothing(),
        }
    }

    fn gallery(&self) -> Reply {
        let Options {
            languages, samples, ..
        } = &self.options;
        let address = |language, name: &str| format!("/{}/{name}?still", tag(language));
        html(gallery::page(languages, samples, address).into_bytes())
    }

    /// A page: where no time is in its address, a new visit begins.
    fn open(&self, asked: &Parts, language: Language, name: &str) -> Reply {
        let query = asked.uri.query().unwrap_or_default();
        let at = query.strip_prefix("at=").and_then(|at| at.parse().ok());
        let manner = match query {
            "still" => Manner::StandsStill,
            _ => Manner::Plays,
        };
        let now_ms = now_ms();
        let opened = Opened {
            sample: name.to_owned(),
            at_ms: at.unwrap_or(now_ms),
            manner,
        };
        let own = format!("/{}/{name}?at={}", tag(language), opened.at_ms);
        match self.rehearsal.status(&opened, now_ms) {
            None => nothing(),
            Some(_) if at.is_none() && manner == Manner::Plays => {
                let own = HeaderValue::from_str(&own).expect("names and numbers");
                Reply(StatusCode::SEE_OTHER, vec![(LOCATION, own)], Vec::new())
            }
            Some(status) if status.state == State::Admitted && name != "admitted" => {
                html(SHOP.into())
            }
            Some(status) => {
                let original = match manner {
                    Manner::StandsStill => format!("/.fluxgate/{}/stay", opened.id()),
                    Manner::Plays if name == "admitted" => "/shop".to_owned(),
                    Manner::Plays => own,
                };
                let sight = Sight {
                    original: &original,
                    refresh: Refreshes::Itself,
                };
                self.page((language, &opened), status, sight)
            }
        }
    }

    /// The room's addresses, as the gateway has them.
    fn room(&self, asked: &Parts, opened: &Opened, verb: &str) -> Reply {
        let now_ms = now_ms();
        let Some(before) = self.rehearsal.status(opened, now_ms) else {
            return nothing();
        };
        let header = |name: HeaderName| {
            let found = asked.headers.get(name);
            found.and_then(|value| value.to_str().ok())
        };
        match (&asked.method, verb) {
            (&Method::GET, "status") => {
                let counter = header(X_FLUXGATE_WORK).unwrap_or_default();
                if before
                    .work
                    .is_some_and(|work| proves(work.nonce, counter, work.bits))
                {
                    self.rehearsal.note(opened, Fate::Worked);
                }
            }
            // A page that leads here stays where it is.
            (&Method::GET, "stay") => {
                return Reply(StatusCode::NO_CONTENT, Vec::new(), Vec::new());
            }
            (&Method::POST, "claim") if opened.manner == Manner::StandsStill => {}
            (&Method::POST, "claim") if before.state == State::Called => {
                self.rehearsal.note(opened, Fate::Admitted)
            }
            (&Method::POST, "claim") => {}
            (&Method::POST, "leave") => self.rehearsal.note(opened, Fate::Left),
            (&Method::POST, "handoff") => {
                self.rehearsal.note(opened, Fate::Moves { at_ms: now_ms });
                let host = header(HOST).unwrap_or("127.0.0.1");
                return json_reply(
                    format!("{{\"url\":\"http://{host}/.fluxgate/move/K7QM-2X9P\"}}").into_bytes(),
                );
            }
            _ => return nothing(),
        }
        let Some(status) = self.rehearsal.status(opened, now_ms) else {
            return nothing();
        };
        let wish = Wish {
            accept: header(ACCEPT),
            requested_with: None,
        };
        if negotiate::form(wish) == Form::Json {
            let urls = Urls::of(opened);
            return json_reply(json::body(&urls.in_status(status), Held::Reading).to_vec());
        }
        let original = asked
            .uri
            .query()
            .and_then(original_of_still)
            .unwrap_or_else(|| "/".to_owned());
        let language = negotiate::language(header(ACCEPT_LANGUAGE), Language::English);
        self.page(
            (language, opened),
            status,
            Sight {
                original: &original,
                refresh: Refreshes::OnRequest,
            },
        )
    }

    fn page(
        &self,
        (language, opened): (Language, &Opened),
        status: Status<'_>,
        sight: Sight<'_>,
    ) -> Reply {
        let pages = match self.options.pages() {
            Ok(pages) => pages,
            // Its author is at work on it.
            Err(error) => {
                let text = format!("{error}\n").into_bytes();
                return of_kind(StatusCode::OK, "text/plain; charset=utf-8", text);
            }
        };
        let urls = Urls::of(opened);
        let stop = still_url(&urls.status, sight.original);
        let sample = Sample::named(&opened.sample).expect("it has a status");
        let sample = sample.visit(language, opened.at_ms);
        let status = Status {
            message: status.message.and(sample.status.message),
            ..status
        };
        let visit = Visit {
            status: urls.in_status(status),
            status_url: &urls.status,
            claim_url: &urls.claim,
            leave_url: Some(&urls.leave),
            original: sight.original,
            refresh: match sight.refresh {
                Refreshes::Itself => Refresh::Itself { stop: &stop },
                Refreshes::OnRequest => Refresh::OnRequest,
            },
            ..sample
        };
        let headers = pages.headers(language, &visit.status).iter();
        let headers = headers.map(|(name, value)| (name.clone(), framed(value)));
        let body = pages.body(language, &visit).to_vec();
        Reply(StatusCode::OK, headers.collect(), body)
    }
}

/// Where a page leads, and whether it refreshes by itself.
struct Sight<'a> {
    original: &'a str,
    refresh: Refreshes,
}

enum Refreshes {
    Itself,
    OnRequest,
}

struct Urls {
    room: String,
    status: String,
    claim: String,
    leave: String,
    handoff: String,
}

impl Urls {
    fn of(opened: &Opened) -> Self {
        let room = opened.id();
        let url = |verb| format!("/.fluxgate/{room}/{verb}");
        Self {
            status: url("status"),
            claim: url("claim"),
            leave: url("leave"),
            handoff: url("handoff"),
            room,
        }
    }

    fn in_status<'a>(&'a self, status: Status<'a>) -> Status<'a> {
        Status {
            room: &self.room,
            handoff_url: status.handoff_url.map(|_| self.handoff.as_str()),
            ..status
        }
    }
}

/// The gallery frames the pages; nobody frames what the gateway serves.
fn framed(value: &HeaderValue) -> HeaderValue {
    let text = String::from_utf8_lossy(value.as_bytes());
    let text = text.replace("frame-ancestors 'none'", "frame-ancestors 'self'");
    HeaderValue::from_str(&text).unwrap_or_else(|_| value.clone())
}

fn of_kind(code: StatusCode, kind: &'static str, body: Vec<u8>) -> Reply {
    let kind = HeaderValue::from_static(kind);
    Reply(code, vec![(CONTENT_TYPE, kind)], body)
}

fn html(body: Vec<u8>) -> Reply {
    of_kind(StatusCode::OK, "text/html; charset=utf-8", body)
}

fn json_reply(body: Vec<u8>) -> Reply {
    of_kind(StatusCode::OK, "application/json", body)
}

fn nothing() -> Reply {
    let text = b"There is no such page.\n".to_vec();
    of_kind(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", text)
}

fn now_ms() -> u64 {
    u64::try_from(clock::since_epoch().as_millis()).unwrap_or(u64::MAX)
}
