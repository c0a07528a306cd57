//! Which elements and attributes a template may not have, and why.

use super::style;
use crate::page::hole::{Hole, Place};
use crate::page::template::HOLE;

/// Elements that load something, run something, or turn off the reading of tags.
pub(super) const REFUSED: [&str; 19] = [
    "animate",
    "animatemotion",
    "animatetransform",
    "applet",
    "audio",
    "base",
    "embed",
    "frame",
    "frameset",
    "iframe",
    "noembed",
    "noframes",
    "object",
    "plaintext",
    "script",
    "set",
    "template",
    "video",
    "xmp",
];
/// Attributes that make a browser fetch.
const SOURCES: [&str; 8] = [
    "attributionsrc",
    "background",
    "data",
    "imagesrcset",
    "ping",
    "poster",
    "src",
    "srcset",
];
/// Attributes that lead somewhere when something is pressed.
const LINKS: [&str; 4] = ["action", "formaction", "href", "xlink:href"];

/// What runs.
const RUNS: [&str; 2] = ["javascript:", "vbscript:"];

/// Whether a value would load something as a style does: drawings say some properties by attributes.
fn is_drawn(name: &str, value: &str) -> bool {
    let meant = value.to_ascii_lowercase();
    let is_said_otherwise = meant.contains('&') && meant.contains('(');
    style::loads(&meant).is_some() || is_said_otherwise && DRAWN.contains(&name)
}

/// Attributes of drawings whose value may be a `url(…)`.
const DRAWN: [&str; 8] = [
    "clip-path",
    "cursor",
    "fill",
    "filter",
    "marker-end",
    "marker-start",
    "mask",
    "stroke",
];

/// An attribute, as it stands.
#[derive(Debug)]
pub(super) struct Attribute<'t> {
    /// In lower case.
    pub(super) name: String,
    /// Without its quotes.
    pub(super) value: &'t str,
    /// Where it begins, in the page.
    pub(super) at: usize,
    /// Where its value begins.
    pub(super) value_at: usize,
}

/// What is wrong with this hole in this attribute.
pub(super) fn misplaced(attribute: &Attribute<'_>, hole: Hole) -> Option<String> {
    let name = attribute.name.as_str();
    let is_address = LINKS.contains(&name);
    let fits = match hole.place() {
        Place::Text => !is_address && !SOURCES.contains(&name),
        Place::Address => is_address && attribute.value == HOLE,
        Place::Tag | Place::Markup => false,
    };
    (!fits).then(|| format!("{{{{ {} }}}} does not belong into `{name}`", hole.name()))
}

/// Why this attribute may not be there; `all` are those of its element.
pub(super) fn forbidden(
    element: &str,
    attribute: &Attribute<'_>,
    all: &[Attribute<'_>],
) -> Option<String> {
    let (name, value) = (attribute.name.as_str(), attribute.value);
    // Browsers drop these before they look at an address.
    let dropped = |c: char| c.is_ascii_whitespace() || c.is_ascii_control() && c != '\u{1}';
    let address = value.replace(dropped, "").to_ascii_lowercase();
    let is_carried = address.is_empty() || address.starts_with("data:") || address.starts_with('#');
    let is_link = matches!(element, "a" | "area");
    // Browsers take `\` for `/`, and a reference for what it stands for.
    let is_odd = |c: char| matches!(c, '\\' | '&');
    let is_path = value.starts_with('/')
        && !address.starts_with("//")
        && !value.contains(is_odd)
        && !value.contains(|c: char| c.is_ascii_control());
    let is_ours = value.starts_with(HOLE) || is_path;
    let scheme = address.split(['/', '?', '#']).next().unwrap_or_default();
    let runs = RUNS.iter().any(|prefix| scheme.starts_with(prefix)) || scheme.contains('&');
    let is_icon = || {
        all.iter()
            .any(|other| other.name == "rel" && other.value.eq_ignore_ascii_case("icon"))
    };
    let problem = match name {
        _ if name.starts_with("on") => {
            return Some(format!(
                "`{name}` would not run: a page has one script, {{{{ script }}}}"
            ));
        }
        _ if SOURCES.contains(&name) && !is_carried => {
            return Some(format!(
                "`{name}` would load something: carry it along as data:"
            ));
        }
        "style" => "a `style` attribute would not apply: use a class and <style>",
        "http-equiv" => "what a header says, the gateway says; {{ refresh }} is the refresh",
        "srcdoc" => "`srcdoc` is not allowed here",
        "href" | "xlink:href" if !is_link && !is_carried => {
            "this would load something: carry it along as data:"
        }
        "href" if element == "link" && !is_icon() => "<link> is for rel=\"icon\" only",
        "href" | "xlink:href" if runs || is_link && address.starts_with("data:") => {
            "a link leads to an address, it runs nothing"
        }
        _ if is_drawn(name, value) => "a drawing loads nothing: carry it along as data:",
        "action" | "formaction" if !is_ours => "a form goes to this host only",
        _ => return None,
    };
    Some(problem.to_owned())
}
