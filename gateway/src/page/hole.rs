//! Where two pages of one language differ, by the names that a template uses.

use super::template::Value;

macro_rules! holes {
    ($($name:literal $hole:ident,)*) => {
        /// What is filled in per visit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Hole {
            $($hole,)*
        }

        impl Hole {
            /// Each hole by its name.
            const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$hole),)*];
        }
    };
}

holes! {
    "ahead" Ahead,
    "behind" Behind,
    "chance" Chance,
    "clock" Clock,
    "commitment" Commitment,
    "form_hidden" FormHidden,
    "go" Go,
    "handoff_url" HandoffUrl,
    "head" Head,
    "leave_hidden" LeaveHidden,
    "leave_url" LeaveUrl,
    "log" Log,
    "log_url" LogUrl,
    "lottery_url" LotteryUrl,
    "message" Message,
    "move_hidden" MoveHidden,
    "note" Note,
    "opens" Opens,
    "original" Original,
    "past" Past,
    "position" Position,
    "reason" Reason,
    "refresh" Refresh,
    "room" Room,
    "rule" Rule,
    "script" Script,
    "seal" Seal,
    "seal_hidden" SealHidden,
    "ticket" Ticket,
    "title" Title,
    "turn" Turn,
    "updated" Updated,
    "view" View,
    "without_script" WithoutScript,
}

/// Where in a page a hole may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where text stands, or within a quoted attribute that is no address.
    Text,
    /// As the whole of an address: `href="{{ … }}"`.
    Address,
    /// Between the attributes of a tag.
    Tag,
    /// Between tags: it is markup itself.
    Markup,
}

impl Hole {
    /// What a name in a template stands for.
    pub(super) fn named<'v>(name: &str) -> Option<Value<'v>> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, hole)| Value::Hole(*hole))
    }

    /// The name.
    pub(super) fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, hole)| *hole == self);
        found.map_or("", |(name, _)| name)
    }

    pub(super) fn place(self) -> Place {
        match self {
            Self::HandoffUrl
            | Self::LeaveUrl
            | Self::LogUrl
            | Self::LotteryUrl
            | Self::Original => Place::Address,
            Self::FormHidden | Self::LeaveHidden | Self::MoveHidden | Self::SealHidden => {
                Place::Tag
            }
            Self::Refresh | Self::Script | Self::WithoutScript => Place::Markup,
            _ => Place::Text,
        }
    }
}
