//! A private Redis Cluster of three primaries, whose slots can be moved while it runs.

use super::talk::Reply;
use super::{READY_WITHIN, Redis, RedisOptions};
use crate::error::Error;
use crate::{free_port, wait};

const NODES: u16 = 3;
const SLOTS: u16 = 16_384;
/// After this long without an answer a node counts as failed and, having no replica, takes the whole cluster
/// down. Longer than a busy machine's hiccup; no test waits for it.
const NODE_TIMEOUT_MS: &str = "5000";
/// How long a source waits for the target to take a key.
const MIGRATE_TIMEOUT_MS: &str = "2000";

/// A running cluster; dropping it ends all its nodes. They have no replicas, so it never fails over.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
    ids: Vec<String>,
}

impl RedisCluster {
    /// Starts the nodes, gives each a third of the slots and waits until all agree. Takes 2 s, for so long
    /// a young node declines to serve.
    pub fn start() -> Result<Self, Error> {
        let mut nodes: Vec<Redis> = Vec::new();
        let mut ids = Vec::new();
        for index in 0..NODES {
            let bus = free_port()?.to_string();
            let node = start_node(&bus)?;
            // Distinct from the start: equal epochs would first have to be resolved.
            node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
            let (from, to) = (index * SLOTS / NODES, (index + 1) * SLOTS / NODES - 1);
            let (from, to) = (from.to_string(), to.to_string());
            node.ask(&["CLUSTER", "ADDSLOTSRANGE", &from, &to])?;
            if let Some(first) = nodes.first() {
                let port = node.port().to_string();
                first.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])?;
            }
            ids.push(node.ask(&["CLUSTER", "MYID"])?.text().to_owned());
            nodes.push(node);
        }
        let cluster = Self { nodes, ids };
        for node in &cluster.nodes {
            node.process.until(READY_WITHIN, || is_complete(node))?;
        }
        Ok(cluster)
    }

    /// The URL for clients: it names all nodes.
    pub fn url(&self) -> String {
        let nodes = self.nodes.iter();
        let nodes: Vec<_> = nodes.map(|node| node.address().to_string()).collect();
        format!(
            "redis-cluster://{}?node={}",
            nodes[0],
            nodes[1..].join("&node=")
        )
    }

    /// The nodes, three of them.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The slot that `key` is in.
    pub fn slot_of(&self, key: &str) -> Result<u16, Error> {
        let slot = self.nodes[0].ask(&["CLUSTER", "KEYSLOT", key])?;
        Ok(slot.text().parse().expect("a slot is a number"))
    }

    /// Which node has `slot`, as the nodes agree.
    pub fn owner(&self, slot: u16) -> usize {
        let agreed = wait::until(READY_WITHIN, || {
            let mut said = self.nodes.iter().map(|node| owner(node, slot));
            let first = said.next()??;
            said.all(|other| other.as_ref() == Some(&first))
                .then_some(first)
        });
        let id = agreed.expect("the nodes agree on who has a slot");
        self.ids
            .iter()
            .position(|known| *known == id)
            .expect("one of ours")
    }

    /// Begins to move `slot` to another node: until [`SlotMove::finish`] its keys lie on both, and
    /// commands for those that are not there are redirected.
    pub fn begin_move(&self, slot: u16, to: usize) -> Result<SlotMove<'_>, Error> {
        let moving = SlotMove {
            cluster: self,
            slot: slot.to_string(),
            from: self.owner(slot),
            to,
        };
        moving.set(to, &["IMPORTING", &self.ids[moving.from]])?;
        moving.set(moving.from, &["MIGRATING", &self.ids[to]])?;
        Ok(moving)
    }
}

/// A slot on its way from one node to another, live.
#[derive(Debug)]
pub struct SlotMove<'a> {
    cluster: &'a RedisCluster,
    slot: String,
    from: usize,
    to: usize,
}

impl SlotMove<'_> {
    /// Carries up to `most` of the slot's keys over, and says how many there were to carry. Each is on one
    /// of the two nodes at any time.
    pub fn carry(&self, most: usize) -> Result<usize, Error> {
        let (from, to) = (&self.cluster.nodes[self.from], &self.cluster.nodes[self.to]);
        let most = most.to_string();
        let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &self.slot, &most])?;
        let keys: Vec<_> = keys.items().iter().map(Reply::text).collect();
        if !keys.is_empty() {
            let port = to.port().to_string();
            let migrate = [
                "MIGRATE",
                "127.0.0.1",
                &port,
                "",
                "0",
                MIGRATE_TIMEOUT_MS,
                "KEYS",
            ];
            from.ask(&[&migrate, keys.as_slice()].concat())?;
        }
        Ok(keys.len())
    }

    /// Carries what is left and tells every node the new owner.
    pub fn finish(self) -> Result<(), Error> {
        while self.carry(100)? > 0 {}
        let others = (0..self.cluster.nodes.len()).filter(|node| *node != self.to);
        // The target first: would the source forget the slot before, it would point at nobody who has it.
        for node in [self.to].into_iter().chain(others) {
            self.set(node, &["NODE", &self.cluster.ids[self.to]])?;
        }
        Ok(())
    }

    fn set(&self, node: usize, what: &[&str]) -> Result<(), Error> {
        let command = ["CLUSTER", "SETSLOT", &self.slot];
        self.cluster.nodes[node].ask(&[&command, what].concat())?;
        Ok(())
    }
}

fn start_node(bus: &str) -> Result<Redis, Error> {
    let settings = [
        ("cluster-enabled", "yes"),
        // The default is the port plus 10,000, which is nobody's to give.
        ("cluster-port", bus),
        ("cluster-node-timeout", NODE_TIMEOUT_MS),
    ];
    Redis::start(RedisOptions {
        settings: settings
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        ..RedisOptions::default()
    })
}

/// Whether `node` knows all nodes, and that all slots are served.
fn is_complete(node: &Redis) -> bool {
    let Ok(info) = node.ask(&["CLUSTER", "INFO"]) else {
        return false;
    };
    let says = |line: String| info.text().lines().any(|said| said == line);
    says("cluster_state:ok".into())
        && says(format!("cluster_known_nodes:{NODES}"))
        && says(format!("cluster_slots_ok:{SLOTS}"))
}

/// The id of the node that has `slot`, according to `node`.
fn owner(node: &Redis, slot: u16) -> Option<String> {
    let ranges = node.ask(&["CLUSTER", "SLOTS"]).ok()?;
    let range = ranges.items().iter().find(|range| {
        let end = |index: usize| range.items().get(index)?.text().parse::<u16>().ok();
        end(0).is_some_and(|from| from <= slot) && end(1).is_some_and(|to| slot <= to)
    })?;
    Some(range.items().get(2)?.items().get(2)?.text().to_owned())
}
