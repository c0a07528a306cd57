//! Step 7: every request leaves one count and one line.

use std::net::IpAddr;
use std::time::Duration;

use http::header::USER_AGENT;
use http::request::Parts;

use crate::access_log::{AccessLog, Record};
use crate::clock;
use crate::live::Tenant;
use crate::metrics::{Metrics, Outcome};
use crate::step::identify::{self, Caller};

/// How a request ended.
#[derive(Debug)]
pub(crate) struct Ended<'r> {
    pub(crate) head: &'r Parts,
    pub(crate) caller: Option<&'r Caller>,
    pub(crate) tenant: Option<&'r Tenant>,
    /// 0 when nothing was sent.
    pub(crate) status: u16,
    pub(crate) outcome: Outcome,
    /// Bytes of the answer's body.
    pub(crate) bytes: usize,
    pub(crate) took: Duration,
    pub(crate) upstream: Option<&'r str>,
    pub(crate) tries: u32,
    /// The version of the configuration that served it.
    pub(crate) config: u64,
}

/// Counts and logs a request. Never waits.
pub(crate) fn record(ended: &Ended<'_>, metrics: &Metrics, log: &AccessLog) {
    let meter = ended.tenant.map_or(&metrics.nobody, |tenant| &tenant.meter);
    meter.record(ended.outcome, ended.status, ended.took.as_secs_f64());
    let agent = ended.head.headers.get(USER_AGENT);
    let client: Option<IpAddr> = ended.caller.map(|caller| caller.client);
    log.write(&Record {
        since_epoch: clock::since_epoch(),
        request_id: ended.caller.map_or("", Caller::request_id),
        trace_id: ended
            .caller
            .map(|caller| caller.trace.id)
            .unwrap_or_default(),
        tenant: ended.tenant.map_or("-", |tenant| tenant.name.as_str()),
        client,
        method: ended.head.method.as_str(),
        host: identify::authority(ended.head).unwrap_or_default(),
        path: ended.head.uri.path(),
        user_agent: agent
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default(),
        status: ended.status,
        outcome: ended.outcome,
        bytes: ended.bytes,
        took: ended.took,
        upstream: ended.upstream,
        tries: ended.tries,
        config: ended.config,
    });
}
