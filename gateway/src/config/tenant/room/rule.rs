//! Rules that take requests out before a room is asked.

use http::Method;
use http::header::HeaderName;
use ipnet::IpNet;
use policies::diagnostic::{Complaint, Diagnostics, Place};
use policies::document::{Said, Scalar};
use policies::matcher::PathPattern;
use serde::Deserialize;

use crate::config::secret::{Secret, SecretDocument};

/// A rule fits a request of which all is true that it says. It says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) address: Option<IpNet>,
    pub(crate) path: Option<PathPattern>,
    pub(crate) method: Option<Method>,
    pub(crate) header: Option<HeaderIs>,
    /// A part of the user agent, in small letters.
    pub(crate) agent: Option<String>,
}

/// A header with this very value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderIs {
    pub(crate) name: HeaderName,
    /// Compared in constant time, and never shown.
    pub(crate) value: Secret,
}

/// What becomes of a request that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Deny,
    Bypass,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleDocument {
    address: Option<Said<IpNet>>,
    path: Option<Said<PathPattern>>,
    method: Option<Said<MethodName>>,
    agent: Option<Said<String>>,
    header: Option<Said<Field>>,
    equals: Option<Said<String>>,
    secret: Option<SecretDocument>,
}

#[derive(Clone, Debug)]
struct MethodName(Method);

impl Scalar for MethodName {
    fn read(text: &str) -> Result<Self, Complaint> {
        let method = Method::from_bytes(text.as_bytes()).ok();
        let upper = method.filter(|method| method.as_str().bytes().all(|b| b.is_ascii_uppercase()));
        upper.map(Self).ok_or_else(|| {
            Complaint::new(format!("`{text}` is not a method")).hint("write it like GET or POST")
        })
    }
}

#[derive(Clone, Debug)]
struct Field(HeaderName);

impl Scalar for Field {
    fn read(text: &str) -> Result<Self, Complaint> {
        let name = text.parse().map(Self);
        name.map_err(|_| Complaint::new(format!("`{text}` is not the name of a header")))
    }
}

impl RuleDocument {
    /// Where the first of its values stands that has a place.
    fn place(&self) -> Place {
        let places = [
            self.address.as_ref().map(Said::place),
            self.path.as_ref().map(Said::place),
            self.method.as_ref().map(Said::place),
            self.agent.as_ref().map(Said::place),
            self.header.as_ref().map(Said::place),
            self.equals.as_ref().map(Said::place),
        ];
        places.into_iter().flatten().min().unwrap_or_default()
    }

    /// Whether it rests on nothing but what any client may say of itself.
    fn believes_the_client(&self) -> bool {
        self.agent.is_some() || self.equals.is_some()
    }

    fn says_nothing(&self) -> bool {
        let one = self.address.is_some() || self.path.is_some() || self.method.is_some();
        !one && self.agent.is_none() && self.header.is_none()
    }

    fn has_half_a_header(&self) -> bool {
        let values = usize::from(self.equals.is_some()) + usize::from(self.secret.is_some());
        values != usize::from(self.header.is_some())
    }
}

pub(super) fn compile(said: Vec<RuleDocument>, kind: Kind, told: &mut Diagnostics) -> Vec<Rule> {
    let compile = |document| compile_one(document, kind, told);
    said.into_iter().filter_map(compile).collect()
}

fn compile_one(said: RuleDocument, kind: Kind, told: &mut Diagnostics) -> Option<Rule> {
    let place = said.place();
    let wrong = if said.has_half_a_header() {
        let text = "a rule by header has a `header` and one of `equals` and `secret`";
        Some(Complaint::new(text))
    } else if said.says_nothing() {
        let hint = "it has at least one of address, path, method, header and agent";
        Some(Complaint::new("this rule would fit every request").hint(hint))
    } else if kind == Kind::Bypass && said.believes_the_client() {
        let hint = "write { header: NAME, secret: { file: PATH } } or an address";
        Some(Complaint::new("any client could say that to get past the room").hint(hint))
    } else {
        None
    };
    if let Some(wrong) = wrong {
        told.push(wrong.at(place));
        return None;
    }
    let equals = said.equals.and_then(|said| said.take(told));
    let value = match (equals, said.secret) {
        (Some(text), _) => Some(Secret::from_text(text)),
        (None, Some(secret)) => secret.compile(told),
        (None, None) => None,
    };
    let name = said.header.and_then(|said| said.take(told));
    let agent = said.agent.and_then(|said| said.take(told));
    let header = name.zip(value);
    Some(Rule {
        address: said.address.and_then(|said| said.take(told)),
        path: said.path.and_then(|said| said.take(told)),
        method: said
            .method
            .and_then(|said| said.take(told))
            .map(|MethodName(method)| method),
        header: header.map(|(Field(name), value)| HeaderIs { name, value }),
        agent: agent.map(|agent| agent.to_ascii_lowercase()),
    })
}
