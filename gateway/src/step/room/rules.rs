//! Requests that a room's rules take out before the room is asked: refused, or sent past it.

use http::header::{HeaderValue, USER_AGENT};

use super::Facts;
use crate::config::tenant::{HeaderIs, RoomRules, Rule};

/// What the rules say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is refused.
    Deny,
    /// It goes to the origin without a place and without the room's word.
    Bypass,
    /// The room decides.
    Room,
}

/// Refusals come first; in each list the first rule that fits decides, and order is only a matter of reading.
pub(super) fn decide(rules: &RoomRules, facts: &Facts<'_>) -> Decision {
    if rules.deny.iter().any(|rule| fits(rule, facts)) {
        Decision::Deny
    } else if rules.bypass.iter().any(|rule| fits(rule, facts)) {
        Decision::Bypass
    } else {
        Decision::Room
    }
}

/// Whether all that the rule says is true.
fn fits(rule: &Rule, facts: &Facts<'_>) -> bool {
    let head = facts.head;
    let from = |net: &ipnet::IpNet| net.contains(&facts.caller.client);
    let names_itself = |part: &String| {
        let agent = head.headers.get(USER_AGENT).map(HeaderValue::as_bytes);
        agent.is_some_and(|agent| contains(agent, part.as_bytes()))
    };
    rule.address.as_ref().is_none_or(from)
        && rule
            .path
            .as_ref()
            .is_none_or(|path| path.matches(facts.path))
        && rule
            .method
            .as_ref()
            .is_none_or(|method| *method == head.method)
        && rule.agent.as_ref().is_none_or(names_itself)
        && rule
            .header
            .as_ref()
            .is_none_or(|header| says(header, facts))
}

fn says(wanted: &HeaderIs, facts: &Facts<'_>) -> bool {
    let HeaderIs { name, value } = wanted;
    let mut values = facts.head.headers.get_all(name).iter();
    // Two are ambiguous: a rule is no place to guess.
    let (Some(said), None) = (values.next(), values.next()) else {
        return false;
    };
    value.is(said.as_bytes())
}

/// Whether `part`, in small letters, stands in `text`, whatever the case.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let mut windows = text.windows(part.len());
    windows.any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_is_found_whatever_its_case() {
        assert!(contains(b"Mozilla/5.0 (EvilBot/1)", b"evilbot"));
        assert!(contains(b"curl", b"curl"));
        assert!(!contains(b"cur", b"curl") && !contains(b"", b"curl"));
    }
}
