//! The rooms' figures for Prometheus, read from the rooms at each scrape. Labels are tenants and rooms
//! of the configuration and words from enums.

use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};
use waiting_room::counts::Event;

use super::{Served, now};
use crate::live::Live;

const ROOM: [&str; 2] = ["tenant", "room"];

/// Reads the rooms of the configuration in force.
pub(crate) struct Figures {
    live: Arc<ArcSwap<Live>>,
    families: Families,
}

struct Families {
    waiting: IntGaugeVec,
    occupied: IntGaugeVec,
    reserved: IntGaugeVec,
    called_last_minute: IntGaugeVec,
    snapshot_age: IntGaugeVec,
    tick_age: IntGaugeVec,
    limit: IntGaugeVec,
    share: IntGaugeVec,
    pace: IntGaugeVec,
    stock: IntGaugeVec,
    past_error: IntGaugeVec,
    origin_p95: IntGaugeVec,
    line: IntCounterVec,
    events: IntCounterVec,
    bad_tokens: IntCounterVec,
}

fn share() -> prometheus::Result<IntGaugeVec> {
    let help = "What the room's share lets it have now, by kind: seats (active), calls in a minute (per_minute).";
    let labels = [ROOM[0], ROOM[1], "kind"];
    IntGaugeVec::new(Opts::new("fluxgate_room_share", help), &labels)
}

impl Families {
    fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &ROOM);
        let counter = |name: &str, help: &str, last| {
            IntCounterVec::new(Opts::new(name, help), &[ROOM[0], ROOM[1], last])
        };
        Ok(Self {
            waiting: gauge("fluxgate_room_waiting", "Visitors in the line who count.")?,
            occupied: gauge(
                "fluxgate_room_occupied",
                "Seats taken by people inside or by calls that are open.",
            )?,
            reserved: gauge(
                "fluxgate_room_reserved",
                "Free seats reserved for who comes next.",
            )?,
            called_last_minute: gauge(
                "fluxgate_room_called_last_minute",
                "Calls in the last sixty seconds.",
            )?,
            snapshot_age: gauge(
                "fluxgate_room_snapshot_age_milliseconds",
                "Age of the picture of the line that visitors are answered from.",
            )?,
            tick_age: gauge(
                "fluxgate_room_tick_age_milliseconds",
                "Time since the last tick of the fleet.",
            )?,
            limit: gauge(
                "fluxgate_room_limit",
                "The limit of people inside, an adaptive one included; absent where there is none.",
            )?,
            share: share()?,
            pace: gauge(
                "fluxgate_room_calls_per_ten_minutes",
                "The line's pace while somebody waited: calls in ten minutes.",
            )?,
            stock: gauge(
                "fluxgate_room_stock",
                "What is left to sell; absent where it is not known.",
            )?,
            past_error: gauge(
                "fluxgate_room_past_error_milliseconds",
                "How far off the estimates were that came due in the last hour, the median; absent before there are enough.",
            )?,
            origin_p95: gauge(
                "fluxgate_room_origin_p95_milliseconds",
                "Of this gateway's requests to the room's origin in the last whole minute; absent without any.",
            )?,
            line: counter(
                "fluxgate_room_line_total",
                "What happened to the line, fleet-wide and since this gateway began to look, by what it was.",
                "what",
            )?,
            events: counter(
                "fluxgate_room_events_total",
                "What happened, by event.",
                "event",
            )?,
            bad_tokens: counter(
                "fluxgate_room_bad_tokens_total",
                "Tokens that counted as none, by reason.",
                "reason",
            )?,
        })
    }

    fn read(&self, served: &Served) {
        let labels = [served.tenant().as_str(), served.name().as_str()];
        let gauges = served.room.gauges(now());
        let set = |family: &IntGaugeVec, value: u64| {
            family
                .with_label_values(&labels)
                .set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set(&self.waiting, u64::from(gauges.waiting));
        set(&self.occupied, gauges.occupied);
        set(&self.reserved, gauges.reserved);
        set(&self.called_last_minute, gauges.called_last_minute);
        set(&self.snapshot_age, gauges.snapshot_age_ms);
        set(&self.tick_age, gauges.tick_age_ms);
        set(&self.pace, u64::from(gauges.totals.pace));
        let known = |family: &IntGaugeVec, value: Option<u64>| {
            if let Some(value) = value {
                set(family, value);
            }
        };
        known(
            &self.limit,
            Some(gauges.limit.into()).filter(|limit| *limit > 0),
        );
        for (kind, may) in gauges.may_by_kind() {
            let labels = [labels[0], labels[1], kind];
            self.share.with_label_values(&labels).set(i64::from(may));
        }
        known(&self.stock, gauges.stock);
        known(&self.past_error, gauges.past_error_ms);
        let p95 = gauges.last_minute.and_then(|minute| minute.origin_p95_ms);
        known(&self.origin_p95, p95.map(u64::from));
        let raise = |family: &IntCounterVec, last: &str, value: u64| {
            let counter = family.with_label_values(&[labels[0], labels[1], last]);
            counter.reset();
            counter.inc_by(value);
        };
        let totals = gauges.totals;
        for (what, count) in [
            ("arrived", totals.arrivals),
            ("called", totals.called),
            ("claimed", totals.claimed),
            ("lapsed", totals.lapsed),
            ("left", totals.left),
        ] {
            raise(&self.line, what, u64::from(count));
        }
        for event in Event::ALL {
            raise(&self.events, event.name(), served.room.counts().of(event));
        }
        for (error, count) in served.room.counts().bad_tokens() {
            raise(&self.bad_tokens, error.name(), count);
        }
    }

    fn all(&self) -> [&dyn Collector; 15] {
        [
            &self.waiting,
            &self.occupied,
            &self.reserved,
            &self.called_last_minute,
            &self.snapshot_age,
            &self.tick_age,
            &self.limit,
            &self.share,
            &self.pace,
            &self.stock,
            &self.past_error,
            &self.origin_p95,
            &self.line,
            &self.events,
            &self.bad_tokens,
        ]
    }
}

impl Figures {
    /// Of the rooms that `live` holds at each scrape.
    pub(crate) fn new(live: Arc<ArcSwap<Live>>) -> prometheus::Result<Self> {
        Ok(Self {
            live,
            families: Families::new()?,
        })
    }
}

impl Collector for Figures {
    fn desc(&self) -> Vec<&Desc> {
        self.families
            .all()
            .into_iter()
            .flat_map(Collector::desc)
            .collect()
    }

    /// Families are made anew, so that a room which is gone leaves no figure behind.
    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(fresh) = Families::new() else {
            return Vec::new();
        };
        for tenant in self.live.load().tenants() {
            tenant.rooms.iter().for_each(|served| fresh.read(served));
        }
        fresh
            .all()
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}
