//! Checking a record from its text alone, and saying what was found to somebody who wanted a ticket.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{Hash, RULE, Record, Secret, VERSION, tree};

/// Checks that a published record is consistent: the secret is the one committed to, the list (if it is
/// included) has this digest, and the ticket (if one is included) was in it and drew its place.
///
/// What a text cannot show is whether it says the same as the page did before the opening and at
/// closing. The report asks the reader to compare.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(text: &str) -> Result<Report, VerifyError> {
    let record = Record::from_json(text)?;
    if record.rule != RULE {
        return Err(VerifyError::Rule { found: record.rule });
    }
    let made = Secret(record.secret.0).commitment();
    if made != record.commitment {
        return Err(VerifyError::Commitment {
            shown: record.commitment,
            made,
        });
    }
    check_beacon(&record)?;
    check_list(&record)?;
    let draw = record.draw();
    if let Some(proof) = &record.proof {
        let Some(place) = draw.place(proof.index) else {
            return Err(VerifyError::NotInList {
                index: proof.index,
                count: record.count,
            });
        };
        if !proof.leads_to(&record.digest, record.count) {
            return Err(VerifyError::Path { index: proof.index });
        }
        if place != proof.place {
            return Err(VerifyError::Place {
                claimed: proof.place,
                drawn: place,
            });
        }
    }
    Ok(Report {
        seed: draw.seed(),
        record,
        shown: Shown::default(),
    })
}

fn check_beacon(record: &Record) -> Result<(), VerifyError> {
    match (&record.beacon, &record.beacon_name) {
        (Some(_), None) => Err(VerifyError::BeaconUnnamed),
        (None, Some(name)) => Err(VerifyError::BeaconMissing { name: name.clone() }),
        _ => Ok(()),
    }
}

fn check_list(record: &Record) -> Result<(), VerifyError> {
    let Some(tags) = &record.tags else {
        return Ok(());
    };
    let Some(made) = tree::digest(tags, record.count) else {
        return Err(VerifyError::Count {
            listed: tags.len(),
            count: record.count,
        });
    };
    if made != record.digest {
        return Err(VerifyError::Digest {
            shown: record.digest,
            made,
        });
    }
    Ok(())
}

/// What somebody noted of a draw before it was held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Before the pre-queue opened.
    pub commitment: Option<Hash>,
    /// When the list was closed.
    pub list: Option<ShownList>,
}

/// A closed list as the status shows it (`draw_list`): `COUNT:DIGEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownList {
    count: u32,
    digest: Hash,
}

/// This was not shown for a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a list is a number, a colon and 64 hexadecimal digits in lower case")]
pub struct ShownListError;

impl FromStr for ShownList {
    type Err = ShownListError;

    fn from_str(text: &str) -> Result<Self, ShownListError> {
        let (count, digest) = text.split_once(':').ok_or(ShownListError)?;
        Ok(Self {
            count: count.parse().map_err(|_| ShownListError)?,
            digest: digest.parse().map_err(|_| ShownListError)?,
        })
    }
}

impl fmt::Display for ShownList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.count, self.digest)
    }
}

/// A record that holds. As text it is a few lines for a buyer.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was checked.
    pub record: Record,
    /// What the order follows from.
    pub seed: Hash,
    shown: Shown,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = &self.record;
        let count = record.count;
        // Texts of the file are quoted and escaped: nothing in them can pose as a line of this report.
        writeln!(
            f,
            "The draw of {:?} for {:?} among {count} tickets is consistent.",
            record.room, record.opens_at
        )?;
        writeln!(f, "- The secret is the one committed to.")?;
        writeln!(f, "- {}", self.about_the_list())?;
        writeln!(f, "- {}", self.about_the_beacon())?;
        writeln!(f, "- The seed is {}.", self.seed)?;
        if let Some(proof) = &record.proof {
            // People count from one, the file from zero.
            let (ticket, place) = (u64::from(proof.index) + 1, u64::from(proof.place) + 1);
            writeln!(
                f,
                "- Ticket {ticket} of {count} was in the list and drew place {place}."
            )?;
        }
        writeln!(f, "Compare with what you were shown:")?;
        let noted = |is_noted: bool| if is_noted { ", as you noted it" } else { "" };
        writeln!(
            f,
            "- before the pre-queue opened: commitment {}{}",
            record.commitment,
            noted(self.shown.commitment.is_some())
        )?;
        if let Some(name) = &record.beacon_name {
            writeln!(f, "  and the public value to be used: {name:?}")?;
        }
        write!(
            f,
            "- when the list was closed: {count} tickets, digest {}{}",
            record.digest,
            noted(self.shown.list.is_some())
        )
    }
}

impl Report {
    /// Compares with what was noted at the time.
    ///
    /// # Errors
    /// When it was another draw: its holder was shown one thing, and the record says another.
    pub fn against(self, shown: Shown) -> Result<Self, VerifyError> {
        let Record {
            commitment,
            count,
            digest,
            ..
        } = self.record;
        let list = ShownList { count, digest };
        if let Some(noted) = shown.commitment.filter(|noted| *noted != commitment) {
            return Err(VerifyError::OtherCommitment { noted, commitment });
        }
        if let Some(noted) = shown.list.filter(|noted| *noted != list) {
            return Err(VerifyError::OtherList { noted, list });
        }
        Ok(Self { shown, ..self })
    }

    fn about_the_list(&self) -> &'static str {
        match self.record.tags {
            Some(_) => "The list in this file has the digest.",
            None => "The list is not in this file; its digest is taken as published.",
        }
    }

    fn about_the_beacon(&self) -> String {
        match (&self.record.beacon, &self.record.beacon_name) {
            (Some(beacon), Some(name)) => {
                let text = beacon.text().map(|text| format!(" (the text {text:?})"));
                let text = text.unwrap_or_default();
                format!("The public value {name:?} was mixed in; look it up: {beacon}{text}.")
            }
            _ => {
                "No public value was mixed in: whoever holds the keys could have added tickets at \
                  the end until the draw suited them."
                    .to_owned()
            }
        }
    }
}

/// What is wrong with a record.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// Not JSON, a member missing, unknown or given twice, or a value of another kind.
    // The parser repeats what it found: no control character of the file may reach a terminal.
    #[error("this is not the record of a draw: {}", .0.to_string().replace(char::is_control, " "))]
    Form(#[source] serde_json::Error),
    /// Written by another version.
    #[error("the record has version {found}; this program knows version {VERSION}")]
    Version {
        /// The record's.
        found: u32,
    },
    /// Drawn by another rule.
    #[error("the draw was held by version {found} of the rule; this program knows version {RULE}")]
    Rule {
        /// The record's.
        found: u32,
    },
    /// The secret was changed after it was committed to.
    #[error(
        "the secret is not the one committed to: its SHA-256 is {made}, the commitment is {shown}"
    )]
    Commitment {
        /// The record's commitment.
        shown: Hash,
        /// What the secret gives.
        made: Hash,
    },
    /// Another secret was committed to than the one that was noted.
    #[error("you noted the commitment {noted}, and the record has {commitment}")]
    OtherCommitment {
        /// What was noted.
        noted: Hash,
        /// The record's.
        commitment: Hash,
    },
    /// Another list was closed than the one that was noted.
    #[error("you noted the list {noted}, and the record has {list}")]
    OtherList {
        /// What was noted.
        noted: ShownList,
        /// The record's.
        list: ShownList,
    },
    /// A public value was used that nobody had announced.
    #[error("a public value was mixed in that has no name, so it may have been chosen to suit")]
    BeaconUnnamed,
    /// A public value was announced and not used.
    #[error("the public value {name:?} was announced but not mixed in")]
    BeaconMissing {
        /// What it was called.
        name: String,
    },
    /// The list has another length than the record says.
    #[error("the list has {listed} tags, but the record counts {count} tickets")]
    Count {
        /// Tags in the file.
        listed: usize,
        /// The record's count.
        count: u32,
    },
    /// The list is another.
    #[error("the list does not have the digest: it gives {made}, the record says {shown}")]
    Digest {
        /// The record's digest.
        shown: Hash,
        /// What the list gives.
        made: Hash,
    },
    /// The ticket came after the list was closed.
    #[error(
        "the ticket is not in the list: it has index {index}, and the list ends before {count}"
    )]
    NotInList {
        /// The ticket's.
        index: u32,
        /// The record's count.
        count: u32,
    },
    /// The ticket's tag, index or path is not that of the list.
    #[error("the ticket at index {index} is not in the list: its path does not lead to the digest")]
    Path {
        /// The ticket's.
        index: u32,
    },
    /// The ticket drew another place.
    #[error("the ticket drew place {drawn}, but the record says {claimed} (both from 0)")]
    Place {
        /// The record's.
        claimed: u32,
        /// The draw's.
        drawn: u32,
    },
}
