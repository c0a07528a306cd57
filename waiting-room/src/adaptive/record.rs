//! The limit as bytes: big-endian, fixed order and length, a form in front. It is kept in the line's
//! record.

use policies::admission::adaptive::Unit;

use super::{
    CodecError, Trouble,
    flow::Flow,
    law::{Limit, WINDOW_MOST},
};
use crate::{
    value::{Timestamp, millis},
    varint::In,
};

const FORM: u8 = 1;
const UNIT_MINUTE: u8 = 1;
const IN_TROUBLE: u8 = 2;
const WAS_SLOW: u8 = 4;
const WAS_FAILING: u8 = 8;
/// Levels and counts beyond this are nobody's.
const GREATEST: f64 = 1e12;

impl Limit {
    /// Length of the store form.
    pub const BYTES: usize = 2 + 14 * 8;

    /// The store form.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut flags = 0;
        flags |= if self.unit == Unit::PerMinute {
            UNIT_MINUTE
        } else {
            0
        };
        flags |= if self.is_in_trouble { IN_TROUBLE } else { 0 };
        flags |= match self.last_trouble {
            None => 0,
            Some(Trouble::Slow) => WAS_SLOW,
            Some(Trouble::Failing) => WAS_FAILING,
        };
        let numbers = [self.level, self.knee, self.inside, self.uncrowded];
        let flow = [self.flow.left, self.flow.stayed, self.flow.credit];
        let counts = [self.flow.inside, self.flow.called, self.window_ms];
        let times = [
            self.turned_at,
            self.judged_from,
            self.patient_until,
            self.stepped_at,
        ];
        let fields = numbers.iter().chain(&flow).map(|number| number.to_bits());
        let fields = fields.chain(counts.iter().map(|count| u64::from(*count)));
        let fields = fields.chain(times.iter().map(|time| time.0));
        let mut out = [0; Self::BYTES];
        out[0] = FORM;
        out[1] = flags;
        for (chunk, field) in out[2..].chunks_exact_mut(8).zip(fields) {
            chunk.copy_from_slice(&field.to_be_bytes());
        }
        out
    }

    /// Reads the store form.
    ///
    /// # Errors
    /// When it is not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = In(bytes);
        let limit = read(&mut input).filter(|_| input.is_empty());
        limit.ok_or(CodecError)
    }
}

fn read(input: &mut In<'_>) -> Option<Limit> {
    if input.byte()? != FORM {
        return None;
    }
    let flags = input.byte()?;
    let last_trouble = match flags & (WAS_SLOW | WAS_FAILING) {
        0 => None,
        WAS_SLOW => Some(Trouble::Slow),
        WAS_FAILING => Some(Trouble::Failing),
        _ => return None,
    };
    if flags >= 2 * WAS_FAILING {
        return None;
    }
    let [level, knee, inside, uncrowded, left, stayed, credit] = numbers(input)?;
    let [inside_now, called, window_ms] = counts(input)?;
    let limit = Limit {
        unit: match flags & UNIT_MINUTE {
            0 => Unit::Seats,
            _ => Unit::PerMinute,
        },
        level,
        knee,
        inside,
        uncrowded,
        flow: Flow {
            inside: inside_now,
            called,
            left,
            stayed,
            credit,
        },
        is_in_trouble: flags & IN_TROUBLE != 0,
        last_trouble,
        turned_at: Timestamp(input.u64()?),
        judged_from: Timestamp(input.u64()?),
        patient_until: Timestamp(input.u64()?),
        stepped_at: Timestamp(input.u64()?),
        window_ms,
    };
    let is_sound = level >= 1.0 && knee >= 1.0 && u64::from(window_ms) <= millis(WINDOW_MOST);
    is_sound.then_some(limit)
}

fn numbers<const N: usize>(input: &mut In<'_>) -> Option<[f64; N]> {
    let mut read = [0.0; N];
    for number in &mut read {
        *number = f64::from_bits(input.u64()?);
        if !(0.0..=GREATEST).contains(number) {
            return None;
        }
    }
    Some(read)
}

fn counts<const N: usize>(input: &mut In<'_>) -> Option<[u32; N]> {
    let mut read = [0; N];
    for count in &mut read {
        *count = u32::try_from(input.u64()?).ok()?;
    }
    Some(read)
}
