//! What operators and origins have said about a running room: orders, kept in the store for the whole fleet.
//!
//! Each order has a place of its own ([`Word::place`]): a newer one replaces the older in the same place, whichever
//! gateway it was given to. Taking something back is an order too (`Pause { on: false }`), so that the line's log
//! can name who did it. Orders are JSON: people read them, and they are few.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    store::GatewayId,
    value::{Number, Timestamp},
};

/// Longest text of an operator, in characters.
pub const LONGEST_TEXT: usize = 280;
/// Longest name of an operator, in characters.
pub const LONGEST_NAME: usize = 64;
/// Most tickets that may be waiting to be called first.
pub const MOST_FIRST: usize = 100;
/// Longest public value of a lottery, in bytes.
pub const LONGEST_BEACON: usize = 1_024;

/// Something said about a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Random: tells two orders apart.
    pub id: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// Who.
    pub by: String,
    /// What.
    pub word: Word,
}

/// Where each gateway keeps what an origin's answer said is left, before its own name; operators' words are elsewhere.
pub(crate) const STOCK_OF_GATEWAY: &str = "stock:";

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub enum Word {
    /// Call nobody, or go on.
    Pause {
        /// Whether it stands.
        on: bool,
    },
    /// Serve those who wait and take nobody new, or take new ones again.
    Drain {
        /// Whether it stands.
        on: bool,
    },
    /// Other limits than the file's; none given: the file's again.
    Tune {
        /// Most visitors inside.
        active: Option<NonZeroU32>,
        /// Most calls in a minute.
        per_minute: Option<NonZeroU32>,
        /// Until when, in milliseconds since the Unix epoch.
        until: Option<u64>,
    },
    /// Show a text on the page; an empty one: none.
    Announce {
        /// Plain text.
        text: String,
    },
    /// So many units are left to sell; `None`: not known.
    Stock {
        /// How many.
        remaining: Option<u64>,
    },
    /// Call this ticket before all others.
    First {
        /// Its number.
        number: u64,
        /// Why; stands in the public log.
        reason: String,
    },
    /// The public value of a lottery.
    Beacon {
        /// The opening that names the lottery, in milliseconds since the Unix epoch.
        opens_at: u64,
        /// The value as text.
        value: String,
    },
}

/// Why an order is not taken. The caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OrderError {
    /// Too long.
    #[error("`{what}` is longer than {most} characters")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// How long it may be.
        most: usize,
    },
    /// Says nothing.
    #[error("`{what}` is missing")]
    Missing {
        /// Which text.
        what: &'static str,
    },
    /// Would end before it begins.
    #[error("`until` is in the past")]
    Past,
    /// Something that would break a log or a page, or make it read otherwise.
    #[error("`{what}` holds a control character")]
    Control {
        /// Which text.
        what: &'static str,
    },
}

impl Order {
    /// Checks an order.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(id: u64, at: Timestamp, by: &str, word: Word) -> Result<Self, OrderError> {
        text("by", by, LONGEST_NAME)?;
        if by.trim().is_empty() {
            return Err(OrderError::Missing { what: "by" });
        }
        match &word {
            Word::Announce { text: said } => text("text", said, LONGEST_TEXT)?,
            Word::First { reason, .. } => {
                text("reason", reason, LONGEST_TEXT)?;
                if reason.trim().is_empty() {
                    return Err(OrderError::Missing { what: "reason" });
                }
            }
            Word::Beacon { value, .. } => {
                text("value", value, LONGEST_BEACON)?;
                if value.len() > LONGEST_BEACON {
                    return Err(OrderError::TooLong {
                        what: "value",
                        most: LONGEST_BEACON,
                    });
                }
                if value.is_empty() {
                    return Err(OrderError::Missing { what: "value" });
                }
            }
            Word::Tune {
                until: Some(until), ..
            } if *until <= at.0 => return Err(OrderError::Past),
            Word::Tune { .. } | Word::Pause { .. } | Word::Drain { .. } | Word::Stock { .. } => {}
        }
        Ok(Self {
            id,
            at: at.0,
            by: by.to_owned(),
            word,
        })
    }

    /// Whether it has an effect at `now`: one that takes another back is kept, and stands for nothing.
    #[must_use]
    pub fn stands(&self, now: Timestamp) -> bool {
        match &self.word {
            Word::Pause { on } | Word::Drain { on } => *on,
            Word::Tune {
                active,
                per_minute,
                until,
            } => {
                let is_over = until.is_some_and(|until| until <= now.0);
                !is_over && (active.is_some() || per_minute.is_some())
            }
            Word::Announce { text } => !text.trim().is_empty(),
            Word::Stock { remaining } => remaining.is_some(),
            Word::First { .. } | Word::Beacon { .. } => true,
        }
    }

    /// The order in store form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers are always JSON")
    }
}

fn text(what: &'static str, said: &str, most: usize) -> Result<(), OrderError> {
    if said.chars().count() > most {
        return Err(OrderError::TooLong { what, most });
    }
    if said
        .chars()
        .any(|letter| letter.is_control() || reorders(letter))
    {
        return Err(OrderError::Control { what });
    }
    Ok(())
}

/// Whether a character changes the direction of those around it: a text could read as another (UAX 9, section 2).
fn reorders(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Word {
    /// Whether the first word counts, and no later one.
    #[must_use]
    pub fn counts_once(&self) -> bool {
        matches!(self, Self::Beacon { .. })
    }

    /// Where the order is kept; a newer one there replaces it.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Pause { .. } => "pause".into(),
            Self::Drain { .. } => "drain".into(),
            Self::Tune { .. } => "tune".into(),
            Self::Announce { .. } => "announce".into(),
            Self::Stock { .. } => "stock".into(),
            Self::First { number, .. } => format!("first:{number}"),
            Self::Beacon { opens_at, .. } => format!("beacon:{opens_at}"),
        }
    }
}

/// All that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// In the order of their places.
    all: Vec<(String, Order)>,
}

impl Orders {
    /// Reads them back. One that this version cannot read is passed over: a newer gateway gave it.
    #[must_use]
    pub fn read(stored: &[(String, Vec<u8>)]) -> Self {
        let mut all: Vec<_> = stored
            .iter()
            .filter_map(|(place, bytes)| Some((place.clone(), serde_json::from_slice(bytes).ok()?)))
            .collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { all }
    }

    /// Every order with its place.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Order)> {
        self.all
            .iter()
            .map(|(place, order)| (place.as_str(), order))
    }

    /// Those that have an effect at `now`; of several words about the stock the newest.
    pub fn standing(&self, now: Timestamp) -> impl Iterator<Item = &Order> {
        let is_stock = |order: &Order| matches!(order.word, Word::Stock { .. });
        let all = || self.all.iter().map(|(_, order)| order);
        let newest = all().filter(|order| is_stock(order)).map(|order| order.at);
        let newest = newest.max();
        all().filter(move |order| {
            let is_older = is_stock(order) && Some(order.at) < newest;
            order.stands(now) && !is_older
        })
    }

    fn words(&self) -> impl Iterator<Item = &Word> {
        self.all.iter().map(|(_, order)| &order.word)
    }

    /// Whether the operator has paused the line.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.words()
            .any(|word| matches!(word, Word::Pause { on: true }))
    }

    /// Whether nobody new is taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.words()
            .any(|word| matches!(word, Word::Drain { on: true }))
    }

    /// The limits in place of the file's at `now`.
    #[must_use]
    pub fn tuned(&self, now: Timestamp) -> Option<(Option<NonZeroU32>, Option<NonZeroU32>)> {
        self.standing(now).find_map(|order| match order.word {
            Word::Tune {
                active, per_minute, ..
            } => Some((active, per_minute)),
            _ => None,
        })
    }

    /// The text on the page.
    #[must_use]
    pub fn announced(&self) -> Option<&str> {
        self.words().find_map(|word| match word {
            Word::Announce { text } if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
    }

    /// Without the stock that origins said before the present sale began, and all that was said before them: it was of
    /// another sale, and where nothing was left of that nobody would ever come in to hear better.
    #[must_use]
    pub(crate) fn of_a_sale_since(mut self, began: Timestamp) -> Self {
        let is_stock = |order: &Order| matches!(order.word, Word::Stock { .. });
        let said_before = |place: &str, order: &Order| {
            is_stock(order) && place.starts_with(STOCK_OF_GATEWAY) && order.at < began.0
        };
        let old = self
            .all
            .iter()
            .filter(|(place, order)| said_before(place, order));
        if let Some(last) = old.map(|(_, order)| order.at).max() {
            self.all
                .retain(|(_, order)| !is_stock(order) || order.at > last);
        }
        self
    }

    /// What is left to sell, by whoever said so last.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        let stocks = self.all.iter().filter_map(|(_, order)| match order.word {
            Word::Stock { remaining } => Some((order.at, remaining)),
            _ => None,
        });
        stocks
            .max_by_key(|(at, _)| *at)
            .and_then(|(_, remaining)| remaining)
    }

    /// The places of gateways' words on the stock that are not the last of them, each with its gateway.
    pub(crate) fn older_stocks(&self) -> impl Iterator<Item = (&str, GatewayId)> {
        let of_gateway = |(place, order): &'_ (String, Order)| {
            let gateway = place.strip_prefix(STOCK_OF_GATEWAY)?;
            let gateway = u64::from_str_radix(gateway, 16).ok()?;
            Some((GatewayId(gateway), order.at))
        };
        let newest = self
            .all
            .iter()
            .filter_map(of_gateway)
            .map(|(_, at)| at)
            .max();
        self.all.iter().filter_map(move |entry| {
            let (gateway, at) = of_gateway(entry)?;
            (Some(at) < newest).then_some((entry.0.as_str(), gateway))
        })
    }

    /// The tickets to be called first, in the order in which that was said.
    #[must_use]
    pub fn firsts(&self) -> Vec<(Number, &Order)> {
        let mut firsts: Vec<_> = self
            .all
            .iter()
            .filter_map(|(_, order)| match order.word {
                Word::First { number, .. } => Some((Number(number), order)),
                _ => None,
            })
            .collect();
        firsts.sort_by_key(|(_, order)| (order.at, order.id));
        firsts.truncate(MOST_FIRST);
        firsts
    }

    /// The public value of the lottery that opens at `opens_at`.
    #[must_use]
    pub fn beacon(&self, opens_at: Timestamp) -> Option<&str> {
        self.words().find_map(|word| match word {
            Word::Beacon {
                opens_at: of,
                value,
            } if *of == opens_at.0 => Some(value.as_str()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
