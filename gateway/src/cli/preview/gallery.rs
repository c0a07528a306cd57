//! The page that shows all pages, each as on a phone.

use std::fmt::Write as _;

use super::tag;
use crate::page::negotiate::Language;
use crate::page::sample::Sample;

const STYLE: &str = "body{margin:0;padding:2rem;font:1rem/1.5 system-ui,sans-serif;background:#eceef1;color:#18212d}\
    h1{font-weight:300;margin:0 0 1.5rem}main{display:grid;gap:2.5rem;grid-template-columns:repeat(auto-fill,minmax(26rem,1fr))}\
    h2{font-size:1rem;margin:0 0 .6rem}div{display:flex;gap:1rem}a{color:inherit;display:block}\
    iframe{width:390px;height:844px;border:0;border-radius:28px;transform:scale(.5);transform-origin:0 0;\
    margin:0 -195px -422px 0;background:#fff;box-shadow:0 12px 40px #0002}";

/// The gallery; `address` tells where one page is.
pub(super) fn page(
    languages: &[Language],
    samples: &[Sample],
    address: impl Fn(Language, &str) -> String,
) -> String {
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Queue page</title><style>{STYLE}</style><h1>Queue page</h1><main>"
    );
    for sample in samples {
        write!(out, "<section><h2>{}</h2><div>", sample.name).expect("a String takes any write");
        for language in languages {
            let at = address(*language, sample.name);
            let (name, tag) = (sample.name, tag(*language));
            // The frames stand still; the link leads to the page that moves.
            let open = at.trim_end_matches("?still");
            write!(
                out,
                "<p><iframe loading=lazy title=\"{name}, {tag}\" src=\"{at}\"></iframe><a href=\"{open}\">{tag}</a></p>"
            )
            .expect("a String takes any write");
        }
        out.push_str("</div></section>");
    }
    out.push_str("</main>");
    out
}
