//! Prometheus metrics. Every label has a bounded set of values: tenants, upstreams and servers come from
//! the configuration, outcomes and classes from enums. Nothing a client sends is ever a label.

use std::sync::{Arc, OnceLock};

use policies::name::Name;
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder, core::Collector,
};

/// How a request ended: which step answered it and why. A metric label, the access log's `outcome` and
/// the `code` of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Outcome {
    /// Answered by an upstream.
    Proxied,
    /// Answered by the waiting room: a page, a status, a claim.
    Queued,
    BadRequest,
    HeaderTooLarge,
    UriTooLong,
    BodyTooLarge,
    RequestTimeout,
    UnknownHost,
    NoRoute,
    RateLimited,
    NoPlace,
    UnknownCode,
    TooManyMoves,
    RoomUnavailable,
    /// By a rule of the room.
    Denied,
    UpstreamUnavailable,
    UpstreamTimeout,
    BadGateway,
    /// The client went away before the answer was complete.
    ClientGone,
    Internal,
}

impl Outcome {
    const ALL: [(Self, &'static str); 20] = [
        (Self::Proxied, "proxied"),
        (Self::Queued, "queued"),
        (Self::BadRequest, "bad_request"),
        (Self::HeaderTooLarge, "header_too_large"),
        (Self::UriTooLong, "uri_too_long"),
        (Self::BodyTooLarge, "body_too_large"),
        (Self::RequestTimeout, "request_timeout"),
        (Self::UnknownHost, "unknown_host"),
        (Self::NoRoute, "no_route"),
        (Self::RateLimited, "rate_limited"),
        (Self::NoPlace, "no_place"),
        (Self::UnknownCode, "unknown_code"),
        (Self::TooManyMoves, "too_many_moves"),
        (Self::RoomUnavailable, "room_unavailable"),
        (Self::Denied, "denied"),
        (Self::UpstreamUnavailable, "upstream_unavailable"),
        (Self::UpstreamTimeout, "upstream_timeout"),
        (Self::BadGateway, "bad_gateway"),
        (Self::ClientGone, "client_gone"),
        (Self::Internal, "internal"),
    ];

    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// Status classes; the last is "no answer was sent".
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

/// Seconds. From the cheapest direct answer to a slow payment provider.
const SECONDS: [f64; 12] = [
    0.000_25, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// All metrics of the process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    upstream_failures: IntCounterVec,
    ejections: IntCounterVec,
    pub(crate) ejected: IntGaugeVec,
    pub(crate) in_flight: IntGauge,
    pub(crate) unlogged: IntCounter,
    pub(crate) log_dropped: IntCounter,
    pub(crate) config_version: IntGauge,
    pub(crate) config_good: IntGauge,
    pub(crate) reloads: IntCounterVec,
    pub(crate) limit_clients: IntGaugeVec,
    pub(crate) limit_refused: IntCounterVec,
    /// For requests that never found a tenant.
    pub(crate) nobody: Arc<Meter>,
}

/// The counters of one tenant, looked up once instead of by label at each request.
#[derive(Debug)]
pub(crate) struct Meter {
    tenant: String,
    requests: IntCounterVec,
    counters: [[OnceLock<IntCounter>; CLASSES.len()]; Outcome::ALL.len()],
    seconds: Histogram,
}

impl Meter {
    /// Records one request. `status` 0 means that nothing was sent.
    pub(crate) fn record(&self, outcome: Outcome, status: u16, seconds: f64) {
        let class = match status / 100 {
            class @ 1..=5 => usize::from(class) - 1,
            _ => CLASSES.len() - 1,
        };
        self.counters[outcome as usize][class]
            .get_or_init(|| {
                let labels = [self.tenant.as_str(), outcome.as_str(), CLASSES[class]];
                self.requests.with_label_values(&labels)
            })
            .inc();
        if outcome == Outcome::Proxied {
            self.seconds.observe(seconds);
        }
    }
}

/// Makes a metric and registers it in one go.
struct Registrar<'r>(&'r Registry);

impl Registrar<'_> {
    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        self.register(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.register(IntCounter::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.register(IntGauge::new(name, help)?)
    }

    fn proxied_seconds(&self) -> prometheus::Result<HistogramVec> {
        let options = HistogramOpts::new(
            "fluxgate_proxied_seconds",
            "Time from the head of a proxied request to the end of its answer.",
        );
        self.register(HistogramVec::new(
            options.buckets(SECONDS.to_vec()),
            &["tenant"],
        )?)
    }

    fn register<M: Collector + Clone + 'static>(&self, metric: M) -> prometheus::Result<M> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

impl Metrics {
    /// Registers everything. Fails only if two metrics had one name, which a test would show.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let all = Registrar(&registry);
        let requests = all.counters(
            "fluxgate_requests_total",
            "Requests by tenant, outcome and status class.",
            &["tenant", "outcome", "class"],
        )?;
        let seconds = all.proxied_seconds()?;
        let nobody = Arc::new(meter("-", &requests, &seconds));
        Ok(Self {
            upstream_failures: all.counters(
                "fluxgate_upstream_failures_total",
                "Failed tries by upstream and kind.",
                &["upstream", "kind"],
            )?,
            ejections: all.counters(
                "fluxgate_upstream_ejections_total",
                "Times a server was taken out of service.",
                &["upstream"],
            )?,
            ejected: all.gauges(
                "fluxgate_upstream_ejected",
                "1 while a server is out of service.",
                &["upstream", "server"],
            )?,
            in_flight: all.gauge("fluxgate_requests_in_flight", "Requests being served now.")?,
            unlogged: all.counter(
                "fluxgate_unlogged_requests_total",
                "Requests that ended without reaching the access log: a fault of the gateway.",
            )?,
            log_dropped: all.counter(
                "fluxgate_access_log_dropped_total",
                "Access log lines dropped because the writer could not keep up.",
            )?,
            config_version: all.gauge(
                "fluxgate_config_version",
                "Counts the configurations applied.",
            )?,
            config_good: all.gauge(
                "fluxgate_config_last_reload_successful",
                "0 while the file's newest version is refused and an older one runs.",
            )?,
            reloads: all.counters(
                "fluxgate_config_reloads_total",
                "Reloads by result.",
                &["result"],
            )?,
            limit_refused: all.counters(
                "fluxgate_limit_refused_total",
                "Requests that a rate limit refused, or would have: limits in shadow count only.",
                &["tenant", "limit"],
            )?,
            limit_clients: all.gauges(
                "fluxgate_limit_clients",
                "Clients remembered by a rate limit.",
                &["tenant", "limit"],
            )?,
            requests,
            seconds,
            nobody,
            registry,
        })
    }

    /// The counters of a tenant. The same tenant gets the same numbers after a reload.
    pub(crate) fn meter(&self, tenant: &Name) -> Arc<Meter> {
        Arc::new(meter(tenant.as_str(), &self.requests, &self.seconds))
    }

    /// Counts a failed try. `kind` is one of a few constants.
    pub(crate) fn upstream_failed(&self, upstream: &Name, kind: &'static str) {
        self.upstream_failures
            .with_label_values(&[upstream.as_str(), kind])
            .inc();
    }

    /// Counts an ejection.
    pub(crate) fn upstream_ejected(&self, upstream: &Name) {
        self.ejections.with_label_values(&[upstream.as_str()]).inc();
    }

    /// The registry, for parts that bring their own metrics.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The text Prometheus scrapes.
    pub(crate) fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }
}

fn meter(tenant: &str, requests: &IntCounterVec, seconds: &HistogramVec) -> Meter {
    Meter {
        tenant: tenant.to_owned(),
        requests: requests.clone(),
        counters: Default::default(),
        seconds: seconds.with_label_values(&[tenant]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_named_by_their_own_row() {
        for (index, (outcome, _)) in Outcome::ALL.iter().enumerate() {
            assert_eq!(*outcome as usize, index);
        }
    }

    #[test]
    fn a_request_is_counted_under_its_labels() {
        let metrics = Metrics::new().expect("names differ");
        metrics.nobody.record(Outcome::UnknownHost, 421, 0.001);
        metrics.nobody.record(Outcome::ClientGone, 0, 0.001);
        let text = String::from_utf8(metrics.render()).expect("text");
        let line = r#"fluxgate_requests_total{class="4xx",outcome="unknown_host",tenant="-"} 1"#;
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains(r#"class="none",outcome="client_gone""#),
            "{text}"
        );
    }
}
