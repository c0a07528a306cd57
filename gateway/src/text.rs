//! Numbers, times and JSON strings as text, for what is written with every request: the general formatter costs several
//! times as much.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::time::Duration;

/// Appends a number.
pub(crate) fn push_number(out: &mut String, number: u64) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Appends `text` as a JSON string, quotes included. `<`, U+2028 and U+2029 are written as escapes,
/// so that the same bytes may stand inside a `<script>`.
pub(crate) fn push_json(out: &mut String, text: &str) {
    // Every byte is looked at and in bytes, so that many are at once.
    let odd = text.bytes().fold(0, |odd, byte| {
        odd | u8::from(byte.wrapping_sub(b' ') > b'~' - b' ')
            | u8::from(byte == b'"')
            | u8::from(byte == b'\\')
            | u8::from(byte == b'<')
    });
    if odd == 0 {
        push_word(out, text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '<' | '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes any write");
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a word of ours as a JSON string: one that is known to need no escape.
pub(crate) fn push_word(out: &mut String, word: &str) {
    out.reserve(word.len() + 2);
    out.push('"');
    out.push_str(word);
    out.push('"');
}

/// The two digits of each byte.
const HEX: [[u8; 2]; 256] = {
    let digits = *b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Writes each byte as two lower-case digits.
pub(crate) fn hex(bytes: &[u8], text: &mut [u8]) {
    for (byte, digits) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        digits.copy_from_slice(&HEX[usize::from(*byte)]);
    }
}

/// Appends a number with so many digits, zeros in front; higher digits are left out.
fn push_padded(out: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        out.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
    }
}

/// A whole second.
struct Second {
    since_epoch: u64,
    text: String,
}

impl Second {
    /// Of no second: nothing was written yet.
    const NONE: Self = Self {
        since_epoch: u64::MAX,
        text: String::new(),
    };
}

thread_local! {
    /// Thousands of times in a row lie in the same second or, being a moment old, in the one before; and a date is the
    /// dearest part of a time. The even second, and the odd one.
    static LAST: RefCell<[Second; 2]> = const { RefCell::new([Second::NONE; 2]) };
}

/// Appends a time since 1970 (UTC) as RFC 3339 says, with so many digits of its second (at most nine). One past the year
/// 9999 is shown as the last that the calendar library knows.
pub(crate) fn push_time(out: &mut String, since_epoch: Duration, digits: u32) {
    let last = u64::try_from(jiff::Timestamp::MAX.as_second()).unwrap_or(u64::MAX);
    let since_epoch = since_epoch.min(Duration::new(last, 999_999_999));
    push_second(out, since_epoch.as_secs());
    out.push('.');
    push_padded(
        out,
        since_epoch.subsec_nanos() / 10_u32.pow(9 - digits),
        digits,
    );
    out.push('Z');
}

fn push_second(out: &mut String, since_epoch: u64) {
    LAST.with_borrow_mut(|last| {
        let last = &mut last[usize::from(since_epoch % 2 == 1)];
        if last.since_epoch != since_epoch || last.text.is_empty() {
            let second = i64::try_from(since_epoch).unwrap_or(i64::MAX);
            let time = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX);
            last.text = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            last.since_epoch = since_epoch;
        }
        out.push_str(&last.text);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(push: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        push(&mut out);
        out
    }

    #[test]
    fn numbers_are_written_whole_or_with_zeros_in_front() {
        assert_eq!(
            text(|out| push_number(out, u64::MAX)),
            "18446744073709551615"
        );
        assert_eq!(text(|out| push_padded(out, 42, 6)), "000042");
        assert_eq!(text(|out| push_padded(out, 999_999, 6)), "999999");
        assert_eq!(text(|out| push_padded(out, 0, 3)), "000");
    }

    #[test]
    fn each_second_has_its_own_text() {
        for (second, told) in [
            (0, "1970-01-01T00:00:00"),
            (1_764_547_200, "2025-12-01T00:00:00"),
            (1_764_547_201, "2025-12-01T00:00:01"),
            (1_764_547_200, "2025-12-01T00:00:00"),
        ] {
            let at = Duration::new(second, 42_999_999);
            let out = text(|out| push_time(out, at, 3));
            assert_eq!(out, format!("{told}.042Z"));
        }
        let out = text(|out| push_time(out, Duration::MAX, 3));
        assert_eq!(out, "9999-12-30T22:00:00.999Z");
    }
}
