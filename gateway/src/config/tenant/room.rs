//! A tenant's waiting rooms, as they are said and as they are meant.

mod bots;
mod rule;

use std::path::PathBuf;

use http::StatusCode;
use policies::admission::adaptive::{AdaptiveSpec, Ratio};
use policies::admission::{Admission, AdmissionError, Late, OnStoreLoss, Renewal, Spec};
use policies::diagnostic::{Complaint, Diagnostics, Place};
use policies::document::{Entries, Said};
use policies::matcher::PathPattern;
use policies::name::Name;
use policies::schedule::{EventSpec, Method, Schedule};
use policies::unit::Period;
use serde::Deserialize;

use crate::config::instant::{Instant, Text};
use crate::config::secret::Secret;
use crate::config::share::{PartDocument, Share};
use crate::files;
use crate::page::{LIMIT, Pages};

use super::MatchDocument;
use bots::{BindDocument, InvitationsDocument, JoinsDocument, WorkDocument};
pub(crate) use rule::{HeaderIs, Rule};
use rule::{Kind, RuleDocument};

/// A waiting room in front of part of a tenant's site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomRules {
    pub(crate) name: Name,
    /// What it is called on its page; otherwise its name is made readable.
    pub(crate) title: Option<String>,
    pub(crate) path: PathPattern,
    pub(crate) admission: Admission,
    pub(crate) schedule: Schedule,
    /// The share that it is in.
    pub(crate) share: Option<Name>,
    /// Only counts whom it would have held.
    pub(crate) shadow: bool,
    /// What somebody is answered with who asked for the shop and has to wait: 200, 202, 429 or 503.
    pub(crate) queued_status: StatusCode,
    /// A queue page of the tenant's own; it has been tried.
    pub(crate) page: Option<String>,
    /// Signs invitations, where there are any.
    pub(crate) invitations: Option<Secret>,
    /// Requests that are refused, before anything else.
    pub(crate) deny: Vec<Rule>,
    /// Requests that need no place.
    pub(crate) bypass: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomDocument {
    title: Option<Said<Text>>,
    r#match: MatchDocument,
    #[serde(default)]
    capacity: CapacityDocument,
    share: Option<PartDocument>,
    #[serde(default)]
    session: SessionDocument,
    call_grace: Option<Said<Period>>,
    absent_after: Option<Said<Period>>,
    on_store_loss: Option<Said<OnStoreLoss>>,
    late: Option<Said<Late>>,
    method: Option<Said<Method>>,
    #[serde(default)]
    events: Vec<EventDocument>,
    adaptive: Option<AdaptiveDocument>,
    work: Option<WorkDocument>,
    joins: Option<JoinsDocument>,
    invitations: Option<InvitationsDocument>,
    #[serde(default)]
    deny: Vec<RuleDocument>,
    #[serde(default)]
    bypass: Vec<RuleDocument>,
    shadow: Option<Said<bool>>,
    queued_status: Option<Said<u32>>,
    /// A template file for the queue page.
    page: Option<Said<PathBuf>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdaptiveDocument {
    target_p95: Said<Period>,
    max_error_rate: Option<Said<Ratio>>,
    floor: Option<Said<u32>>,
    ceiling: Option<Said<u32>>,
}

/// A scheduled event of a room. Times are RFC 3339 with their offset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventDocument {
    prequeue_at: Option<Said<Instant>>,
    opens_at: Said<Instant>,
    closes_at: Option<Said<Instant>>,
    method: Option<Said<Method>>,
    #[serde(default)]
    capacity: CapacityDocument,
    #[serde(default)]
    session: EventSessionDocument,
    beacon: Option<Said<Text>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapacityDocument {
    active: Option<Said<u32>>,
    per_minute: Option<Said<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionDocument {
    ttl: Option<Said<Period>>,
    renew: Option<Said<bool>>,
    hold: Option<Said<Period>>,
    bind: Option<Said<BindDocument>>,
}

/// What an event changes of a session.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventSessionDocument {
    ttl: Option<Said<Period>>,
}

pub(super) fn compile(
    said: Entries<Name, RoomDocument>,
    shares: &[Share],
    told: &mut Diagnostics,
) -> Vec<RoomRules> {
    let rooms = said.0.into_iter();
    rooms
        .filter_map(|(name, document)| compile_room(name, document, shares, told))
        .collect()
}

fn compile_room(
    name: Said<Name>,
    document: RoomDocument,
    shares: &[Share],
    told: &mut Diagnostics,
) -> Option<RoomRules> {
    let place = name.place();
    let name = name.take(told);
    let path = document.r#match.path.take(told);
    let mut number = |said: Option<Said<u32>>| said.and_then(|said| said.take(told));
    let active = number(document.capacity.active);
    let per_minute = number(document.capacity.per_minute);
    let mut spec = Spec {
        active,
        per_minute,
        ..Spec::default()
    };
    let times = (
        document.session.ttl,
        document.session.hold,
        document.call_grace,
        document.absent_after,
    );
    time(times, &mut spec, told);
    let choices = (
        document.on_store_loss,
        document.late,
        document.session.renew,
    );
    choose(choices, &mut spec, told);
    spec.adaptive = document
        .adaptive
        .and_then(|said| compile_adaptive(said, told));
    spec.bots = bots::compile((document.work, document.joins, document.session.bind), told);
    let invitations = document.invitations.and_then(|said| {
        let (key, invitations) = said.compile(place, told)?;
        spec.bots.invitations = invitations;
        Some(key)
    });
    let shadow = document.shadow.and_then(|said| said.take(told));
    let shadow = shadow.unwrap_or(false);
    let part = document.share.and_then(|said| said.compile(shares, told));
    let (share, sharing) = part.unzip();
    if shadow && share.is_some() {
        let text = "a shadow room holds nobody back, so it cannot keep to a share";
        told.push(Complaint::new(text).at(place));
    }
    spec.sharing = sharing;
    let deny = rule::compile(document.deny, Kind::Deny, told);
    let bypass = rule::compile(document.bypass, Kind::Bypass, told);
    let queued_status = queued_status(document.queued_status, told);
    let page = document.page.and_then(|said| compile_page(said, told));
    let method = document.method.and_then(|said| said.take(told));
    let schedule = compile_schedule(method.unwrap_or_default(), document.events, place, told);
    let admission = checked(spec, place, told);
    Some(RoomRules {
        name: name?,
        title: document.title.and_then(|said| Some(said.take(told)?.0)),
        path: path?,
        admission: admission?,
        schedule,
        share,
        shadow,
        queued_status,
        page,
        invitations,
        deny,
        bypass,
    })
}

fn checked(spec: Spec, place: Place, told: &mut Diagnostics) -> Option<Admission> {
    let mut tell = |reason: AdmissionError| told.push(Complaint::new(reason.to_string()).at(place));
    let complain = |reasons: Vec<_>| reasons.into_iter().for_each(&mut tell);
    Admission::new(spec).map_err(complain).ok()
}

type Times = (
    Option<Said<Period>>,
    Option<Said<Period>>,
    Option<Said<Period>>,
    Option<Said<Period>>,
);

/// How long things last.
fn time((ttl, hold, call_grace, absent_after): Times, spec: &mut Spec, told: &mut Diagnostics) {
    let mut period = |said: Option<Said<Period>>| Some(said?.take(told)?.get());
    spec.ttl = period(ttl).unwrap_or(spec.ttl);
    spec.hold = period(hold);
    spec.call_grace = period(call_grace).unwrap_or(spec.call_grace);
    spec.absent_after = period(absent_after).unwrap_or(spec.absent_after);
}

type Choices = (
    Option<Said<OnStoreLoss>>,
    Option<Said<Late>>,
    Option<Said<bool>>,
);

/// What is chosen by a word.
fn choose((on_store_loss, late, renew): Choices, spec: &mut Spec, told: &mut Diagnostics) {
    let on_store_loss = on_store_loss.and_then(|said| said.take(told));
    spec.on_store_loss = on_store_loss.unwrap_or_default();
    spec.late = late.and_then(|said| said.take(told)).unwrap_or_default();
    spec.renewal = match renew.and_then(|said| said.take(told)) {
        Some(false) => Renewal::Never,
        Some(true) | None => Renewal::OnActivity,
    };
}

fn queued_status(said: Option<Said<u32>>, told: &mut Diagnostics) -> StatusCode {
    let Some(said) = said else {
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    let place = said.place();
    match said.take(told) {
        Some(200) => StatusCode::OK,
        Some(202) => StatusCode::ACCEPTED,
        Some(429) => StatusCode::TOO_MANY_REQUESTS,
        Some(503) | None => StatusCode::SERVICE_UNAVAILABLE,
        Some(other) => {
            let text = format!("{other} is no answer to somebody who has to wait");
            told.push(
                Complaint::new(text)
                    .hint("write 200, 202, 429 or 503")
                    .at(place),
            );
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Reads and tries a page, so that a running gateway never meets one that does not work.
fn compile_page(said: Said<PathBuf>, told: &mut Diagnostics) -> Option<String> {
    let place = said.place();
    let file = said.take(told)?;
    let wrong = |text: String| {
        Complaint::new(text)
            .hint("fluxgate page preview --template FILE")
            .at(place)
    };
    let text = match files::read_text(&file, LIMIT) {
        Ok(text) => text,
        Err(error) => {
            told.push(wrong(format!("cannot read {}: {error}", file.display())));
            return None;
        }
    };
    if let Err(error) = Pages::compile(Some(&text)) {
        told.push(wrong(format!("{}, {error}", file.display())));
        return None;
    }
    Some(text)
}

fn compile_adaptive(said: AdaptiveDocument, told: &mut Diagnostics) -> Option<AdaptiveSpec> {
    let mut spec = AdaptiveSpec::new(said.target_p95.take(told)?.get());
    if let Some(rate) = said.max_error_rate.and_then(|said| said.take(told)) {
        spec.max_error_rate = rate;
    }
    spec.floor = said.floor.and_then(|said| said.take(told));
    spec.ceiling = said.ceiling.and_then(|said| said.take(told));
    Some(spec)
}

fn compile_schedule(
    method: Method,
    said: Vec<EventDocument>,
    place: Place,
    told: &mut Diagnostics,
) -> Schedule {
    let mut events = Vec::with_capacity(said.len());
    for document in said {
        let mut time = |said: Option<Said<Instant>>| said.and_then(|said| said.take(told));
        let prequeue_at = time(document.prequeue_at).map(|at| at.0);
        let closes_at = time(document.closes_at).map(|at| at.0);
        let opens_at = time(Some(document.opens_at)).map(|at| at.0);
        let mut number = |said: Option<Said<u32>>| said.and_then(|said| said.take(told));
        let active = number(document.capacity.active);
        let per_minute = number(document.capacity.per_minute);
        let ttl = document.session.ttl.and_then(|said| said.take(told));
        let method = document.method.and_then(|said| said.take(told));
        let beacon = document.beacon.and_then(|said| said.take(told));
        if let Some(opens_at) = opens_at {
            events.push(EventSpec {
                prequeue_at,
                opens_at,
                closes_at,
                method: method.unwrap_or_default(),
                active,
                per_minute,
                ttl: ttl.map(|period| period.get()),
                beacon: beacon.map(|text| text.0),
            });
        }
    }
    match Schedule::new(method, events) {
        Ok(schedule) => schedule,
        Err(reasons) => {
            for reason in reasons {
                told.push(Complaint::new(reason.to_string()).at(place));
            }
            Schedule::default()
        }
    }
}
