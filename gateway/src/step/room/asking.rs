//! One request as its room sees it: tokens, and in which form, language and way to answer.

use std::borrow::Cow;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use waiting_room::{Admitted, Asked, Client};

use super::Facts;
use crate::page::negotiate::{self, Form, Language, Wish};
use crate::rooms::{Carrier, Own, Served, Told, now};

const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// What a request asks of a room.
#[derive(Debug)]
pub(super) struct Asking<'r> {
    pub(super) served: &'r Served,
    pub(super) asked: Asked<'r>,
    pub(super) told: Told,
    pub(super) form: Form,
    headers: &'r HeaderMap,
    /// Path and query as the client sent them.
    pub(super) original: &'r str,
    /// Whether asking again is the same: a read.
    pub(super) is_safe: bool,
}

impl<'r> Asking<'r> {
    pub(super) fn of(facts: &Facts<'r>, served: &'r Served) -> Self {
        let headers = &facts.head.headers;
        let accept = accepted(facts);
        let requested_with = headers.get(X_REQUESTED_WITH);
        let wish = Wish {
            accept: accept.as_deref(),
            requested_with: requested_with.and_then(|value| value.to_str().ok()),
        };
        let form = negotiate::form(wish);
        let scheme = facts.caller.scheme;
        let own = Own::of(headers);
        let (presented, carrier) = served.names.presented(&own, scheme);
        let invited = || {
            let inviter = served.inviter.as_ref()?;
            let text = served.names.invitation(&own, scheme)?;
            inviter.read(text, now()).ok()
        };
        let client = Client {
            address: Some(facts.caller.client),
            agent: headers.get(USER_AGENT).map(HeaderValue::as_bytes),
            proof: own.work(),
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
            headers,
            original: facts
                .head
                .uri
                .path_and_query()
                .map_or("/", |target| target.as_str()),
            is_safe: facts.head.method.is_safe(),
        }
    }

    /// The language of a page.
    pub(super) fn language(&self) -> Language {
        let wanted = self.headers.get(ACCEPT_LANGUAGE);
        let wanted = wanted.and_then(|value| value.to_str().ok());
        negotiate::language(wanted, Language::English)
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
