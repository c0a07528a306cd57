//! Keeps what a visitor sent from becoming markup, script or another site's address.

use std::{borrow::Cow, fmt::Write as _};

/// Appends `text` so that it is only text, in an element or in a quoted attribute.
pub(super) fn push_html(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// `original` as an address that cannot leave this host.
///
/// A browser reads `//evil.test` and `/\evil.test` as another host; behind a `/.` both stay paths. What
/// does not start with a slash is no path at all (`javascript:…`, an absolute form) and becomes `/`.
/// Tabs and line ends, which a browser would drop before it looks, cannot be in a request's target
/// and are refused all the same.
pub(super) fn local(original: &str) -> Cow<'_, str> {
    let bytes = original.as_bytes();
    if bytes.first() != Some(&b'/') || bytes.iter().any(|b| b.is_ascii_control()) {
        return Cow::Borrowed("/");
    }
    match bytes.get(1) {
        Some(b'/' | b'\\') => Cow::Owned(format!("/.{original}")),
        _ => Cow::Borrowed(original),
    }
}

/// The address of the page that does not refresh by itself: the status address, asked for as HTML,
/// with the original address as its query (`to=`).
pub(crate) fn still_url(status_url: &str, original: &str) -> String {
    let mut url = String::with_capacity(status_url.len() + original.len() + 16);
    url.push_str(status_url);
    url.push_str("?to=");
    for byte in original.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push(char::from(byte));
            }
            _ => write!(url, "%{byte:02X}").expect("a String takes any write"),
        }
    }
    url
}

/// The original address in the query of a [`still_url`]; `None` if there is none or it is not UTF-8.
/// As untrusted as any: [`super::Visit::original`] takes it as it is.
pub(crate) fn original_of_still(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("to="))?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                bytes.push(hex(*high)? << 4 | hex(*low)?);
                rest = after;
            }
            (b'%', _) => return None,
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
