//! One request as its room sees it: tokens, and in which form, language and way to answer.

use std::borrow::Cow;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderName, HeaderValue, USER_AGENT};
use waiting_room::{Admitted, Asked, Client};

use super::Facts;
use crate::page::negotiate::{self, Form, Language, Wish};
use crate::rooms::{Carrier, Served, Told, X_FLUXGATE_WORK, now};

const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// What a request asks of a room.
#[derive(Debug)]
pub(super) struct Asking<'r> {
    pub(super) served: &'r Served,
    pub(super) asked: Asked<'r>,
    pub(super) told: Told,
    pub(super) form: Form,
    pub(super) language: Language,
    /// Path and query as the client sent them.
    pub(super) original: &'r str,
    /// Whether asking again is the same: a read.
    pub(super) is_safe: bool,
}

impl<'r> Asking<'r> {
    pub(super) fn of(facts: &Facts<'r>, served: &'r Served) -> Self {
        let headers = &facts.head.headers;
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let accept = accepted(facts);
        let wish = Wish {
            accept: accept.as_deref(),
            requested_with: text(X_REQUESTED_WITH),
        };
        let form = negotiate::form(wish);
        let scheme = facts.caller.scheme;
        let (presented, carrier) = served.names.presented(headers, scheme);
        let invited = || {
            let text = served.names.invitation(headers, scheme)?;
            served.inviter.as_ref()?.read(text, now()).ok()
        };
        let client = Client {
            address: Some(facts.caller.client),
            agent: headers.get(USER_AGENT).map(HeaderValue::as_bytes),
            proof: text(X_FLUXGATE_WORK),
            invitation: invited(),
        };
        let fresh = match form {
            Form::Html => Carrier::Cookie,
            Form::Json => Carrier::Both,
        };
        Self {
            served,
            asked: Asked { presented, client },
            told: Told {
                carrier: carrier.unwrap_or(fresh),
                scheme,
            },
            form,
            language: negotiate::language(text(ACCEPT_LANGUAGE), Language::English),
            original: facts
                .head
                .uri
                .path_and_query()
                .map_or("/", |target| target.as_str()),
            is_safe: facts.head.method.is_safe(),
        }
    }

    /// The tokens that an admitted client is to be given.
    pub(super) fn new_tokens(&self, admitted: &Admitted) -> Vec<(HeaderName, HeaderValue)> {
        let names = &self.served.names;
        let mut headers = names.ticket_change(self.told, admitted.ticket);
        if let Some(pass) = &admitted.pass {
            let seconds = admitted.expires_at.since(now()).as_secs();
            headers.extend(names.new_pass(self.told, pass, seconds));
        }
        headers
    }
}

/// `Accept`, its lines joined as RFC 9110 says; nearly always there is one.
fn accepted<'r>(facts: &Facts<'r>) -> Option<Cow<'r, str>> {
    let mut lines = facts
        .head
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let first = lines.next()?;
    Some(lines.fold(Cow::Borrowed(first), |all, line| {
        Cow::Owned(format!("{all},{line}"))
    }))
}
