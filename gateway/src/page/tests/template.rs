//! Templates of a tenant's own: what they may say, what is refused and where, and that nothing they do costs much.

use super::*;
use crate::page::html::OWN_LIMIT;
use proptest::prelude::*;

/// The least that is a page.
const LEAST: &str = "<!doctype html><html lang={{ lang }}><title>{{ title }}</title>{{ refresh }}
<h1 id=head>{{ head }}</h1><a id=enter href=\"{{ original }}\">{{ go }}</a>
<p id=say aria-live=polite></p>{{ without_script }}{{ script }}";

fn problem(source: &str) -> String {
    match Pages::compile(Some(source)) {
        Ok(_) => String::from("none"),
        Err(error) => error.to_string(),
    }
}

fn with(more: &str) -> String {
    format!("{LEAST}\n{more}")
}

#[test]
fn the_least_page_is_a_page() {
    let pages = Pages::compile(Some(LEAST)).expect("it has all that is needed");
    let page = text(&pages, Language::Korean, &visit(waiting(), "/sale/\"x"));
    assert!(page.starts_with(
        "<!doctype html><html lang=ko><title>1,204 · 대기 중 · Autumn sale</title><noscript>"
    ));
    assert!(page.contains("<a id=enter href=\"/sale/&quot;x\">"));
    let policy = pages.headers(Language::Korean, &waiting())[2]
        .1
        .to_str()
        .expect("ASCII");
    assert!(policy.contains("style-src 'none';"), "{policy}");
}

#[test]
fn a_style_of_its_own_is_named_by_the_policy() {
    let source = with(
        "<style>{{ style }} :root { --accent: #07a }</style><style>h1 { color: navy }</style>",
    );
    let pages = Pages::compile(Some(&source)).expect("it compiles");
    let page = text(&pages, Language::English, &visit(waiting(), "/"));
    let policy = pages.headers(Language::English, &waiting())[2]
        .1
        .to_str()
        .expect("ASCII");
    for style in page.split("<style>").skip(1) {
        let style = style.split("</style>").next().expect("it ends");
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&hash), "{style:.40}");
    }
}

#[test]
fn a_language_gets_its_own_text() {
    let source = with(
        "{% if lang == \"ko\" %}안녕{% else %}{% if lang != 'ko' %}Hello{% endif %}{% endif %}{# not said #}",
    );
    let pages = Pages::compile(Some(&source)).expect("it compiles");
    for (language, said) in [(Language::Korean, "\n안녕"), (Language::English, "\nHello")] {
        assert!(text(&pages, language, &visit(waiting(), "/")).ends_with(said));
    }
}

#[test]
fn mistakes_are_told_with_line_and_column() {
    let cases = [
        (
            "{{ nothing }}",
            "line 4, column 1: there is no `nothing` to show",
        ),
        (
            "가나 {{ t.nothing }}",
            "line 4, column 4: there is no `t.nothing` to show",
        ),
        ("  {{ head", "line 4, column 3: `{{` is not closed by `}}`"),
        ("{# head", "line 4, column 1: `{#` is not closed by `#}`"),
        (
            "{% if lang == \"ko\" %}",
            "line 4, column 1: this `if` has no `{% endif %}`",
        ),
        (
            "{% endif %}",
            "line 4, column 1: there is no `if` for this `endif`",
        ),
        (
            "{% if lang == ko %}{% endif %}",
            "line 4, column 1: a language stands in quotes, as in \"ko\"",
        ),
        (
            "{% for x in range(9) %}",
            "line 4, column 1: `for x in range(9)` is not known: there are `if lang == \"ko\"`, `else` and `endif`",
        ),
        ("a\u{7}", "line 4, column 2: a control character"),
        (
            "<p\n  onclick=\"x()\">",
            "line 5, column 3: `onclick` would not run: a page has one script, {{ script }}",
        ),
        (
            "<img src=\"https://cdn.test/a.png\">",
            "line 4, column 6: `src` would load something: carry it along as data:",
        ),
        (
            "<style>a{background:url( 'http://x')}</style>",
            "line 4, column 21: a style loads nothing: carry it along as data:",
        ),
        (
            "<a href={{ original }}>",
            "line 4, column 9: this value needs quotes",
        ),
    ];
    for (more, told) in cases {
        assert_eq!(problem(&with(more)), told, "{more}");
    }
}

#[test]
fn what_a_page_needs_is_asked_for() {
    let cases = [
        ("{{ script }}", "{{ script }} stands in it once"),
        (
            "{{ without_script }}",
            "{{ without_script }} stands in it once",
        ),
        ("{{ refresh }}", "{{ refresh }} stands in it once"),
        (
            " id=head",
            "something has id=\"head\": what state the visitor is in",
        ),
        (
            " aria-live=polite",
            "something has id=\"say\" and aria-live=\"polite\": what a screen reader hears",
        ),
        (
            " href=\"{{ original }}\"",
            "a link has id=\"enter\" and href=\"{{ original }}\": the way in",
        ),
    ];
    for (part, told) in cases {
        let without = LEAST.replace(part, "");
        assert_eq!(
            problem(&without),
            format!("line 1, column 1: a page needs that {told}"),
            "{part}"
        );
    }
    assert_ne!(
        problem(&with("{{ script }}")),
        "none",
        "twice is once too often"
    );
}

#[test]
fn nothing_ends_sooner_in_a_browser_than_it_says() {
    for more in [
        "<!-- --!><meta name=x> -->",
        "<!-- <!-- --><meta name=x> -->",
        "<noscript><!-- </noscript> --></noscript>",
        "<noscript><p title=\"</noscript><meta name=x>\"></p></noscript>",
        "<textarea><p title='</textarea><meta name=x>'></p></textarea>",
        "<style>a{b:image-set('http://x')}</style>",
    ] {
        assert_ne!(problem(&with(more)), "none", "{more}");
    }
}

const REFUSED: &[&str] = &[
    "<script>x</script>",
    "<SCRIPT src=data:,x></script>",
    "<iframe>",
    "<object data=x>",
    "<embed>",
    "<base href=/x>",
    "<link rel=stylesheet href=data:,>",
    "<link rel=icon href=/favicon.ico>",
    "<meta http-equiv=refresh content=1>",
    "<p style=\"color:red\">",
    "<p onfocus=x>",
    "<svg><use href=\"//cdn.test/a.svg#b\"/></svg>",
    "<svg><image xlink:href=\"https://a.test/x\"/></svg>",
    "<img srcset=\"a.png 2x\">",
    "<video poster=x>",
    "<style>@import 'a.css'</style>",
    "<style>a{b:url(//x)}</style>",
    "<style>{{ room }}</style>",
    "<style>a<b</style>",
    "<style>",
    "<a href=\" java\tscript:x\">",
    "<a href=\"javascript:x\">",
    "<form action=\"https://a.test/\">",
    "<form action=\"//a.test/\">",
    "<button formaction=\"x\">",
    "<a href=\"{{ message }}\">",
    "<a href=\"x{{ original }}\">",
    "<p title=\"{{ original }}\">",
    "<p {{ room }}>",
    "<p class={{ room }}>",
    "<{{ room }}>",
    "<p>{{ form_hidden }}</p>",
    "<!-- x",
    "<!--> x -->",
    "<p title=\"x",
    "<p",
    "1 < 2",
    "<xmp>",
    "<template>",
    "<p a\"b>",
    "<p title='{{ script }}'>",
    "<noscript><img src=x></noscript>",
    "<a ping=x>",
    "<form action='/\\x'></form>",
    "<form action='/&#47;x'></form>",
    "<a href='&#106;avascript:x'>x</a>",
    "<svg><a xlink:href='javascript:x'>x</a></svg>",
    "<a href=vbscript:x>x</a>",
    "<a href='data:text/html,x'>x</a>",
    "<form action='/\t/a.test/x'></form>",
    "<button formaction='/\n/a.test/x'></button>",
    "<svg><a><set attributeName=href to=x /></a></svg>",
    "<svg><animate attributeName=href values=x /></svg>",
    "<svg><rect fill='url(https://a.test/x#y)'/></svg>",
    "<svg><rect mask='u&#114;l(//a.test/x#y)'/></svg>",
    "<svg><style>a{fill:u&#114;l(//a.test/x)}</style></svg>",
    "<style>a{b:image('//a.test/x')}</style>",
    "<img src=data:, attributionsrc=//a.test>",
    "<link rel=stylesheet rel=icon href=data:,>",
    "<a id=enter href=\"https://a.test\">x</a>",
    "<p id=say>x</p>",
    "<textarea>",
    "<title>a<b></title>",
];

const ALLOWED: &[&str] = &[
    "<a href=\"https://help.shop.test/queue\">Help</a>",
    "<img alt=\"\" src=\"data:image/gif;base64,R0lGODlhAQABAAAAACw=\">",
    "<svg viewBox=\"0 0 8 8\"><path d=\"M0 0h8\"/><use href=\"#a\"/></svg>",
    "<style>a{b:url(data:,x)}</style>",
    "<form method=post action=\"{{ leave_url }}\"{{ leave_hidden }}><button>{{ t.leave_yes }}</button></form>",
    "<!-- a <b> --><br/><p title='{{ room }}'{{ form_hidden }}>{{ message }}</p>",
    "<link rel=icon href=\"data:,\">",
    "<svg><rect id=r fill=\"url(#r)\"/></svg>",
    "<textarea>a {{ room }} &lt;b></textarea>",
    "<style>a{&:hover{b:c}& i{b:c}}</style>",
];

#[test]
fn nothing_is_loaded_run_or_sent_elsewhere() {
    for more in REFUSED {
        assert_ne!(problem(&with(more)), "none", "{more}");
    }
    for more in ALLOWED {
        assert_eq!(problem(&with(more)), "none", "{more}");
    }
}

#[test]
fn a_hostile_template_ends_in_an_error() {
    assert_eq!(
        problem(&"x".repeat(70_000)),
        "line 1, column 1: a template has at most 65536 bytes"
    );
    // Each of these is 13 bytes long and says thousands.
    let bomb = with(&"{{ style }}".repeat(5_000));
    assert!(problem(&bomb).ends_with("the page is longer than 65536 bytes here"));
    let deep = with(&"{% if lang == \"ko\" %}".repeat(2_000));
    assert!(problem(&deep).ends_with("this `if` has no `{% endif %}`"));
    let long = with(&"x".repeat(OWN_LIMIT));
    assert!(
        problem(&long).contains("under 32000 are allowed"),
        "{}",
        problem(&long)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_template_panics(source in "([<>/a-z =\"'!-]|\\{\\{ (head|original|script|form_hidden|style|lang) \\}\\}|\\{%|%\\}|\\{#|<style>|<p |<a id=enter |가|\n){0,40}") {
        let _ = Pages::compile(Some(&source));
        let _ = Pages::compile(Some(&with(&source)));
    }
}
