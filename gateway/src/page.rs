//! The queue page: what a visitor sees, or an app reads, while it waits.
//!
//! Plain data in, bytes out: nothing here knows the proxy or the waiting room. A page is one template
//! for every state, rendered once per language at load with holes left open ([`template`]); answering
//! is then copying a dozen prepared slices and filling the holes between them. The template carries
//! one inline style and one inline script, and the content security policy names their hashes, so
//! nothing else can run, whatever a visitor puts into the address.
//!
//! [`status`] is what is said, [`json`] says it to apps, [`html`] to people, [`negotiate`] decides
//! which, [`escape`] keeps a hostile address inert, [`tighten`] keeps the page small.

mod escape;
mod html;
pub(crate) mod json;
pub(crate) mod negotiate;
mod status;
mod template;
#[cfg(test)]
mod tests;
mod tighten;
mod words;

pub(crate) use escape::{original_of_still, still_url};
pub(crate) use html::Pages;
pub(crate) use status::{Eta, Held, Reason, Refresh, State, Status, Visit};
