use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::{negotiate::Language, *};

/// 2026-12-01T03:00:00Z, noon in Seoul.
const NOON: u64 = 1_796_094_000_000;
const LANGUAGES: [(Language, &str); 2] = [(Language::English, "en"), (Language::Korean, "ko")];

fn waiting() -> Status<'static> {
    Status {
        room: "flash-sale",
        state: State::Waiting,
        reason: None,
        position: Some(1_204),
        ahead: Some(1_203),
        behind: Some(5_310),
        eta: Some(Eta {
            p50: 742,
            p90: 1_268,
        }),
        poll_after_ms: 30_250,
        ticket: Some("K7QM-2X"),
        called_at_ms: None,
        claim_deadline_ms: None,
        opens_at_ms: None,
        updated_at_ms: NOON,
    }
}

fn visit<'a>(status: Status<'a>, original: &'a str) -> Visit<'a> {
    Visit {
        status,
        room_name: "Autumn sale",
        status_url: "/.fluxgate/flash-sale/status",
        claim_url: "/.fluxgate/flash-sale/claim",
        leave_url: Some("/.fluxgate/flash-sale/leave"),
        original,
        held: Held::Reading,
        refresh: Refresh::Itself {
            stop: "/.fluxgate/flash-sale/status?to=/sale/",
        },
    }
}

fn compiled() -> Pages {
    let pages: Result<Pages, super::html::PageError> = Pages::compile();
    pages.expect("the built-in page compiles")
}

fn render(language: Language, visit: &Visit<'_>) -> String {
    let pages = compiled();
    String::from_utf8(pages.body(language, visit).to_vec()).expect("a page is UTF-8")
}

fn between<'a>(text: &'a str, open: &str, shut: &str) -> &'a str {
    let (_, rest) = text.split_once(open).unwrap_or_else(|| panic!("no {open}"));
    rest.split_once(shut)
        .unwrap_or_else(|| panic!("no {shut} after {open}"))
        .0
}

#[test]
fn every_state_and_reason_has_its_words_in_every_language_under_15_kb() {
    let original = "/sale/autumn-collection/2026?utm_source=newsletter&utm_medium=email";
    let reasons = Reason::ALL.iter().copied().map(Some).chain([None]);
    for (state, reason) in State::ALL
        .into_iter()
        .flat_map(|state| reasons.clone().map(move |reason| (state, reason)))
    {
        let status = Status {
            state,
            reason,
            claim_deadline_ms: Some(NOON),
            opens_at_ms: Some(NOON),
            ..waiting()
        };
        for (language, tag) in LANGUAGES {
            let page = render(language, &visit(status, original));
            let view = if status.is_joining() {
                "joining"
            } else {
                state.name()
            };
            assert!(
                page.contains(&format!("<html lang=\"{tag}\" class=\"{view}\">")),
                "{view}"
            );
            assert!(
                !between(&page, "<h1 id=head>", "</h1>").is_empty(),
                "{view}"
            );
            assert!(!between(&page, "<p id=note>", "</p>").is_empty(), "{view}");
            let explained = !between(&page, "<p class=reason id=reason>", "</p>").is_empty();
            assert_eq!(
                explained,
                reason.is_some_and(|reason| reason != Reason::Joining),
                "{reason:?}"
            );
            assert!(
                page.len() < 15_000,
                "{tag} {view} {reason:?}: {} bytes",
                page.len()
            );
            assert!(
                !page.contains(['\u{1}', '\u{2}']) && !page.contains("{{"),
                "{view}"
            );
        }
    }
}

#[test]
fn both_languages_have_the_same_words() {
    let [english, korean] = [include_str!("en.json"), include_str!("ko.json")].map(|source| {
        let words: words::Words = serde_json::from_str(source).expect("complete");
        words.page.into_keys().collect::<Vec<_>>()
    });
    assert_eq!(english, korean);
}

#[test]
fn tightening_keeps_what_separates() {
    assert_eq!(
        tighten::css("/* a */\na:hover > b { margin: 0 calc(1px - var(--x)) ; content: \" { \" }"),
        "a:hover>b{margin:0 calc(1px - var(--x));content:\" { \"}"
    );
    assert_eq!(
        tighten::js(
            "// why\nconst a = \"x // y\", b = 1 + +c;\nreturn a\n  .d(b)\nlet e = '\\' g'; }\n"
        ),
        "const a=\"x // y\",b=1+ +c;return a.d(b)\nlet e='\\' g'}"
    );
    assert_eq!(
        tighten::html("<p id=\"a\">\n\n  <b class=\"c d\">e</b>\n"),
        "<p id=a><b class=\"c d\">e</b>"
    );
}

#[test]
fn the_policy_names_exactly_the_inline_style_and_script() {
    let pages = compiled();
    for (language, tag) in LANGUAGES {
        let page = render(language, &visit(waiting(), "/sale/"));
        let header = |name: &str| {
            let found = pages
                .headers(language)
                .iter()
                .find(|(header, _)| header == name);
            found.expect("the header is set").1.to_str().expect("ASCII")
        };
        let hash = |source: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(source)));
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "));
        assert!(policy.contains(&format!(
            "style-src {};",
            hash(between(&page, "<style>", "</style>"))
        )));
        assert!(policy.contains(&format!(
            "script-src {};",
            hash(between(&page, "<script>", "</script>"))
        )));
        assert_eq!(page.matches("<script>").count(), 1);
        assert_eq!(header("content-language"), tag);
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert!(
            !page.contains(" style=") && !page.contains(" onclick="),
            "an inline attribute would be blocked"
        );
    }
}

#[test]
fn a_hostile_address_stays_text() {
    let hostile = "/sale/?q=\"><script>alert(1)</script>&x='</noscript><img src=x>";
    let stop = still_url("/.fluxgate/flash-sale/status", hostile);
    let status = Status {
        room: "</script><b>\u{2028}",
        ticket: Some("<i>"),
        ..waiting()
    };
    let evil = Visit {
        room_name: "<b>&\"'",
        refresh: Refresh::Itself { stop: &stop },
        ..visit(status, hostile)
    };
    let page = render(Language::English, &evil);
    let usual = render(Language::English, &visit(waiting(), "/sale/"));
    for tag in [
        "<script",
        "</script",
        "<img",
        "<b",
        "<i",
        "</noscript",
        "<meta",
    ] {
        assert_eq!(
            page.matches(tag).count(),
            usual.matches(tag).count(),
            "{tag}"
        );
    }
    assert!(page.contains("&lt;b&gt;&amp;&quot;&#39;"));
    assert_eq!(
        between(&page, "id=enter href=\"", "\""),
        "/sale/?q=&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;x=&#39;&lt;/noscript&gt;&lt;img src=x&gt;"
    );
    assert_eq!(
        original_of_still(stop.split_once('?').expect("a query").1).as_deref(),
        Some(hostile)
    );
}

#[test]
fn the_address_to_return_to_never_leaves_the_host() {
    let cases = [
        ("/sale/?a=1&b", "/sale/?a=1&amp;b"),
        ("//evil.test/", "/.//evil.test/"),
        ("/\\evil.test", "/./\\evil.test"),
        ("https://evil.test/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.test", "/"),
        ("", "/"),
    ];
    for (sent, kept) in cases {
        let page = render(Language::English, &visit(waiting(), sent));
        assert_eq!(between(&page, "id=enter href=\"", "\""), kept, "{sent}");
        assert!(
            page.contains(&format!("content=\"31;url={kept}\">")),
            "{sent}"
        );
    }
}

#[test]
fn a_still_address_that_is_broken_has_no_original() {
    for query in ["", "from=/x", "to=%", "to=%4", "to=%zz", "to=%ff%fe"] {
        assert_eq!(original_of_still(query), None, "{query}");
    }
    assert_eq!(
        original_of_still("a=b&to=/%EA%B0%80%26c").as_deref(),
        Some("/가&c")
    );
}

#[test]
fn without_script_the_page_refreshes_no_sooner_than_a_reader_can_bear() {
    let soon = render(
        Language::English,
        &visit(
            Status {
                poll_after_ms: 1_500,
                ..waiting()
            },
            "/sale/",
        ),
    );
    assert!(
        soon.contains(
            "<noscript><meta http-equiv=\"refresh\" content=\"20;url=/sale/\"></noscript>"
        )
    );
    let still = render(
        Language::English,
        &Visit {
            refresh: Refresh::OnRequest,
            ..visit(waiting(), "/sale/")
        },
    );
    assert!(!still.contains("http-equiv"));
    assert!(between(&still, "<div class=ground>", "<footer>").contains("<noscript><p hidden>"));
}

#[test]
fn the_page_can_be_read_without_script() {
    let page = render(Language::Korean, &visit(waiting(), "/sale/"));
    assert_eq!(
        between(&page, "<title>", "</title>"),
        "1,204 · 대기 중 · Autumn sale"
    );
    assert_eq!(between(&page, "<b id=position>", "</b>"), "1,204");
    assert_eq!(between(&page, "<b id=behind>", "</b>"), "5,310");
    assert_eq!(between(&page, "<b id=turn>", "</b>"), "약 13–22분");
    assert_eq!(
        between(&page, "<time id=updated>", "</time>"),
        "03:00:00 UTC"
    );
    assert!(page.contains("<details><summary>") || page.contains("<details>\n<summary>"));
    let called = Status {
        state: State::Called,
        claim_deadline_ms: Some(NOON + 120_000),
        ..waiting()
    };
    let called = render(Language::English, &visit(called, "/sale/"));
    assert!(called.contains("href=\"/sale/\">Enter now</a>"));
    assert_eq!(between(&called, "<b id=clock>", "</b>"), "03:02 UTC");
}

#[test]
fn a_queued_form_and_a_place_that_cannot_be_left_are_told() {
    let page = render(Language::English, &visit(waiting(), "/sale/"));
    assert!(page.contains("id=form hidden>") && !page.contains("<details hidden>"));
    let change = Visit {
        held: Held::Change,
        leave_url: None,
        ..visit(waiting(), "/sale/")
    };
    let page = render(Language::English, &change);
    assert!(page.contains("id=form>Your form was not sent.") && page.contains("<details hidden>"));
    assert!(page.contains("\"request_carried_out\":false}</script>"));
}

#[test]
fn json_says_numbers_in_the_documented_order() {
    let body = |status: &Status<'_>, held| {
        String::from_utf8(json::body(status, held).to_vec()).expect("UTF-8")
    };
    assert_eq!(
        body(&waiting(), Held::Reading),
        r#"{"room":"flash-sale","state":"waiting","reason":null,"position":1204,"ahead":1203,"behind":5310,"eta_seconds":{"p50":742,"p90":1268},"poll_after_ms":30250,"ticket":"K7QM-2X","called_at":null,"claim_deadline":null,"opens_at":null,"updated_at":"2026-12-01T03:00:00.000Z"}"#
    );
    let odd = Status {
        room: "a\"\\\n<\u{2028}가",
        state: State::NotOpen,
        reason: Some(Reason::StoreLost),
        position: None,
        ahead: None,
        behind: None,
        eta: None,
        ticket: None,
        called_at_ms: Some(NOON),
        claim_deadline_ms: Some(NOON + 1),
        opens_at_ms: Some(u64::MAX),
        ..waiting()
    };
    let said = body(&odd, Held::Change);
    assert_eq!(
        said,
        r#"{"room":"a\"\\\u000a\u003c\u2028가","state":"not_open","reason":"store_lost","position":null,"ahead":null,"behind":null,"eta_seconds":null,"poll_after_ms":30250,"ticket":null,"called_at":"2026-12-01T03:00:00.000Z","claim_deadline":"2026-12-01T03:00:00.001Z","opens_at":"9999-12-30T22:00:00.999Z","updated_at":"2026-12-01T03:00:00.000Z","request_carried_out":false}"#
    );
    let parsed: serde_json::Value = serde_json::from_str(&said).expect("valid JSON");
    assert_eq!(parsed["room"], "a\"\\\n<\u{2028}가");
}
