//! Who knows which server has which slots: Sentinels, or the nodes of a Cluster.
//!
//! All that can be reached are asked at once, and the newest word counts: both have epochs that rise with every
//! change of a primary. One that was cut off or frozen and says what was true before is
//! outvoted by any that knows better, and by what was heard before ([`Newest`]).

use std::sync::Arc;

use fred::{
    prelude::*,
    types::config::{Server, ServerConfig},
};
use tokio::{task::JoinSet, time::timeout};

use super::{
    link::{Link, Sessions},
    servers::{ANSWERS_WITHIN, ASK_EVERY},
    wire::{Argument, command},
};

const LAST_SLOT: u16 = 16_383;

/// Whom to ask.
#[derive(Debug)]
pub(super) enum Guide {
    /// These, for the primary of a service.
    Sentinels { service: String, named: Vec<Link> },
    /// These and all nodes known since.
    Nodes { named: Vec<Link> },
}

/// Which server has which slots. Without a Cluster one has all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// In the order of their slots.
    ranges: Vec<Range>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    last: u16,
    first: u16,
    server: Server,
}

impl Layout {
    pub(super) fn all_at(server: Server) -> Self {
        let (first, last) = (0, LAST_SLOT);
        Self {
            ranges: vec![Range {
                last,
                first,
                server,
            }],
        }
    }

    pub(super) fn owner(&self, slot: u16) -> Option<&Server> {
        let at = self.ranges.partition_point(|range| range.last < slot);
        let range = self.ranges.get(at).filter(|range| range.first <= slot)?;
        Some(&range.server)
    }

    pub(super) fn servers(&self) -> impl Iterator<Item = &Server> {
        self.ranges.iter().map(|range| &range.server)
    }
}

/// What one of them says, and how new it is.
type Word = (u64, Layout);

/// The newest word of those who answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    epoch: u64,
    pub(super) layout: Layout,
    /// Whether all answered who were asked.
    by_all: bool,
}

/// How new the word was that was gone by last.
#[derive(Debug, Default)]
pub(super) struct Newest {
    epoch: u64,
    /// Older words in a row since then.
    older: u32,
}

/// For so many rounds an older word is not gone by: a minute.
const OLDER_ROUNDS: u32 = (60_000 / ASK_EVERY.as_millis()) as u32;

impl Newest {
    /// Whether to go by this word. An older one is that of somebody who was cut off, unless all say so or nothing else is
    /// heard for long: then they began anew.
    pub(super) fn goes_by(&mut self, heard: &Heard) -> bool {
        self.older += 1;
        let goes = heard.epoch >= self.epoch || heard.by_all || self.older >= OLDER_ROUNDS;
        if goes {
            *self = Self {
                epoch: heard.epoch,
                older: 0,
            };
        }
        goes
    }
}

impl Guide {
    /// The guide of a deployment; none if its URL names its only server.
    pub(super) fn of(config: &Config, sessions: &Sessions) -> Option<Self> {
        let named = |hosts: &[Server]| {
            let to = |host| Link::new(&reaching(host, config), ANSWERS_WITHIN, sessions);
            hosts.iter().map(to).collect()
        };
        match &config.server {
            ServerConfig::Sentinel {
                hosts,
                service_name,
                ..
            } => Some(Self::Sentinels {
                service: service_name.clone(),
                named: named(hosts),
            }),
            ServerConfig::Clustered { hosts, .. } => Some(Self::Nodes {
                named: named(hosts),
            }),
            ServerConfig::Centralized { .. } => None,
        }
    }

    /// Connects to those that the URL names.
    pub(super) fn connect(&self) {
        let (Self::Sentinels { named, .. } | Self::Nodes { named }) = self;
        for link in named {
            link.connect();
        }
    }

    /// The newest word of all that answer in time. The `nodes` known so far are asked too if this is a
    /// Cluster.
    pub(super) async fn ask(&self, nodes: Vec<Arc<Client>>) -> Option<Heard> {
        let (Self::Sentinels { named, .. } | Self::Nodes { named }) = self;
        let mut silent = named.len();
        if let Self::Nodes { .. } = self {
            silent += nodes.len();
        }
        let named = named.iter().filter_map(|link| link.client().ok());
        let mut asked = JoinSet::new();
        match self {
            Self::Sentinels { service, .. } => named.for_each(|client| {
                let answer = primary(client, service.clone());
                asked.spawn(timeout(ANSWERS_WITHIN, answer));
            }),
            Self::Nodes { .. } => named.chain(nodes).for_each(|client| {
                asked.spawn(timeout(ANSWERS_WITHIN, slots(client)));
            }),
        }
        let mut newest: Option<Word> = None;
        while let Some(answer) = asked.join_next().await {
            let Ok(Ok(Some(word))) = answer else { continue };
            silent = silent.saturating_sub(1);
            if newest.as_ref().is_none_or(|newest| newest.0 < word.0) {
                newest = Some(word);
            }
        }
        newest.map(|(epoch, layout)| Heard {
            epoch,
            layout,
            by_all: silent == 0,
        })
    }
}

/// How to connect to one whom the URL of a deployment names.
fn reaching(host: &Server, config: &Config) -> Config {
    let one = Config {
        server: ServerConfig::Centralized {
            server: host.clone(),
        },
        ..config.clone()
    };
    match &config.server {
        // A Sentinel has secrets of its own, or none, and no databases.
        ServerConfig::Sentinel {
            username, password, ..
        } => Config {
            username: username.clone(),
            password: password.clone(),
            database: None,
            ..one
        },
        _ => one,
    }
}

/// The primary of `service` according to one Sentinel.
async fn primary(sentinel: Arc<Client>, service: String) -> Option<Word> {
    let pipeline = sentinel.pipeline();
    // Of a fail-over that is under way the first already names the new primary, the second the old one; both
    // know the new epoch.
    for question in ["GET-MASTER-ADDR-BY-NAME", "MASTER"] {
        let question = vec![Argument::from(question), service.clone().into()];
        let _: Value = pipeline.custom(command("SENTINEL"), question).await.ok()?;
    }
    let [address, facts] = pipeline.all::<Vec<Value>>().await.ok()?.try_into().ok()?;
    primary_of(address, facts)
}

fn primary_of(address: Value, facts: Value) -> Option<Word> {
    let [host, port] = address.into_array().try_into().ok()?;
    let server = Server::new(host.into_string()?, port.as_u64()?.try_into().ok()?);
    let facts = facts.into_array();
    let mut facts = facts.iter().map(Value::as_str);
    facts.find(|name| name.as_deref() == Some("config-epoch"))?;
    let epoch = facts.next()??.parse().ok()?;
    Some((epoch, Layout::all_at(server)))
}

/// Who has which slots according to one node.
async fn slots(node: Arc<Client>) -> Option<Word> {
    let pipeline = node.pipeline();
    for question in ["INFO", "SLOTS"] {
        let question = vec![Argument::from(question)];
        let _: Value = pipeline.custom(command("CLUSTER"), question).await.ok()?;
    }
    let [info, slots] = pipeline.all::<Vec<Value>>().await.ok()?.try_into().ok()?;
    let host = node
        .client_config()
        .server
        .hosts()
        .first()?
        .host
        .to_string();
    slots_of(&info, slots, &host)
}

fn slots_of(info: &Value, slots: Value, host: &str) -> Option<Word> {
    let info = info.as_str()?;
    let said = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
    // One that is cut off from the others would only repeat itself.
    said("cluster_state:").filter(|state| *state == "ok")?;
    let epoch = said("cluster_current_epoch:")?.parse().ok()?;
    let ranges = slots.into_array().into_iter();
    let mut ranges: Vec<Range> = ranges
        .map(|range| range_of(range, host))
        .collect::<Option<_>>()?;
    ranges.sort();
    Some((epoch, Layout { ranges }))
}

/// A range of slots: first, last, then its primary (host, port, …), then replicas.
fn range_of(range: Value, host: &str) -> Option<Range> {
    let mut items = range.into_array().into_iter();
    let mut slot = || items.next()?.as_u64()?.try_into().ok();
    let (first, last) = (slot()?, slot()?);
    let mut primary = items.next()?.into_array().into_iter();
    // A node that does not know its own address is where we asked it.
    let said = primary
        .next()?
        .into_string()
        .filter(|said| !said.is_empty());
    let port = primary.next()?.as_u64()?.try_into().ok()?;
    let server = Server::new(said.unwrap_or_else(|| host.to_owned()), port);
    Some(Range {
        last,
        first,
        server,
    })
}

#[cfg(test)]
mod tests;
