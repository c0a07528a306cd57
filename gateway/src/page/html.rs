//! The page for people: every language compiled at load, filled in per visit.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use sha2::{Digest as _, Sha256};

use super::{
    check,
    escape::local,
    filling::Filling,
    hole::Hole,
    negotiate::Language,
    sample,
    status::{Method, Status, VIEWS, Visit},
    template::{self, Prepared, TemplateError, Value},
    tighten,
    words::{Begins, Words},
};

/// Bytes that a page has at most, for a visitor with an address of usual length. A crowd is sent them all at
/// once, and on a phone in a crowded street they should still come at once.
pub(crate) const PAGE_LIMIT: usize = 15_000;
/// The same for a tenant's own page, which is sent as its author wrote it.
pub(crate) const OWN_LIMIT: usize = 32_000;
/// What fills the holes is a few hundred bytes and the addresses, three times.
const USUAL_HOLES: usize = 1024;

/// The sources of the page.
const PAGE: &str = include_str!("queue.html");
const STYLE: &str = include_str!("queue.css");
const SCRIPT: &str = include_str!("queue.js");
const WORKER: &str = include_str!("work.js");
const ENGLISH: &str = include_str!("en.json");
const KOREAN: &str = include_str!("ko.json");

/// The queue page in every language. Made once, shared by all requests.
#[derive(Debug)]
pub(crate) struct Pages {
    english: Speaking,
    korean: Speaking,
}

/// The page in one language.
#[derive(Debug)]
struct Speaking {
    words: Words,
    prepared: Prepared,
    code: Code,
    headers: Headers,
    /// The same for a page that brings its worker along.
    headers_with_worker: Headers,
}

type Headers = [(HeaderName, HeaderValue); 5];

/// What the page's script slot says, exactly.
#[derive(Debug)]
pub(super) struct Code {
    /// The words that travel along, as JSON, by how the page begins.
    words: Vec<(Begins, String)>,
    pub(super) script: String,
    pub(super) worker: String,
}

impl Pages {
    /// Compiles the built-in page, or a tenant's own template.
    ///
    /// # Errors
    /// What is wrong with the template, with line and column: it does not parse, lacks what a page needs, would
    /// load something from elsewhere, or makes a page longer than [`OWN_LIMIT`]. The built-in one is tested
    /// to have none of this.
    pub(crate) fn compile(custom: Option<&str>) -> Result<Self, TemplateError> {
        let page = match custom {
            // As it is written, so that line and column are the author's.
            Some(source) => source.to_owned(),
            None => tighten::html(PAGE),
        };
        let limit = custom.map_or(PAGE_LIMIT, |_| OWN_LIMIT);
        let pages = Self {
            english: Speaking::compile("en", ENGLISH, &page)?,
            korean: Speaking::compile("ko", KOREAN, &page)?,
        };
        for language in [Language::English, Language::Korean] {
            for sample in sample::ALL {
                let length = pages
                    .body(language, &sample.visit(language, sample::NOON_MS))
                    .len();
                if length >= limit {
                    let problem = format!(
                        "the page has {length} bytes in the state {}; under {limit} are allowed",
                        sample.name
                    );
                    return Err(TemplateError::new(&page, 0, problem));
                }
            }
        }
        Ok(pages)
    }

    /// The page for one visit.
    pub(crate) fn body(&self, language: Language, visit: &Visit<'_>) -> Bytes {
        let speaking = self.speaking(language);
        let original = local(visit.original);
        let filling = Filling {
            words: &speaking.words,
            code: &speaking.code,
            visit,
            original: &original,
        };
        let code = &speaking.code;
        let extra = USUAL_HOLES
            + code.words(&visit.status).len()
            + code.script.len()
            + visit.status.work.map_or(0, |_| code.worker.len())
            + 3 * (visit.original.len() + visit.room_name.len());
        let body = speaking
            .prepared
            .fill(extra, |out, hole| filling.fill(out, hole));
        Bytes::from(body)
    }

    /// The headers that belong to the page that shows `status`: content type and language, content security
    /// policy, and that nothing is sniffed or told to other sites. Caching, `Vary` and `Retry-After` are the
    /// answer's, not the page's.
    pub(crate) fn headers(
        &self,
        language: Language,
        status: &Status<'_>,
    ) -> &[(HeaderName, HeaderValue)] {
        let speaking = self.speaking(language);
        match status.work {
            None => &speaking.headers,
            Some(_) => &speaking.headers_with_worker,
        }
    }

    fn speaking(&self, language: Language) -> &Speaking {
        match language {
            Language::English => &self.english,
            Language::Korean => &self.korean,
        }
    }
}

impl Speaking {
    fn compile(language: &'static str, words: &str, page: &str) -> Result<Self, TemplateError> {
        let words: Words =
            serde_json::from_str(words).expect("the words are tested to be complete");
        let style = tighten::css(STYLE);
        let code = Code {
            words: begins()
                .map(|begins| (begins, words.script.carried(begins)))
                .collect(),
            script: tighten::js(SCRIPT),
            worker: tighten::js(WORKER),
        };
        let pieces = template::read(page, language, |name| match name.strip_prefix("t.") {
            Some(word) => words.page.get(word).map(|word| Value::Text(word)),
            None if name == "style" => Some(Value::Text(&style)),
            None => Hole::named(name),
        })?;
        let styles = check::page(page, &pieces)?;
        Ok(Self {
            headers: headers(language, &policy(&styles, &code, "")),
            headers_with_worker: headers(language, &policy(&styles, &code, "worker-src blob:; ")),
            prepared: Prepared::new(&pieces),
            words,
            code,
        })
    }
}

impl Code {
    /// The words that a page with this status carries along.
    pub(super) fn words(&self, status: &Status<'_>) -> &str {
        let begins = Begins::of(status);
        let found = self.words.iter().find(|(known, _)| *known == begins);
        found.map_or("", |(_, words)| words)
    }
}

/// How pages begin: every one that there is.
fn begins() -> impl Iterator<Item = Begins> {
    VIEWS.into_iter().flat_map(|view| {
        [Method::Fifo, Method::Lottery]
            .into_iter()
            .flat_map(move |method| {
                [false, true].map(|works| Begins {
                    view,
                    method,
                    works,
                })
            })
    })
}

fn headers(language: &'static str, policy: &str) -> Headers {
    let policy = HeaderValue::try_from(policy).expect("base64 and our own ASCII are a header's");
    let fixed = HeaderValue::from_static;
    [
        (header::CONTENT_TYPE, fixed("text/html; charset=utf-8")),
        (header::CONTENT_LANGUAGE, fixed(language)),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (header::REFERRER_POLICY, fixed("same-origin")),
    ]
}

/// Only what the page itself carries may style it or run in it.
fn policy(styles: &[String], code: &Code, worker: &str) -> String {
    let hash = |source: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(source)));
    let mut styles: Vec<_> = styles.iter().map(|style| hash(style)).collect();
    if styles.is_empty() {
        styles.push("'none'".to_owned());
    }
    format!(
        "default-src 'none'; style-src {}; script-src {}; {worker}connect-src 'self'; img-src data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        styles.join(" "),
        hash(&code.script),
    )
}
