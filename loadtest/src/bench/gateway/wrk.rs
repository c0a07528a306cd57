//! wrk as the load: one thread, keep-alive connections, closed loop. Its answer count divides the CPU time.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::contender::{Contender, Task};
use crate::bench::NoFigures;

/// How wrk is run.
#[derive(Debug)]
pub(super) struct Wrk<'a> {
    pub(super) program: &'a Path,
    pub(super) connections: usize,
    pub(super) each: Duration,
}

/// What wrk counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) per_second: f64,
}

impl Wrk<'_> {
    /// Loads one contender; anything but clean 200s is an error, since refusals are cheaper than answers.
    pub(super) async fn load(&self, contender: &Contender) -> Result<Load, NoFigures> {
        let mut command = pinned(LOAD_CORE, self.program);
        let connections = match contender.task {
            Task::Door => self.connections * WAITING_AT_DOOR,
            Task::Proxied | Task::Direct => self.connections,
        };
        command.args([
            "-t1",
            &format!("-c{connections}"),
            &format!("-d{}s", self.each.as_secs().max(1)),
        ]);
        let script = match contender.task {
            Task::Door => Some(DOOR.to_owned()),
            _ => (!contender.cookies.is_empty()).then(|| lua(&contender.cookies)),
        };
        let file = std::env::temp_dir().join(format!("drill-wrk-{}.lua", std::process::id()));
        if let Some(script) = script {
            std::fs::write(&file, script).map_err(NoFigures::machine("writing wrk's script"))?;
            command.arg("-s").arg(&file);
        }
        let output = command
            .arg(&contender.url)
            .output()
            .await
            .map_err(NoFigures::machine("running wrk"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match read(&text) {
            Some(load)
                if output.status.success()
                    && !text.contains("Non-2xx")
                    && !text.contains("Socket errors") =>
            {
                Ok(load)
            }
            _ => Err(NoFigures::Unexpected(format!(
                "{} did not answer cleanly:\n{text}",
                contender.name
            ))),
        }
    }
}

/// Joins wait some milliseconds for one another, so that a door is only busy with so many times the connections.
const WAITING_AT_DOOR: usize = 8;

/// The core that load and origin share; the contender has the other.
pub(super) const LOAD_CORE: usize = 1;
/// The contender's core.
pub(super) const SERVER_CORE: usize = 0;

/// `program` bound to one core, so that it neither moves nor meets the other side. A machine with one core
/// has no other side to keep away from.
pub(super) fn pinned(core: usize, program: &Path) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut command = Command::new("taskset");
    command
        .args(["-c", &core.min(cores - 1).to_string()])
        .arg(program)
        .kill_on_drop(true);
    command
}

/// Each challenge that was given comes back once. A server that gives none is asked the same again and again; reading
/// its answers costs wrk as much.
const DOOR: &str = r#"
local json = { Accept = "application/json" }
local held = {}
function request()
  local challenge = table.remove(held)
  if not challenge then return wrk.format(nil, nil, json) end
  return wrk.format(nil, nil, { Accept = "application/json", ["X-Fluxgate-Ticket"] = challenge })
end
function response(status, headers, body)
  local token = headers["x-fluxgate-ticket"]
  if token and body:find("\"joining\"", 1, true) then held[#held + 1] = token end
end
"#;

fn lua(cookies: &[String]) -> String {
    let mut script = "local cookies = {\n".to_owned();
    for cookie in cookies {
        writeln!(script, "  {cookie:?},").expect("writing to a String cannot fail");
    }
    script.push_str("}\nlocal requests, at = {}, 0\n");
    script.push_str("function init()\n  for i, cookie in ipairs(cookies) do\n");
    script.push_str("    requests[i] = wrk.format(nil, nil, { Cookie = cookie, Accept = \"application/json\" })\n  end\nend\n");
    script.push_str("function request()\n  at = at % #requests + 1\n  return requests[at]\nend\n");
    script
}

fn read(text: &str) -> Option<Load> {
    let number = |line: &str, at: usize| line.split_whitespace().nth(at)?.parse::<f64>().ok();
    let requests = text.lines().find(|line| line.contains("requests in"))?;
    let rate = text
        .lines()
        .find(|line| line.trim_start().starts_with("Requests/sec:"))?;
    Some(Load {
        requests: number(requests, 0)? as u64,
        per_second: number(rate, 1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrks_counts_are_read() {
        let text = "Running 5s test @ http://x\n  1 threads and 64 connections\n  201234 requests in 5.01s, 30MB read\n\
                    Requests/sec:  40166.47\nTransfer/sec:  6MB\n";
        assert_eq!(
            read(text),
            Some(Load {
                requests: 201_234,
                per_second: 40_166.47
            })
        );
        assert_eq!(read("unable to connect"), None);
    }
}
