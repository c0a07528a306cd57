//! The shop's pages: templates that are part of the binary, one style, no script, nothing loaded
//! from elsewhere.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use minijinja::value::Value;
use minijinja::{Environment, State, context};

use crate::language::Language;
use crate::visitor::Visitor;

const TEMPLATES: [(&str, &str); 8] = [
    ("base.html", include_str!("pages/base.html")),
    ("jar.svg", include_str!("pages/jar.svg")),
    ("style.css", include_str!("pages/style.css")),
    ("home.html", include_str!("pages/home.html")),
    ("product.html", include_str!("pages/product.html")),
    ("order.html", include_str!("pages/order.html")),
    ("notice.html", include_str!("pages/notice.html")),
    ("meter.html", include_str!("pages/meter.html")),
];

/// The compiled templates.
#[derive(Debug)]
pub struct Pages {
    environment: Environment<'static>,
    policy: HeaderValue,
}

/// What a notice says: a heading, a sentence, and where to go from here.
#[derive(Clone, Copy, Debug)]
pub struct Notice {
    /// HTTP status.
    pub status: StatusCode,
    /// (Korean, English).
    pub title: (&'static str, &'static str),
    /// (Korean, English).
    pub text: (&'static str, &'static str),
    /// Address, (Korean, English).
    pub action: (&'static str, (&'static str, &'static str)),
    /// Reload by itself after this many seconds.
    pub refresh: Option<u32>,
}

impl Pages {
    /// Compiles the templates. `window_url` is the one foreign place a form may lead to: browsers
    /// apply `form-action` to redirects as well.
    pub fn new(window_url: &str) -> Self {
        let mut environment = Environment::new();
        environment.add_function("t", translate);
        environment.add_filter("won", won);
        environment.add_filter("numbered", |edition: i64| format!("{edition:03}"));
        for (name, source) in TEMPLATES {
            environment
                .add_template(name, source)
                .expect("the built-in templates compile");
        }
        let window = window_url
            .parse::<reqwest::Url>()
            .map(|url| url.origin().ascii_serialization());
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
             frame-ancestors 'none'; form-action 'self' {}",
            window.unwrap_or_default()
        );
        let policy = HeaderValue::from_str(&policy).expect("an origin is printable ASCII");
        Self {
            environment,
            policy,
        }
    }

    /// Renders a page for a visitor.
    pub fn page(&self, visitor: &Visitor, status: StatusCode, name: &str, more: Value) -> Response {
        let language = context! {
            ko => visitor.language == Language::Korean,
            lang => visitor.language.tag(),
        };
        let template = self
            .environment
            .get_template(name)
            .expect("the page is in TEMPLATES");
        let html = template
            .render(context! { ..more, ..language })
            .expect("the templates render with their contexts");
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::VARY,
            HeaderValue::from_static("Accept-Language, Cookie"),
        );
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        );
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        let opener = HeaderValue::from_static("same-origin-allow-popups");
        headers.insert("cross-origin-opener-policy", opener);
        if let Some(cookie) = visitor.set_cookie() {
            headers.insert(header::SET_COOKIE, cookie);
        }
        response
    }

    /// Renders a notice.
    pub fn notice(&self, visitor: &Visitor, notice: Notice) -> Response {
        let more = context! {
            title => notice.title,
            text => notice.text,
            href => notice.action.0,
            label => notice.action.1,
            refresh => notice.refresh,
            home => notice.status == StatusCode::FORBIDDEN,
        };
        self.page(visitor, notice.status, "notice.html", more)
    }
}

/// `t("한국어", "English")`, by the page's language.
fn translate(state: &State<'_, '_>, korean: Value, english: Value) -> Value {
    match state.lookup("ko") {
        Some(ko) if ko.is_true() => korean,
        _ => english,
    }
}

/// `189,000` of 189000.
fn won(amount: i64) -> String {
    let digits = amount.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn won_are_grouped_by_thousands() {
        for (amount, text) in [
            (100, "100"),
            (1_000, "1,000"),
            (189_000, "189,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(won(amount), text);
        }
    }

    #[test]
    fn forms_may_lead_to_the_window_and_nowhere_else() {
        let pages = Pages::new("http://pay.test:8090/window?x=1");
        let policy = pages.policy.to_str().unwrap();
        assert!(
            policy.ends_with("form-action 'self' http://pay.test:8090"),
            "{policy}"
        );
    }
}
