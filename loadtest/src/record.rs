//! What one visitor remembers of a visit: facts with their moments, no judgement. The figures are computed
//! from these records when everybody is done.

use std::time::Duration;

use crate::clock::Moment;

/// The requests of a visit, in the order a buyer meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// First request for the protected page.
    Arrive,
    /// First status request: takes the number.
    Join,
    /// Later status requests.
    Poll,
    /// The page loaded again while waiting.
    Reload,
    /// Turning the call into a pass.
    Claim,
    /// The protected page itself.
    Product,
    /// Reserving and ordering.
    Checkout,
    /// Opening the payment window.
    Window,
    /// Paying in it.
    Pay,
    /// Back at the shop: charge and receipt.
    Receipt,
    /// Giving the seat back.
    Leave,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 11] = [
        Self::Arrive,
        Self::Join,
        Self::Poll,
        Self::Reload,
        Self::Claim,
        Self::Product,
        Self::Checkout,
        Self::Window,
        Self::Pay,
        Self::Receipt,
        Self::Leave,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrive => "arrive",
            Self::Join => "join",
            Self::Poll => "poll",
            Self::Reload => "reload",
            Self::Claim => "claim",
            Self::Product => "product",
            Self::Checkout => "checkout",
            Self::Window => "window",
            Self::Pay => "pay",
            Self::Receipt => "receipt",
            Self::Leave => "leave",
        }
    }
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Saw a receipt.
    Paid,
    /// Was told that nothing is left.
    SoldOut,
    /// Was told that the line is closed.
    Closed,
    /// Only looked.
    Looked,
    /// Went away without a word, as planned.
    Left,
    /// Met something no visitor should meet.
    Failed,
    /// The run ended first.
    OutOfTime,
}

impl Outcome {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::SoldOut => "sold out",
            Self::Closed => "closed",
            Self::Looked => "looked only",
            Self::Left => "left silently",
            Self::Failed => "failed",
            Self::OutOfTime => "out of time",
        }
    }
}

/// Something that should not have happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trouble {
    /// At which request.
    pub step: Step,
    /// Its kind; few different ones, so that they can be counted.
    pub kind: String,
    /// True when there was no answer at all: a fault injected on purpose explains only these.
    pub network: bool,
}

/// A moment of asking and the moment of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Just before the request was sent.
    pub sent: Moment,
    /// Just after the whole answer was read.
    pub answered: Moment,
}

/// A call as its visitor saw it. It holds a seat for certain from when it was seen (it bears the time at
/// which its tick began, before the tick knew which seats are free) until its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// When the number came up.
    pub call: Moment,
    /// When the visitor was first told.
    pub seen: Moment,
    /// Until when the visitor may come in.
    pub until: Moment,
}

/// One visit.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which visitor, from 0.
    pub visitor: u32,
    /// When the visit was due to begin; latencies count from here however late it was sent.
    pub due: Moment,
    /// The status request whose answer showed a place in line for the first time.
    pub joined: Option<Exchange>,
    /// When the gateway says the number came up the first time.
    pub called: Option<Moment>,
    /// The newest call.
    pub seat: Option<Seat>,
    /// The claim that made a pass.
    pub claimed: Option<Exchange>,
    /// The pass is certainly live until here: the last request that set one, plus its lifetime.
    pub pass_until: Option<Moment>,
    /// False once a poll went out much later than it was due: such a visitor may rightly be overtaken.
    pub punctual: bool,
    /// The poll whose answer took longest.
    pub slowest: Option<Exchange>,
    /// The number of people ahead as last told.
    pub ahead: Option<u64>,
    /// How often the number of people ahead was larger than before.
    pub position_rises: u32,
    /// Polite refusals (429 with `Retry-After`) that were obeyed.
    pub limited: u32,
    /// The orders this visitor opened.
    pub orders: Vec<String>,
    /// The payment shown on the receipt.
    pub payment: Option<String>,
    /// What went wrong.
    pub troubles: Vec<Trouble>,
    /// Time from when a request was due until it was answered.
    pub latencies: Vec<(Step, Duration)>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Record {
    /// The empty record of a visit that is due at `due`.
    #[must_use]
    pub fn new(visitor: u32, due: Moment) -> Self {
        Self {
            visitor,
            due,
            joined: None,
            called: None,
            seat: None,
            claimed: None,
            pass_until: None,
            punctual: true,
            slowest: None,
            ahead: None,
            position_rises: 0,
            limited: 0,
            orders: Vec::new(),
            payment: None,
            troubles: Vec::new(),
            latencies: Vec::new(),
            outcome: Outcome::OutOfTime,
        }
    }

    /// Notes that a call was told: the same one again, or a new one to somebody who missed the first.
    pub fn see_call(&mut self, call: Moment, seen: Moment, until: Moment) {
        self.called.get_or_insert(call);
        let known = self.seat.filter(|seat| seat.call == call);
        self.seat = Some(Seat {
            call,
            seen: known.map_or(seen, |seat| seat.seen),
            until,
        });
    }
}
