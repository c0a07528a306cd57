//! What an M/M/c queue can do: so many workers, exponential work, first come first served.

/// The most requests a second at which nine in ten and five more of a hundred (p95) are answered within `target`
/// seconds by `workers` that take `work` seconds each; 0 when not even an idle one can.
///
/// Arrivals are taken to be random (Poisson). Erlang's C gives who waits; the time at the queue is the sum of the wait
/// and the work.
#[must_use]
pub fn best_rate(workers: usize, work: f64, target: f64) -> f64 {
    let (mut fine, mut much) = (0.0, workers as f64 / work);
    if later_than(workers, work, f64::MIN_POSITIVE, target) > 0.05 {
        return 0.0;
    }
    for _ in 0..60 {
        let rate = (fine + much) / 2.0;
        if later_than(workers, work, rate, target) > 0.05 {
            much = rate;
        } else {
            fine = rate;
        }
    }
    fine
}

/// The share of requests that take longer than `time` seconds at `rate` a second.
fn later_than(workers: usize, work: f64, rate: f64, time: f64) -> f64 {
    let (servers, offered) = (workers as f64, rate * work);
    if offered >= servers {
        return 1.0;
    }
    let waits = erlang_c(workers, offered);
    let (service, free) = (1.0 / work, servers - 1.0 - offered);
    let beyond = (-service * time).exp();
    // Where the two exponentials are as fast as each other the quotient has a limit.
    let grown = match free.abs() > 1e-9 {
        true => (1.0 - (-service * time * free).exp()) / free,
        false => service * time,
    };
    beyond * (1.0 + waits * grown)
}

/// The share of requests that find every worker busy, with `offered` erlangs.
fn erlang_c(workers: usize, offered: f64) -> f64 {
    let blocked = (1..=workers).fold(1.0, |blocked, servers| {
        offered * blocked / (servers as f64 + offered * blocked)
    });
    let used = offered / workers as f64;
    blocked / (1.0 - used * (1.0 - blocked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_is_the_textbook_s_queue() {
        // M/M/1: the time at it is exponential with the rate that is left over.
        for rate in [1.0, 20.0, 45.0] {
            let expected = (-(50.0 - rate) * 0.1_f64).exp();
            assert!((later_than(1, 0.02, rate, 0.1) - expected).abs() < 1e-9);
        }
        let best = best_rate(1, 0.02, 0.2);
        assert!((best - (50.0 - 20_f64.ln() / 0.2)).abs() < 1e-6, "{best}");
    }

    #[test]
    fn erlang_s_table() {
        // A.K. Erlang's own: 10 servers, 8 erlangs: 0.4092 wait.
        assert!((erlang_c(10, 8.0) - 0.4092).abs() < 1e-3);
    }

    #[test]
    fn a_target_under_the_work_itself_cannot_be_kept() {
        assert_eq!(best_rate(8, 0.1, 0.05), 0.0);
        let best = best_rate(8, 0.02, 0.2);
        assert!(best > 370.0 && best < 400.0, "{best}");
    }
}
