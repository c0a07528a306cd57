//! The small page by which a place moves to another device: an address to open there, or the question whether to.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::{self, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::escape::push_html;
use super::negotiate::Language;

/// What the page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// Open this address on the other device.
    Address(&'a str),
    /// Shall the place move here?
    Question,
    /// There is no place to move.
    NoPlace,
    /// The code is unknown, too old or was used.
    Unknown,
    /// The store does not answer.
    NotNow,
}

const STYLE: &str = "body{margin:0;min-height:100vh;display:grid;place-content:center;text-align:center;gap:1rem;\
padding:1.5rem;font:1.1rem/1.6 system-ui,sans-serif;color:#16202e;background:#f4f6f9}h1{font-size:1.5rem;margin:0}\
p{margin:0}code{font-size:1.2rem;overflow-wrap:anywhere;user-select:all}button{font:inherit;padding:.7em 1.6em;\
border:0;border-radius:2em;color:#fff;background:#1d4f91}button:focus-visible{outline:3px solid #e08a00}\
@media(prefers-color-scheme:dark){body{color:#e6ebf2;background:#111822}button{color:#111822;background:#9cc4ff}}";

/// The words of one language: heading, text, and button where there is one.
fn words(language: Language, said: Said<'_>) -> (&'static str, &'static str, &'static str) {
    match (language, said) {
        (Language::English, Said::Address(_)) => (
            "Move to another device",
            "Open this address there within five minutes. It works once.",
            "",
        ),
        (Language::Korean, Said::Address(_)) => (
            "다른 기기로 옮기기",
            "5분 안에 다른 기기에서 이 주소를 열어 주세요. 한 번만 쓸 수 있습니다.",
            "",
        ),
        (Language::English, Said::Question) => (
            "Continue here?",
            "Your place in line moves to this device. The other one loses it.",
            "Move my place here",
        ),
        (Language::Korean, Said::Question) => (
            "이 기기에서 이어서 기다릴까요?",
            "순서가 이 기기로 옮겨지고, 이전 기기에서는 사라집니다.",
            "이 기기로 옮기기",
        ),
        (Language::English, Said::NoPlace) => (
            "No place to move",
            "This device has no place in this line.",
            "",
        ),
        (Language::Korean, Said::NoPlace) => (
            "옮길 순서가 없습니다",
            "이 기기에는 대기 순서가 없습니다.",
            "",
        ),
        (Language::English, Said::Unknown) => (
            "This address no longer works",
            "It was used already, or is older than five minutes. Ask for a new one on the device that has the place.",
            "",
        ),
        (Language::Korean, Said::Unknown) => (
            "더는 쓸 수 없는 주소입니다",
            "이미 사용했거나 5분이 지났습니다. 순서가 있는 기기에서 새 주소를 받아 주세요.",
            "",
        ),
        (Language::English, Said::NotNow) => (
            "Not right now",
            "The place stays where it is. Please try again in a moment.",
            "Try again",
        ),
        (Language::Korean, Said::NotNow) => (
            "지금은 옮길 수 없습니다",
            "순서는 그대로입니다. 잠시 뒤 다시 시도해 주세요.",
            "다시 시도",
        ),
    }
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Korean => "ko",
    }
}

/// The page.
pub(crate) fn page(language: Language, room: &str, said: Said<'_>) -> String {
    let (head, text, button) = words(language, said);
    let mut out = String::with_capacity(2_048);
    out.push_str("<!doctype html><html lang=");
    out.push_str(tag(language));
    out.push_str("><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><meta name=robots content=noindex><title>");
    push_html(&mut out, head);
    out.push_str("</title><style>");
    out.push_str(STYLE);
    out.push_str("</style><main><p>");
    push_html(&mut out, room);
    out.push_str("</p><h1>");
    push_html(&mut out, head);
    out.push_str("</h1><p>");
    push_html(&mut out, text);
    out.push_str("</p>");
    if let Said::Address(url) = said {
        out.push_str("<p><code>");
        push_html(&mut out, url);
        out.push_str("</code></p>");
    }
    if !button.is_empty() {
        // To the address that was opened.
        out.push_str("<form method=post><button>");
        push_html(&mut out, button);
        out.push_str("</button></form>");
    }
    out.push_str("</main>");
    out
}

/// What goes with the page.
pub(crate) fn headers(language: Language) -> [(HeaderName, HeaderValue); 4] {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("base64 and our own ASCII are a header's");
    [
        (
            header::CONTENT_LANGUAGE,
            HeaderValue::from_static(tag(language)),
        ),
        (header::CONTENT_SECURITY_POLICY, policy),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        // The code is in the address, and no other site's business. This one's own form has to say where it comes from.
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ),
    ]
}
