//! The queue page: what a visitor sees, or an app reads, while it waits.
//!
//! Plain data in, bytes out: nothing here knows the proxy or the waiting room. A page is one template
//! for every state, the built-in one or a tenant's own, read once per language at load with holes left open
//! ([`template`]); answering is then copying a few dozen prepared slices and filling the holes between them
//! ([`filling`]). The page carries its style and its one script, and the content security policy names their
//! hashes, so nothing else can run, whatever a visitor puts into the address.
//!
//! [`status`] is what is said, [`json`] says it to apps, [`html`] to people, [`negotiate`] decides
//! which, [`escape`] keeps a hostile address inert, [`check`] a template of somebody else's, [`tighten`]
//! keeps the page small. [`sample`] has one visit of every kind.

mod check;
mod escape;
mod filling;
mod hole;
mod html;
pub(crate) mod json;
pub(crate) mod moving;
pub(crate) mod negotiate;
pub(crate) mod sample;
mod status;
mod template;
#[cfg(test)]
mod tests;
mod tighten;
mod words;

pub(crate) use escape::{original_of_still, still_url};
pub(crate) use html::Pages;
pub(crate) use status::Chance;
pub(crate) use status::{Eta, Held, Method, Reason, Refresh, State, Status, Visit, Work};
pub(crate) use template::{LIMIT, TemplateError};
