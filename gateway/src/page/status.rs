//! What is said to one visitor: numbers and names; the sentences are the page's.

/// Where a visitor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// The room opens at [`Status::opens_at_ms`].
    NotOpen,
    /// In the line, or about to be.
    Waiting,
    /// May come in until [`Status::claim_deadline_ms`].
    Called,
    /// Is in.
    Admitted,
    /// In the line, and nobody is called.
    Paused,
    /// Nothing is left to wait for.
    SoldOut,
    /// The line has ended.
    Closed,
    /// Gave the place up.
    Left,
}

impl State {
    /// Every state, in the order of a visit.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 8] = [
        Self::NotOpen,
        Self::Waiting,
        Self::Called,
        Self::Admitted,
        Self::Paused,
        Self::SoldOut,
        Self::Closed,
        Self::Left,
    ];

    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotOpen => "not_open",
            Self::Waiting => "waiting",
            Self::Called => "called",
            Self::Admitted => "admitted",
            Self::Paused => "paused",
            Self::SoldOut => "sold_out",
            Self::Closed => "closed",
            Self::Left => "left",
        }
    }

    /// Whether the visitor has a place that moves, and so figures about it.
    pub(crate) fn is_in_line(self) -> bool {
        matches!(self, Self::Waiting | Self::Paused)
    }
}

/// Every [`Status::view`].
pub(super) const VIEWS: [&str; 13] = [
    "too_many_joins",
    "invitation_required",
    "invitation_used",
    "not_open",
    "joining",
    "drawing",
    "waiting",
    "called",
    "admitted",
    "paused",
    "sold_out",
    "closed",
    "left",
];

/// Why it is so, where there is something to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    /// Holds a challenge; the next request takes a number.
    Joining,
    /// The operator paused the line.
    Paused,
    /// The origin is slow, so the rate was lowered.
    OriginSlow,
    /// The operator changed capacity or rate.
    LimitChanged,
    /// The store cannot be reached: the figures are the last known ones.
    StoreLost,
    /// The store cannot be reached; the arrival is written down.
    Provisional,
    /// Was away when the turn came: is called through the late lane.
    LateLane,
    /// The earlier visit or call is over; this is a new number.
    NewNumber,
    /// Needs an invitation, and has none that is good here.
    InvitationRequired,
    /// The invitation's place is somebody's.
    InvitationUsed,
    /// Too many came from this part of the network; asking again later may help.
    TooManyJoins,
    /// The line is closed and its order is being drawn by lot.
    Drawing,
    /// The line moves more slowly than was thought: the time was moved back.
    Slower,
    /// The place was taken along to another device; this one has none any more.
    Moved,
}

impl Reason {
    /// Whether it has a look and words of its own, whatever the state: there is no place in the line yet.
    pub(super) fn is_view(self) -> bool {
        match self {
            Self::Joining
            | Self::Drawing
            | Self::TooManyJoins
            | Self::InvitationRequired
            | Self::InvitationUsed
            | Self::Moved => true,
            Self::Paused
            | Self::OriginSlow
            | Self::LimitChanged
            | Self::StoreLost
            | Self::Provisional
            | Self::Slower
            | Self::LateLane
            | Self::NewNumber => false,
        }
    }

    /// Every reason.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 14] = [
        Self::Joining,
        Self::Paused,
        Self::OriginSlow,
        Self::LimitChanged,
        Self::StoreLost,
        Self::Provisional,
        Self::LateLane,
        Self::NewNumber,
        Self::Drawing,
        Self::Slower,
        Self::Moved,
        Self::TooManyJoins,
        Self::InvitationRequired,
        Self::InvitationUsed,
    ];

    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Paused => "paused",
            Self::OriginSlow => "origin_slow",
            Self::LimitChanged => "limit_changed",
            Self::StoreLost => "store_lost",
            Self::Provisional => "provisional",
            Self::LateLane => "late_lane",
            Self::NewNumber => "new_number",
            Self::TooManyJoins => "too_many_joins",
            Self::InvitationRequired => "invitation_required",
            Self::InvitationUsed => "invitation_used",
            Self::Drawing => "drawing",
            Self::Slower => "slower",
            Self::Moved => "moved",
        }
    }
}

/// In which order people go in; the page says it in plain words, before the start too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// First come, first served.
    Fifo,
    /// All who are there at the start are drawn by lot; later, first come, first served.
    Lottery,
}

impl Method {
    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Lottery => "lottery",
        }
    }
}

/// How likely it is that something is left when the turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chance {
    /// Enough for everybody up to this place, as people buy.
    Likely,
    /// It may be just enough.
    Possible,
    /// Those ahead are likely to take it all.
    Unlikely,
    /// All of it is taken by those ahead.
    NoneLeft,
}

impl Chance {
    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Likely => "likely",
            Self::Possible => "possible",
            Self::Unlikely => "unlikely",
            Self::NoneLeft => "none_left",
        }
    }
}

/// A proof of work that is asked for before a number is given: a counter (decimal) such that
/// SHA-256(nonce ‖ "." ‖ counter) begins with `bits` zero bits. The next status request brings it along in
/// `X-Fluxgate-Work`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work<'a> {
    /// What the proof is for; never seen before by anybody.
    pub(crate) nonce: &'a str,
    /// How hard it is: 2^bits hashes on average, a quarter million a second on a usual device.
    pub(crate) bits: u8,
}

/// How long it is likely to take from [`Status::updated_at_ms`], in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Eta {
    /// Half of those in this place are in by then.
    pub(crate) p50: u64,
    /// Nine in ten are in by then.
    pub(crate) p90: u64,
}

/// A visitor's status. Times are milliseconds since the Unix epoch, by the server's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status<'a> {
    /// The room's id, as in its addresses.
    pub(crate) room: &'a str,
    /// Where the visitor stands.
    pub(crate) state: State,
    /// Why, if there is anything to explain.
    pub(crate) reason: Option<Reason>,
    /// Place in the line, from 1.
    pub(crate) position: Option<u64>,
    /// Living visitors before this one.
    pub(crate) ahead: Option<u64>,
    /// Living visitors after this one.
    pub(crate) behind: Option<u64>,
    /// The estimate, while an honest one can be given.
    pub(crate) eta: Option<Eta>,
    /// When to ask again, jitter included.
    pub(crate) poll_after_ms: u64,
    /// The ticket's short public code; never the token.
    pub(crate) ticket: Option<&'a str>,
    /// When the number came up.
    pub(crate) called_at_ms: Option<u64>,
    /// Until when a called visitor may come in.
    pub(crate) claim_deadline_ms: Option<u64>,
    /// When the room opens.
    pub(crate) opens_at_ms: Option<u64>,
    /// When the figures were read.
    pub(crate) updated_at_ms: u64,
    /// The order.
    pub(crate) method: Method,
    /// What the lottery's operator is bound to since before the start: a SHA-256 in hex.
    pub(crate) commitment: Option<&'a str>,
    /// How many tickets the closed list of the draw has, and its digest: `COUNT:HEX`.
    pub(crate) draw_list: Option<&'a str>,
    /// What the operator says to all who wait: plain text, at most 280 characters.
    pub(crate) message: Option<&'a str>,
    /// What stock allows to hope for, where it is known.
    pub(crate) chance: Option<Chance>,
    /// How far off the estimate was within the last hour: the median, in seconds.
    pub(crate) past_error_s: Option<u64>,
    /// The newest hash of the line's public log, in hex.
    pub(crate) log_head: Option<&'a str>,
    /// Where the place is handed over to another device, by POST; `None` hides it.
    pub(crate) handoff_url: Option<&'a str>,
    /// The work to be done first.
    pub(crate) work: Option<Work<'a>>,
}

impl<'a> Status<'a> {
    /// What is true of everybody: nothing but the room, the state and the time is known.
    pub(crate) fn of(room: &'a str, state: State, updated_at_ms: u64) -> Self {
        Self {
            room,
            state,
            reason: None,
            position: None,
            ahead: None,
            behind: None,
            eta: None,
            poll_after_ms: 30_000,
            ticket: None,
            called_at_ms: None,
            claim_deadline_ms: None,
            opens_at_ms: None,
            updated_at_ms,
            method: Method::Fifo,
            commitment: None,
            draw_list: None,
            message: None,
            chance: None,
            past_error_s: None,
            log_head: None,
            handoff_url: None,
            work: None,
        }
    }

    /// The look and the words: the state, unless the reason has its own.
    pub(crate) fn view(&self) -> &'static str {
        match self.reason {
            Some(reason) if reason.is_view() => reason.name(),
            _ => self.state.name(),
        }
    }
}

/// What became of the request that met the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It only asked to see something; asking again is the same.
    Reading,
    /// It wanted to change something (a form, an order) and was *not* carried out.
    Change,
}

/// How a page without JavaScript keeps itself up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh<'a> {
    /// By itself; `stop` is the address of the same page that does not ([`super::still_url`]).
    Itself {
        /// The address behind "stop refreshing".
        stop: &'a str,
    },
    /// Only when the visitor asks (WCAG F41).
    OnRequest,
}

/// All that one page needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit<'a> {
    /// What is said.
    pub(crate) status: Status<'a>,
    /// The room's name for people.
    pub(crate) room_name: &'a str,
    /// Where to ask.
    pub(crate) status_url: &'a str,
    /// Where a called ticket is turned into a pass, by POST.
    pub(crate) claim_url: &'a str,
    /// Where a place is given up, by POST; `None` hides the button.
    pub(crate) leave_url: Option<&'a str>,
    /// Path and query to go to when admitted, as the visitor sent them: untrusted.
    pub(crate) original: &'a str,
    /// What became of the request.
    pub(crate) held: Held,
    /// How the page refreshes without JavaScript.
    pub(crate) refresh: Refresh<'a>,
}
