//! A visit of every kind, for the preview, for tests, and to weigh a template before it is used.

use super::negotiate::Language;
use super::status::{Chance, Eta, Held, Method, Reason, Refresh, State, Status, Visit, Work};

/// 2026-12-01T03:00:00Z, noon in Seoul.
pub(crate) const NOON_MS: u64 = 1_796_094_000_000;

const COMMITMENT: &str = "3f9a21c4e8d07b65a1f2984cd35e60b7192f8ae4c6d3057b8e91a2f4c021c21e";
const DRAW_LIST: &str = "1204:5be2d1a4c0f7936e8812ad40f36b97c5e0d4a1f8b2736c9905ee14d7a8f3b062";
const LOG_HEAD: &str = "4127:a91f3c0277de5b8164c0ab93f2e87d1059b6c4e3128f7a0dd35e91b2c6f8a407";
const NONCE: &str = "kX3v9Q2mTzN7bW4LrC8dYg";
const NEWS: &str = "We added 200 pairs in sizes 40 to 44. All orders of today ship today.";
const NEWS_KO: &str =
    "260에서 280까지 200켤레를 더 준비했습니다. 오늘 주문은 모두 오늘 보내 드립니다.";

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Names it in the preview's addresses: the state, or the reason that changes its look.
    pub(crate) name: &'static str,
    state: State,
    reason: Option<Reason>,
    has: Has,
}

/// What is known besides the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    /// What every room knows.
    Usual,
    /// No place yet.
    Nothing,
    /// Everything there is.
    All,
    /// A drawn order.
    Lottery,
    /// Stock for so many.
    Stock(Chance),
    /// Work to be done.
    Work,
    /// A form that was not sent.
    Form,
    /// A very long line.
    Crowd,
}

const fn sample(name: &'static str, state: State, reason: Option<Reason>, has: Has) -> Sample {
    Sample {
        name,
        state,
        reason,
        has,
    }
}

/// In the order of a visit.
pub(crate) const ALL: &[Sample] = &[
    sample("not_open", State::NotOpen, None, Has::Usual),
    sample("not_open_lottery", State::NotOpen, None, Has::All),
    sample("joining", State::Waiting, Some(Reason::Joining), Has::Usual),
    sample("work", State::Waiting, Some(Reason::Joining), Has::Work),
    sample("drawing", State::NotOpen, Some(Reason::Drawing), Has::All),
    sample("waiting", State::Waiting, None, Has::Usual),
    sample("waiting_all", State::Waiting, None, Has::All),
    sample("waiting_lottery", State::Waiting, None, Has::Lottery),
    sample("waiting_form", State::Waiting, None, Has::Form),
    sample("waiting_crowd", State::Waiting, None, Has::Crowd),
    sample("likely", State::Waiting, None, Has::Stock(Chance::Likely)),
    sample(
        "possible",
        State::Waiting,
        None,
        Has::Stock(Chance::Possible),
    ),
    sample(
        "unlikely",
        State::Waiting,
        None,
        Has::Stock(Chance::Unlikely),
    ),
    sample(
        "none_left",
        State::Waiting,
        None,
        Has::Stock(Chance::NoneLeft),
    ),
    sample(
        "origin_slow",
        State::Waiting,
        Some(Reason::OriginSlow),
        Has::Usual,
    ),
    sample(
        "limit_changed",
        State::Waiting,
        Some(Reason::LimitChanged),
        Has::Usual,
    ),
    sample(
        "store_lost",
        State::Waiting,
        Some(Reason::StoreLost),
        Has::Usual,
    ),
    sample(
        "provisional",
        State::Waiting,
        Some(Reason::Provisional),
        Has::Usual,
    ),
    sample(
        "late_lane",
        State::Waiting,
        Some(Reason::LateLane),
        Has::Usual,
    ),
    sample(
        "new_number",
        State::Waiting,
        Some(Reason::NewNumber),
        Has::Usual,
    ),
    sample("slower", State::Waiting, Some(Reason::Slower), Has::Usual),
    sample(
        "too_many_joins",
        State::Waiting,
        Some(Reason::TooManyJoins),
        Has::Nothing,
    ),
    sample(
        "invitation_required",
        State::Waiting,
        Some(Reason::InvitationRequired),
        Has::Nothing,
    ),
    sample(
        "invitation_used",
        State::Waiting,
        Some(Reason::InvitationUsed),
        Has::Nothing,
    ),
    sample("paused", State::Paused, Some(Reason::Paused), Has::All),
    sample("called", State::Called, None, Has::Usual),
    sample("admitted", State::Admitted, None, Has::Usual),
    sample("sold_out", State::SoldOut, None, Has::All),
    sample("closed", State::Closed, None, Has::Usual),
    sample("left", State::Left, None, Has::Usual),
    sample("moved", State::Left, Some(Reason::Moved), Has::Usual),
];

impl Sample {
    /// The sample of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|sample| sample.name == name).copied()
    }

    /// What is said at `now_ms`.
    pub(crate) fn status(self, now_ms: u64) -> Status<'static> {
        let mut status = Status {
            reason: self.reason,
            ..Status::of("preview", self.state, now_ms)
        };
        let has_place = !matches!(self.reason, Some(Reason::Joining | Reason::Provisional));
        if self.state.is_in_line() && has_place && self.has != Has::Nothing {
            let scale = if self.has == Has::Crowd { 1_000 } else { 1 };
            status.position = Some(1_204 * scale);
            status.ahead = Some(1_204 * scale - 1);
            status.behind = Some(5_310 * scale);
            status.eta = Some(Eta {
                p50: 742 * scale.min(10),
                p90: 1_268 * scale.min(10),
            });
            status.ticket = Some("K7QM2X");
        }
        match self.state {
            State::NotOpen => status.opens_at_ms = Some(now_ms + 754_000),
            State::Called => {
                status.called_at_ms = Some(now_ms);
                status.claim_deadline_ms = Some(now_ms + 120_000);
                status.ticket = Some("K7QM2X");
            }
            _ => {}
        }
        self.add(&mut status);
        status
    }

    fn add(self, status: &mut Status<'static>) {
        match self.has {
            Has::Usual | Has::Nothing | Has::Form | Has::Crowd => {}
            Has::Lottery => {
                status.method = Method::Lottery;
                status.commitment = Some(COMMITMENT);
            }
            Has::Stock(chance) => status.chance = Some(chance),
            Has::Work => {
                status.work = Some(Work {
                    nonce: NONCE,
                    bits: 16,
                });
            }
            Has::All => {
                status.method = Method::Lottery;
                status.commitment = Some(COMMITMENT);
                status.message = Some(NEWS);
                status.chance = Some(Chance::Possible);
                status.past_error_s = Some(40);
                status.draw_list = Some(DRAW_LIST);
                status.log_head = Some(LOG_HEAD);
                status.handoff_url = Some("/.fluxgate/preview/handoff");
            }
        }
    }

    /// The whole visit, of somebody who wanted an address of usual length.
    pub(crate) fn visit(self, language: Language, now_ms: u64) -> Visit<'static> {
        let status = self.status(now_ms);
        let (room_name, news) = match language {
            Language::English => ("Autumn sale", NEWS),
            Language::Korean => ("가을 세일", NEWS_KO),
        };
        Visit {
            status: Status {
                message: status.message.map(|_| news),
                ..status
            },
            room_name,
            status_url: "/.fluxgate/preview/status",
            claim_url: "/.fluxgate/preview/claim",
            leave_url: Some("/.fluxgate/preview/leave"),
            original: "/sale/autumn-collection/2026?utm_source=newsletter&utm_medium=email",
            held: match self.has {
                Has::Form => Held::Change,
                _ => Held::Reading,
            },
            refresh: Refresh::Itself {
                stop: "/.fluxgate/preview/status?to=/sale/autumn-collection/2026%3Futm_source%3Dnewsletter%26utm_medium%3Demail",
            },
        }
    }
}
