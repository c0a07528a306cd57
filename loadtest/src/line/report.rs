//! The report of a long line: as text, as a page with charts, and what of it is off.

use std::fmt;

use super::LineDrill;
use super::figures::LineFigures;
use super::log::LogFigures;
use super::watch::{Second, Servers};
use crate::chart::{self, Chart, Series};
use crate::drill::spread;

/// What the room may weigh in Redis, in bytes.
const MOST_KEYS: u64 = 5_000_000;
/// What a gateway may hold, in bytes.
const MOST_GATEWAY: u64 = 100_000_000;
/// What all gateways together may ask of the store, commands a second.
const MOST_COMMANDS: f64 = 2_000.0;
/// The share of calls that may find nobody.
const MOST_UNANSWERED: f64 = 0.01;

/// What a drill of a long line measured.
#[derive(Clone, Debug)]
pub struct LineReport {
    /// What the visitors remember.
    pub figures: LineFigures,
    pub(super) servers: Servers,
    pub(super) log: LogFigures,
    pub(super) seconds: Vec<Second>,
    pub(super) drill: LineDrill,
    pub(super) troubles: u64,
    pub(super) late: u64,
}

impl LineReport {
    /// What is off, a sentence each.
    #[must_use]
    pub fn flaws(&self) -> Vec<String> {
        let (figures, servers, limits) = (&self.figures, &self.servers, &self.drill.limits);
        let most = figures.seats.most.max(figures.live_passes.most);
        let checks = [
            (
                figures.inversions.pairs > 0,
                format!(
                    "{} pairs were called in the wrong order",
                    figures.inversions.pairs
                ),
            ),
            (
                most > limits.active,
                format!("{most} seats were taken at once of {}", limits.active),
            ),
            (
                self.log.over_limit > 0,
                format!(
                    "{} log entries have more seats taken than their limit",
                    self.log.over_limit
                ),
            ),
            (
                figures.calls.most > limits.per_minute,
                format!(
                    "{} calls in a minute of {}",
                    figures.calls.most, limits.per_minute
                ),
            ),
            (
                figures.rises > 0,
                format!("a shown place rose {} times", figures.rises),
            ),
            (
                self.troubles > 0,
                format!("{} requests without a proper answer", self.troubles),
            ),
            (figures.called == 0, "nobody was called".to_owned()),
            (
                servers.keys > MOST_KEYS,
                format!("the room weighs {} in Redis", megabytes(servers.keys)),
            ),
            (
                servers.gateway > MOST_GATEWAY,
                format!("a gateway holds {}", megabytes(servers.gateway)),
            ),
            (
                servers.commands.most > MOST_COMMANDS,
                format!("{:.0} store commands in a second", servers.commands.most),
            ),
            (
                self.unanswered() > MOST_UNANSWERED,
                format!(
                    "{:.2}% of the calls found nobody",
                    100.0 * self.unanswered()
                ),
            ),
        ];
        let off = checks.into_iter().filter(|(is_off, _)| *is_off);
        off.map(|(_, what)| what).collect()
    }

    /// The share of calls whose grace ended without an answer, among those that had an end.
    fn unanswered(&self) -> f64 {
        self.log.lapsed as f64 / ((self.log.lapsed + self.figures.answered) as f64).max(1.0)
    }

    /// The report as one HTML file.
    #[must_use]
    pub fn page(&self) -> String {
        let at: Vec<f64> = self.seconds.iter().map(|second| second.at).collect();
        let each = |name: &str, of: &dyn Fn(&Second) -> f64| {
            Series::new(name, self.seconds.iter().map(of))
        };
        let speed =
            |name: &str, of: fn(&Second) -> u64| Series::new(name, speeds(&self.seconds, of));
        let chart = |title: &str, series: Vec<Series>, level: Option<(f64, String)>| Chart {
            title: title.into(),
            at: at.clone(),
            series,
            level,
            marks: Vec::new(),
        };
        let active = self.drill.limits.active as f64;
        let charts = [
            chart(
                "People",
                vec![
                    each("joined", &|second| second.joined as f64),
                    each("called", &|second| second.called as f64),
                    each("gone silently", &|second| second.gone as f64),
                ],
                None,
            ),
            chart(
                "Requests a second",
                vec![
                    speed("joins", |second| second.joined),
                    speed("polls", |second| second.polled),
                    speed("polls over a second late", |second| second.late),
                ],
                None,
            ),
            chart(
                "Inside, as the visitors know it",
                vec![each("passes", &|second| second.inside as f64)],
                Some((active, "capacity".into())),
            ),
            chart(
                "Store commands a second, all gateways together",
                vec![speed("commands", |second| second.commands)],
                Some((MOST_COMMANDS, "allowed".into())),
            ),
            chart(
                "Memory, MB",
                vec![
                    each("largest gateway", &|second| second.gateway as f64 / 1e6),
                    each("Redis beyond its start", &|second| {
                        second.redis as f64 / 1e6
                    }),
                    each("the room's keys", &|second| second.keys as f64 / 1e6),
                ],
                Some((MOST_GATEWAY as f64 / 1e6, "allowed for a gateway".into())),
            ),
        ];
        chart::page(
            &format!("A line of {}", self.drill.visitors),
            &self.to_string(),
            &charts,
        )
    }
}

/// How fast a count grew in each second.
fn speeds(seconds: &[Second], of: fn(&Second) -> u64) -> Vec<f64> {
    let first = seconds.first().copied().unwrap_or_default();
    let before = std::iter::once(&first).chain(seconds);
    let pairs = before.zip(seconds);
    pairs
        .map(|(from, to)| of(to).saturating_sub(of(from)) as f64 / (to.at - from.at).max(0.5))
        .collect()
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

impl fmt::Display for LineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (figures, drill) = (&self.figures, &self.drill);
        let took = self.seconds.last().map_or(0.0, |second| second.at);
        writeln!(
            f,
            "Line of {} visitors, cut after {took:.0} s",
            drill.visitors
        )?;
        writeln!(
            f,
            "  arrived {}   joined {}   called {}   admitted {}   left the seat {}   gone silently {}   waiting at the cut {}",
            figures.arrived,
            figures.joined,
            figures.called,
            figures.admitted,
            figures.left,
            figures.gone,
            figures.cut
        )?;
        if figures.joined < u64::from(drill.visitors) {
            writeln!(
                f,
                "  NOT REACHED       {} of the {} had no number when newcomers were stopped after {:.0} s",
                u64::from(drill.visitors) - figures.joined,
                drill.visitors,
                drill.join_within.as_secs_f64()
            )?;
        }
        self.fmt_servers(f)?;
        self.fmt_room(f)?;
        self.fmt_estimates(f)
    }
}

impl LineReport {
    fn fmt_servers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = &self.servers;
        writeln!(
            f,
            "  redis             the room's keys {} at most ({:.2} bytes a visitor); the process {} more than at its start",
            megabytes(servers.keys),
            servers.keys as f64 / (self.log.most_living.max(self.figures.joined) as f64).max(1.0),
            megabytes(servers.redis)
        )?;
        writeln!(
            f,
            "  gateway           {} resident at most ({} at its start), {:.1} CPU-us a request, {:.2} cores",
            megabytes(servers.gateway),
            megabytes(servers.gateway_at_start),
            servers.gateway_micros_a_request,
            servers.gateway_cores
        )?;
        writeln!(
            f,
            "  store commands    {:.0} a second, {:.0} in the busiest ten seconds",
            servers.commands.mean, servers.commands.most
        )?;
        writeln!(
            f,
            "  polls             {:.0} a second, {:.0} in the busiest ten seconds; {} over a second late",
            servers.polls.mean, servers.polls.most, self.late
        )?;
        writeln!(
            f,
            "  joins             {:.0} a second, {:.0} in the busiest ten seconds",
            servers.joins.mean, servers.joins.most
        )?;
        writeln!(f, "  load generator    {:.2} cores", servers.own_cores)
    }

    fn fmt_room(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (figures, limits) = (&self.figures, &self.drill.limits);
        writeln!(
            f,
            "  order errors      {}   (visitors who polled over 2.5 s late and are left out: {})",
            figures.inversions.pairs, figures.tardy
        )?;
        writeln!(f, "  places risen      {}", figures.rises)?;
        writeln!(
            f,
            "  seats             {} at once of {} ({} certain passes); {} by the line's own log",
            figures.seats.most, limits.active, figures.live_passes.most, self.log.most_active
        )?;
        writeln!(
            f,
            "  calls             {} in the busiest minute of {}",
            figures.calls.most, limits.per_minute
        )?;
        writeln!(
            f,
            "  silent            {:.1}% of those whose turn came had gone without a word",
            100.0 * figures.gone_in_front
        )?;
        writeln!(
            f,
            "  calls unanswered  {} of {} whose grace is over ({:.2}%)",
            self.log.lapsed,
            self.log.lapsed + figures.answered,
            100.0 * self.unanswered()
        )?;
        if let Some((full, unused)) = figures.unused {
            writeln!(
                f,
                "  seats unused      {:.2}% of all seats' time after {full:.0} s, when each had been given once: \
                 ticks, flushes and calls that found nobody",
                100.0 * unused
            )?;
        }
        writeln!(f, "  waited            {}", spread(&figures.waited))?;
        writeln!(f, "  heard of the call {}", spread(&figures.heard))?;
        writeln!(f, "  troubles          {}", self.troubles)
    }

    fn fmt_estimates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, rows) = &self.figures.accuracy;
        writeln!(
            f,
            "  estimates         {} shown once the line had moved for a minute, whose p90 ended before the cut; \
             {} of them of visitors not called by then",
            all.estimates, all.overdue
        )?;
        writeln!(
            f,
            "    actual wait       count  |p50-actual|/actual   bias   <= p50 (50%)   <= p90 (90%)   p50 to p90 (40%)"
        )?;
        let named = rows.iter().map(|((from, to), row)| {
            let name = if *to == u64::MAX {
                format!("{from} s and more")
            } else {
                format!("{from} to {to} s")
            };
            (name, row)
        });
        for (name, row) in std::iter::once(("all".to_owned(), all)).chain(named) {
            let [error, bias, p50, p90, between] = [
                row.mean_error,
                row.bias,
                row.within_p50,
                row.within_p90,
                row.between,
            ]
            .map(|share| 100.0 * share);
            writeln!(
                f,
                "    {name:<14} {:>8} {error:>19.1}% {bias:>+5.1}% {p50:>13.1}% {p90:>13.1}% {between:>17.1}%",
                row.estimates
            )?;
        }
        Ok(())
    }
}
