//! Which form and which language a client asked for (RFC 9110, sections 12.4 and 12.5).
//!
//! A malformed member of a list is passed over, as if it had not been sent: a queue answer is no place
//! to argue about headers. The lists are short because the gateway limits its headers.

#[cfg(test)]
mod tests;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The queue page.
    Html,
    /// The status as JSON.
    Json,
}

/// A language that the page speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

/// What a client says about the form it wants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish<'a> {
    /// `Accept`; several lines joined by commas.
    pub(crate) accept: Option<&'a str>,
    /// `X-Requested-With`: scripts set it, navigation cannot.
    pub(crate) requested_with: Option<&'a str>,
}

/// A weight in thousandths, as RFC 9110 writes them.
type Weight = u16;

const FULL: Weight = 1000;

/// How closely a media range names a type; a closer one decides whatever the others say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Anything,
    Family,
    Exact,
    /// With `charset=utf-8`, the one parameter our answers have.
    WithParameter,
}

/// The page, for whoever wants HTML more than JSON, or equally but by name while JSON is only covered
/// by a wildcard; JSON for all others: a program that takes anything (`*/*`, no `Accept`), and one
/// that takes neither, is better served by the short answer. Scripts that say so get JSON on a tie.
pub(crate) fn form(wish: Wish<'_>) -> Form {
    let accept = wish.accept.unwrap_or("*/*");
    // The answer is the same as below; nearly all programs send one of these.
    if matches!(accept, "*/*" | "application/json") {
        return Form::Json;
    }
    let html = best(accept, "text", "html");
    let json = best(accept, "application", "json");
    let by_script = wish
        .requested_with
        .is_some_and(|with| with.eq_ignore_ascii_case("XMLHttpRequest"));
    let by_name = |found: Option<(Closeness, Weight)>| {
        found.is_some_and(|(close, _)| close >= Closeness::Exact)
    };
    let weight = |found: Option<(Closeness, Weight)>| found.map_or(0, |(_, weight)| weight);
    match weight(html).cmp(&weight(json)) {
        std::cmp::Ordering::Greater => Form::Html,
        std::cmp::Ordering::Less => Form::Json,
        std::cmp::Ordering::Equal if weight(html) == 0 => Form::Json,
        std::cmp::Ordering::Equal if by_name(html) && !by_name(json) => Form::Html,
        std::cmp::Ordering::Equal if by_name(html) && !by_script => Form::Html,
        std::cmp::Ordering::Equal => Form::Json,
    }
}

/// The language that is wanted most; of two wanted alike, the one named first; `default` when
/// neither is named or both are refused.
pub(crate) fn language(accept_language: Option<&str>, default: Language) -> Language {
    let mut korean: Option<Weight> = None;
    let mut english: Option<Weight> = None;
    let mut any: Option<Weight> = None;
    let mut korean_first = false;
    for member in members(accept_language.unwrap_or_default(), ',') {
        let mut parts = members(member, ';');
        let (Some(range), Some(weight)) = (parts.next(), weight(&mut parts)) else {
            continue;
        };
        let primary = range.split('-').next().unwrap_or_default();
        let slot = if primary.eq_ignore_ascii_case("ko") {
            korean_first |= english.is_none();
            &mut korean
        } else if primary.eq_ignore_ascii_case("en") {
            &mut english
        } else if primary == "*" {
            &mut any
        } else {
            continue;
        };
        *slot = Some(slot.unwrap_or(0).max(weight));
    }
    let (named_korean, named_english) = (korean.is_some(), english.is_some());
    let korean = korean.or(any).unwrap_or(0);
    let english = english.or(any).unwrap_or(0);
    match korean.cmp(&english) {
        std::cmp::Ordering::Greater => Language::Korean,
        std::cmp::Ordering::Less => Language::English,
        std::cmp::Ordering::Equal
            if korean == 0 || named_korean == named_english && !named_korean =>
        {
            default
        }
        std::cmp::Ordering::Equal if korean_first => Language::Korean,
        std::cmp::Ordering::Equal => Language::English,
    }
}

/// The closest media range that covers `kind/subtype`, with its weight; the heavier of two alike.
fn best(accept: &str, kind: &str, subtype: &str) -> Option<(Closeness, Weight)> {
    let mut best = None;
    for member in members(accept, ',') {
        let mut parts = members(member, ';');
        let Some((range_kind, range_subtype)) =
            parts.next().and_then(|range| range.split_once('/'))
        else {
            continue;
        };
        let mut close = if range_kind == "*" && range_subtype == "*" {
            Closeness::Anything
        } else if !range_kind.eq_ignore_ascii_case(kind) {
            continue;
        } else if range_subtype == "*" {
            Closeness::Family
        } else if range_subtype.eq_ignore_ascii_case(subtype) {
            Closeness::Exact
        } else {
            continue;
        };
        let mut parameters = parts.clone().take_while(|part| !is_weight(part));
        if let Some(parameter) = parameters.next() {
            let ours = parameter.eq_ignore_ascii_case("charset=utf-8")
                || parameter.eq_ignore_ascii_case("charset=\"utf-8\"");
            if !ours || parameters.next().is_some() {
                continue;
            }
            close = Closeness::WithParameter;
        }
        let Some(weight) = weight(&mut parts) else {
            continue;
        };
        best = best.max(Some((close, weight)));
    }
    best
}

fn is_weight(part: &str) -> bool {
    part.get(..2)
        .is_some_and(|name| name.eq_ignore_ascii_case("q="))
}

/// The weight among the parameters of a member: 1 if there is none, `None` if it is malformed.
fn weight<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Weight> {
    let Some(part) = parts.find(|part| is_weight(part)) else {
        return Some(FULL);
    };
    let digits = &part[2..];
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    let thousandths = fraction.fold(0, |sum, digit| sum * 10 + Weight::from(digit - b'0'));
    match (whole, thousandths) {
        ("0", _) => Some(thousandths),
        ("1", 0) => Some(FULL),
        _ => None,
    }
}

/// The trimmed, non-empty members of a list; a separator inside a quoted string separates nothing.
fn members(list: &str, separator: char) -> impl Iterator<Item = &str> + Clone {
    let (mut quoted, mut escaped) = (false, false);
    list.split(move |c| {
        let escapes = quoted && !escaped && c == '\\';
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = escapes;
        c == separator && !quoted
    })
    .map(str::trim)
    .filter(|member| !member.is_empty())
}
