//! The servers as the kernel and Redis see them, once a second: memory, CPU time, commands. Our own questions to Redis
//! are not counted.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use super::{Watched, World};
use crate::machine;

/// The room's keys are weighed every so many seconds: each costs a command.
const WEIGH_EVERY: u64 = 10;
/// The window of the highest rates, in seconds.
const WINDOW: usize = 10;

/// One look. Counts are since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    pub(super) at: f64,
    pub(super) joined: u64,
    pub(super) polled: u64,
    pub(super) late: u64,
    pub(super) called: u64,
    pub(super) gone: u64,
    /// Inside: passes less seats given back.
    pub(super) inside: u64,
    /// Every request that was answered, about.
    pub(super) requests: u64,
    pub(super) commands: u64,
    /// What the room's keys weigh, in bytes, as last weighed.
    pub(super) keys: u64,
    /// What Redis uses beyond what it used at the start, in bytes.
    pub(super) redis: u64,
    /// The largest gateway's memory, in bytes.
    pub(super) gateway: u64,
    /// All gateways' CPU time, in microseconds.
    pub(super) gateway_cpu: u64,
    pub(super) own_cpu: u64,
}

/// The servers' figures over a whole drill.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Servers {
    pub(super) keys: u64,
    pub(super) redis: u64,
    pub(super) gateway_at_start: u64,
    pub(super) gateway: u64,
    pub(super) commands: Rate,
    pub(super) polls: Rate,
    pub(super) joins: Rate,
    pub(super) gateway_micros_a_request: f64,
    /// Parts of one core.
    pub(super) gateway_cores: f64,
    pub(super) own_cores: f64,
}

/// Something a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    pub(super) mean: f64,
    /// Of ten seconds.
    pub(super) most: f64,
}

/// Looks at the servers.
#[derive(Debug)]
pub(super) struct Watcher {
    watched: Watched,
    redis: Option<Redis>,
    gateway_at_start: u64,
    cpu_at_start: (u64, u64),
    looks: u64,
    keys: u64,
}

impl Watcher {
    pub(super) async fn start(watched: &Watched) -> io::Result<Self> {
        let redis = match watched.redis {
            Some(address) => Some(Redis::connect(address).await?),
            None => None,
        };
        let watched = watched.clone();
        Ok(Self {
            gateway_at_start: largest(&watched.gateway_pids)?,
            cpu_at_start: (
                cpu(&watched.gateway_pids)?,
                machine::micros(std::process::id())?,
            ),
            watched,
            redis,
            looks: 0,
            keys: 0,
        })
    }

    pub(super) async fn look(&mut self, world: &World) -> io::Result<Second> {
        let (mut commands, mut used) = (0, 0);
        if let Some(redis) = &mut self.redis {
            (commands, used) = redis.info().await?;
            if self.looks.is_multiple_of(WEIGH_EVERY) {
                self.keys = redis.weigh().await?;
            }
        }
        self.looks += 1;
        let counts = &world.counts;
        let (joined, polled, admitted) = (
            counts.joined.get(),
            counts.polled.get(),
            counts.admitted.get(),
        );
        let left = counts.left.get();
        Ok(Second {
            at: world.clock.now().since(world.start).as_secs_f64(),
            joined,
            polled,
            late: counts.late.get(),
            called: counts.called.get(),
            gone: counts.gone.get(),
            inside: admitted.saturating_sub(left),
            // The page, the join and each poll; the claim, the page and the leaving.
            requests: counts.arrived.get() + joined + polled + 2 * admitted + left,
            commands,
            keys: self.keys,
            redis: used,
            gateway: largest(&self.watched.gateway_pids)?,
            gateway_cpu: cpu(&self.watched.gateway_pids)?.saturating_sub(self.cpu_at_start.0),
            own_cpu: machine::micros(std::process::id())?.saturating_sub(self.cpu_at_start.1),
        })
    }

    pub(super) fn servers(&self, seconds: &[Second]) -> Servers {
        let most = |of: fn(&Second) -> u64| seconds.iter().map(of).max().unwrap_or_default();
        let Some(last) = seconds.last() else {
            return Servers::default();
        };
        Servers {
            keys: most(|second| second.keys),
            redis: most(|second| second.redis),
            gateway_at_start: self.gateway_at_start,
            gateway: most(|second| second.gateway),
            commands: rate(seconds, |second| second.commands),
            polls: rate(seconds, |second| second.polled),
            joins: rate(seconds, |second| second.joined),
            gateway_micros_a_request: last.gateway_cpu as f64 / (last.requests as f64).max(1.0),
            gateway_cores: last.gateway_cpu as f64 / 1e6 / last.at.max(1.0),
            own_cores: last.own_cpu as f64 / 1e6 / last.at.max(1.0),
        }
    }
}

/// How fast a count grew: on the whole while it grew, and over the ten seconds in which it grew most.
pub(super) fn rate(seconds: &[Second], of: fn(&Second) -> u64) -> Rate {
    let grown = |from: &Second, to: &Second| {
        of(to).saturating_sub(of(from)) as f64 / (to.at - from.at).max(0.001)
    };
    let (Some(first), Some(last)) = (seconds.first(), seconds.last()) else {
        return Rate::default();
    };
    let end = seconds
        .iter()
        .find(|second| of(second) == of(last))
        .unwrap_or(last);
    let windows = seconds.windows(WINDOW.min(seconds.len()));
    let most = windows.map(|window| grown(&window[0], &window[window.len() - 1]));
    Rate {
        mean: grown(first, end),
        most: most.fold(0.0, f64::max),
    }
}

fn largest(pids: &[u32]) -> io::Result<u64> {
    pids.iter()
        .try_fold(0, |most, pid| Ok(machine::resident(*pid)?.max(most)))
}

fn cpu(pids: &[u32]) -> io::Result<u64> {
    pids.iter()
        .try_fold(0, |sum, pid| Ok(machine::micros(*pid)? + sum))
}

/// A connection that asks Redis about itself, and remembers how often.
#[derive(Debug)]
struct Redis {
    stream: BufStream<TcpStream>,
    asked: u64,
    at_start: (u64, u64),
}

impl Redis {
    async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = BufStream::new(TcpStream::connect(address).await?);
        let mut redis = Self {
            stream,
            asked: 0,
            at_start: (0, 0),
        };
        let (commands, used) = redis.info().await?;
        redis.at_start = (commands, used);
        redis.asked = 0;
        Ok(redis)
    }

    /// Others' commands and the memory used, both since the start.
    async fn info(&mut self) -> io::Result<(u64, u64)> {
        let said = self.ask("INFO").await?.concat();
        let number = |name: &str| {
            let line = said
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|text| text.trim().parse::<u64>().ok())
        };
        let (commands, used) = number("total_commands_processed")
            .zip(number("used_memory"))
            .ok_or_else(|| io::Error::other("Redis says nothing of its commands or memory"))?;
        let ours = self.asked - 1;
        Ok((
            commands.saturating_sub(self.at_start.0 + ours),
            used.saturating_sub(self.at_start.1),
        ))
    }

    /// What all keys weigh; the store is this drill's own.
    async fn weigh(&mut self) -> io::Result<u64> {
        let mut sum = 0;
        for key in self.ask("KEYS *").await? {
            let weight = self.ask(&format!("MEMORY USAGE {key} SAMPLES 0")).await?;
            sum += weight
                .first()
                .and_then(|text| text.parse::<u64>().ok())
                .unwrap_or(0);
        }
        Ok(sum)
    }

    /// Asks one command inline; keys of ours have no spaces. Gives the texts of the answer.
    async fn ask(&mut self, command: &str) -> io::Result<Vec<String>> {
        self.asked += 1;
        self.stream
            .write_all(format!("{command}\r\n").as_bytes())
            .await?;
        self.stream.flush().await?;
        let mut texts = Vec::new();
        let mut left = 1_usize;
        while left > 0 {
            left -= 1;
            let mut line = String::new();
            self.stream.read_line(&mut line).await?;
            let (kind, rest) = line
                .trim_end()
                .split_at_checked(1)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            let length = || rest.parse::<usize>().ok();
            match kind {
                "*" => left += length().unwrap_or(0),
                "$" => {
                    // A negative length is a key that is gone meanwhile.
                    let Some(length) = length() else { continue };
                    let mut text = vec![0; length + 2];
                    self.stream.read_exact(&mut text).await?;
                    text.truncate(length);
                    texts.push(String::from_utf8_lossy(&text).into_owned());
                }
                "-" => return Err(io::Error::other(format!("Redis: {rest}"))),
                _ => texts.push(rest.to_owned()),
            }
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_taken_while_the_count_grows() {
        let counts = [0, 100, 200, 300, 300, 300];
        let seconds: Vec<Second> = counts
            .iter()
            .zip(0..)
            .map(|(joined, at)| Second {
                at: f64::from(at),
                joined: *joined,
                ..Second::default()
            })
            .collect();
        let rate = rate(&seconds, |second| second.joined);
        assert!((rate.mean - 100.0).abs() < 1e-9);
        assert!((rate.most - 60.0).abs() < 1e-9, "{rate:?}");
    }
}
