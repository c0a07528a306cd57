//! What the kernel says of a process: CPU time of all its threads, ended ones too, and memory.

use std::io;

/// The unit of /proc/PID/stat on every Linux we run on (`getconf CLK_TCK`): 10 ms, so that a load of some
/// seconds is exact to a few parts in a thousand.
const MICROS_A_TICK: u64 = 10_000;

/// User and system time of process `pid` so far, in microseconds.
pub(crate) fn micros(pid: u32) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    ticks(&stat)
        .map(|ticks| ticks * MICROS_A_TICK)
        .ok_or_else(|| io::Error::other("unreadable /proc/PID/stat"))
}

/// What of process `pid` is in memory, in bytes.
pub(crate) fn resident(pid: u32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    kilobytes(&status)
        .map(|kilobytes| kilobytes * 1_024)
        .ok_or_else(|| io::Error::other("unreadable /proc/PID/status"))
}

fn kilobytes(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Fields 14 and 15; the second field is a name in parentheses that may hold anything, spaces too.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 3 4 20 0 1 0 100 1 2";
        assert_eq!(ticks(stat), Some(300));
    }

    #[test]
    fn our_own_time_and_memory_are_readable() {
        assert!(micros(std::process::id()).is_ok());
        assert!(resident(std::process::id()).is_ok_and(|bytes| bytes > 100_000));
    }
}
