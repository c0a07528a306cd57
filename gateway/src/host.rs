//! What the machine lets a gateway have: open files and a queue for connections. In a storm these break first.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Fewer open files than this are fewer visitors at a time than a sale brings.
const FEW_FILES: u64 = 16_384;
/// Linux' own value since 5.4: what is shorter was made so.
const SHORT_QUEUE: u64 = 4_096;
/// The longest queue of connections that wait to be accepted, whatever a listener asks for.
const SOMAXCONN: &str = "/proc/sys/net/core/somaxconn";

/// How the panic of Pingora begins that cannot listen (`services::listening`).
const CANNOT_LISTEN: &str = "Failed to build listeners";

/// Raises the soft limit of open files to the hard one, as far as nobody forbids it, and says what is little for a sale.
pub(crate) fn prepare() {
    let files = raise_open_files();
    let queue = std::fs::read_to_string(SOMAXCONN).ok();
    let queue = queue.and_then(|text| text.trim().parse::<u64>().ok());
    tracing::info!(
        open_files = files,
        accept_queue = queue,
        "what this machine gives"
    );
    if files < FEW_FILES {
        tracing::warn!(
            open_files = files,
            "every visitor being served takes one or two: raise the hard limit (ulimit -Hn, LimitNOFILE)"
        );
    }
    if let Some(queue) = queue.filter(|queue| *queue < SHORT_QUEUE) {
        tracing::warn!(
            accept_queue = queue,
            "a storm is turned away before it is heard: raise net.core.somaxconn"
        );
    }
}

/// Ends the process where a listener cannot be had after all, though it was tried: Pingora panics in one of its threads
/// then, and the rest would go on, deaf.
pub(crate) fn end_when_deaf() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with(CANNOT_LISTEN) {
            tracing::error!("cannot listen (`listen`): is another process there?");
            std::process::exit(1);
        }
    }));
}

fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let now = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    now.unwrap_or(u64::MAX)
}
