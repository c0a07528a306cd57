//! The one thread that forks. It lives as long as the process, because a parent-death signal fires
//! when the forking thread ends: a child forked by a test's own thread would die with that test.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

struct Order {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

/// Starts `command` from the immortal thread.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();
    let orders = ORDERS.get_or_init(start);
    let (reply, answer) = channel();
    orders
        .send(Order { command, reply })
        .map_err(io::Error::other)?;
    answer.recv().map_err(io::Error::other)?
}

fn start() -> Sender<Order> {
    let (orders, inbox) = channel::<Order>();
    let work = move || {
        for Order { mut command, reply } in inbox {
            // Whoever asked is waiting for the answer, so it can be delivered.
            let _ = reply.send(command.spawn());
        }
    };
    let thread = thread::Builder::new()
        .name("devkit-spawner".into())
        .spawn(work);
    thread.expect("a thread can be started");
    orders
}
