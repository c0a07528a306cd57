//! An invitation that comes as a link: it goes into a cookie, and out of the address.
//!
//! Addresses are kept in histories, written into logs and told to other sites. So the invitation stands in one for a
//! single request: the answer takes it out, before any page is shown or the origin hears of it.

use http::Method;
use http::header::{HeaderValue, REFERRER_POLICY, SET_COOKIE};

use super::{Facts, reserved};
use crate::answer::Answer;
use crate::rooms::{Served, now};

/// The parameter, as in `/sale/?fg_invitation=…`.
const PARAMETER: &str = "fg_invitation=";

/// Takes an invitation out of the address, if there is one.
pub(super) fn taken_in(served: &Served, facts: &Facts<'_>) -> Option<Answer> {
    let (head, inviter) = (facts.head, served.inviter.as_ref()?);
    if !matches!(head.method, Method::GET | Method::HEAD) {
        return None;
    }
    let (text, rest) = take_out(head.uri.query()?)?;
    let path = head.uri.path();
    let address = match rest.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{rest}"),
    };
    let policy = HeaderValue::from_static("no-referrer");
    let answer = reserved::redirect(&address).with(REFERRER_POLICY, policy);
    // One that is not good here changes nothing; the room says what is missing.
    Some(match inviter.read(text, now()) {
        Ok(_) => answer.with(SET_COOKIE, served.names.invited(text, facts.caller.scheme)),
        Err(_) => answer,
    })
}

/// The invitation in a query, and the query without any.
fn take_out(query: &str) -> Option<(&str, String)> {
    let parts = || query.split('&');
    let text = parts().find_map(|part| part.strip_prefix(PARAMETER))?;
    let rest: Vec<_> = parts()
        .filter(|part| !part.starts_with(PARAMETER))
        .collect();
    Some((text, rest.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_invitation_stays_in_the_query() {
        let taken = |query| take_out(query).map(|(text, rest)| (text.to_owned(), rest));
        let took = |text: &str, rest: &str| Some((text.to_owned(), rest.to_owned()));
        assert_eq!(taken("size=42"), None);
        assert_eq!(taken("fg_invitation=abc"), took("abc", ""));
        assert_eq!(
            taken("a=1&fg_invitation=abc&b=2&fg_invitation=def"),
            took("abc", "a=1&b=2")
        );
    }
}
