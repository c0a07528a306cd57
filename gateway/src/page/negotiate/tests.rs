use super::{
    Language::{English, Korean},
    *,
};

#[test]
fn form_follows_accept() {
    const BROWSER: &str =
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
    let cases = [
        (Some(BROWSER), None, Form::Html),
        (Some(BROWSER), Some("XMLHttpRequest"), Form::Html),
        (None, None, Form::Json),
        (Some(""), None, Form::Json),
        (Some("*/*"), None, Form::Json),
        (Some("*/*"), Some("XMLHttpRequest"), Form::Json),
        (Some("application/json"), None, Form::Json),
        (Some("application/json, text/html;q=0.9"), None, Form::Json),
        (
            Some("application/json;q=0.2, text/html;q=0.9"),
            None,
            Form::Html,
        ),
        (Some("text/html, application/json"), None, Form::Html),
        (
            Some("text/html, application/json"),
            Some("xmlhttprequest"),
            Form::Json,
        ),
        (Some("text/html;q=0, */*"), None, Form::Json),
        (Some("application/*;q=0.1, */*;q=0.5"), None, Form::Html),
        (Some("text/*, application/json;q=0.5"), None, Form::Html),
        (Some("TEXT/HTML"), None, Form::Html),
        (
            Some("text/html;charset=utf-8;q=0.3, text/html;q=0.9, application/json;q=0.5"),
            None,
            Form::Json,
        ),
        (
            Some("text/html;level=1, application/json;q=0.5"),
            None,
            Form::Json,
        ),
        (
            Some("text/html;q=7, application/json;q=0.1"),
            None,
            Form::Json,
        ),
        (
            Some("text/html;q=0.5;ext=\"a,b\", application/json;q=0.4"),
            None,
            Form::Html,
        ),
        (
            Some("a/b;p=\"x\\\", text/html\", application/json"),
            None,
            Form::Json,
        ),
        (Some("image/avif,image/webp"), None, Form::Json),
        (Some("nonsense, ;;, text/html"), None, Form::Html),
    ];
    for (accept, requested_with, expected) in cases {
        assert_eq!(
            form(Wish {
                accept,
                requested_with
            }),
            expected,
            "{accept:?} {requested_with:?}"
        );
    }
}

#[test]
fn language_follows_accept_language() {
    let cases = [
        (None, English),
        (Some("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7"), Korean),
        (Some("en-US,en;q=0.9,ko;q=0.8"), English),
        (Some("en;q=0.5, KO;q=0.6"), Korean),
        (Some("ko, en"), Korean),
        (Some("en, ko"), English),
        (Some("ja, ko;q=0.1"), Korean),
        (Some("ja"), English),
        (Some("*"), English),
        (Some("ko;q=0, *"), English),
        (Some("en;q=0, *"), Korean),
        (Some("kok"), English),
        (Some("ko;q=2, en;q=0.1"), English),
    ];
    for (accept, expected) in cases {
        assert_eq!(language(accept, English), expected, "{accept:?}");
    }
    assert_eq!(language(Some("ja, *;q=0.5"), Korean), Korean);
}
