//! One server under test: a process, an address, and what to ask of it.

/// What is asked: the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Passing a request to the origin.
    Proxied,
    /// Answering by itself: a queue poll, or a constant.
    Direct,
    /// The door of a room: half of the requests come without anything and get a challenge, half bring theirs along and
    /// get a number. Or a constant.
    Door,
}

/// A server and one thing asked of it.
#[derive(Clone, Debug)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) task: Task,
    /// The process whose time counts.
    pub(super) pid: u32,
    pub(super) url: String,
    /// `Cookie` headers sent in turn; none for most.
    pub(super) cookies: Vec<String>,
}
