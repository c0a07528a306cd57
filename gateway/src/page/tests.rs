use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

mod hostile;
mod json;
mod template;
mod tightening;

use super::status::{Method, Work};
use super::{negotiate::Language, *};

/// 2026-12-01T03:00:00Z, noon in Seoul.
const NOON: u64 = 1_796_094_000_000;
const LANGUAGES: [(Language, &str); 2] = [(Language::English, "en"), (Language::Korean, "ko")];

fn waiting() -> Status<'static> {
    Status {
        position: Some(1_204),
        ahead: Some(1_203),
        behind: Some(5_310),
        eta: Some(Eta {
            p50: 742,
            p90: 1_268,
        }),
        poll_after_ms: 30_250,
        ticket: Some("K7QM-2X"),
        ..Status::of("flash-sale", State::Waiting, NOON)
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
    Pages::compile(None).expect("the built-in page compiles")
}

fn render(language: Language, visit: &Visit<'_>) -> String {
    text(&compiled(), language, visit)
}

fn text(pages: &Pages, language: Language, visit: &Visit<'_>) -> String {
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
    let pages = compiled();
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
            let page = text(&pages, language, &visit(status, original));
            let view = status.view();
            assert!(
                page.contains(&format!("<html lang=\"{tag}\" class=\"{view}")),
                "{view}"
            );
            assert!(
                !between(&page, "<h1 id=head>", "</h1>").is_empty(),
                "{view}"
            );
            assert!(!between(&page, "<p id=note>", "</p>").is_empty(), "{view}");
            assert!(
                !between(&page, "<li id=rule>", "</li>").is_empty(),
                "{view}"
            );
            let explained = !between(&page, "<p class=say id=reason>", "</p>").is_empty();
            let has_own_words = reason.is_none_or(Reason::is_view);
            assert_eq!(explained, !has_own_words, "{reason:?}");
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

/// The most that a page says at once, and what its bytes go into; compiling it weighs every sample too.
#[test]
fn a_page_that_says_everything_is_under_15_kb() {
    let pages = compiled();
    for (language, tag) in LANGUAGES {
        let sizes = sample::ALL.iter().map(|sample| {
            let page = pages.body(language, &sample.visit(language, NOON));
            (page.len(), sample.name)
        });
        let (largest, name) = sizes.max().expect("there are samples");
        assert!(largest < 15_000, "{tag} {name}: {largest} bytes");
    }
}

#[test]
fn both_languages_have_the_same_words() {
    let [english, korean] = [include_str!("en.json"), include_str!("ko.json")].map(|source| {
        let words: words::Words = serde_json::from_str(source).expect("complete");
        words.page.into_keys().collect::<Vec<_>>()
    });
    assert_eq!(english, korean);
    for language in [include_str!("en.json"), include_str!("ko.json")] {
        let all: serde_json::Value = serde_json::from_str(language).expect("JSON");
        let placeholders = |path: &str, wanted: &[&str]| {
            let word = all
                .pointer(path)
                .and_then(|word| word.as_str())
                .expect("a word");
            assert!(wanted.iter().all(|wanted| word.contains(wanted)), "{word}");
        };
        placeholders("/script/by", &["{t}"]);
        placeholders("/script/say", &["{n}", "{t}"]);
        placeholders("/script/past", &["{t}"]);
        placeholders("/script/lottery/0", &["{t}"]);
        placeholders("/script/units/0", &["{n}"]);
        placeholders("/script/units/1", &["{n}"]);
    }
}

/// What a page carries along is what its next state needs.
#[test]
fn a_page_carries_the_words_for_what_comes_next() {
    let carried = |status: Status<'_>| -> serde_json::Value {
        let page = render(Language::Korean, &visit(status, "/sale/"));
        serde_json::from_str(between(&page, "id=words>", "</script>")).expect("JSON")
    };
    let states = |words: &serde_json::Value| -> Vec<String> {
        words["states"]
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    let usual = carried(waiting());
    assert_eq!(
        states(&usual),
        [
            "admitted", "called", "left", "moved", "paused", "sold_out", "waiting"
        ]
    );
    assert!(usual.get("lottery").is_none() && usual.get("work").is_none());
    let not_open = Status {
        state: State::NotOpen,
        method: Method::Lottery,
        ..waiting()
    };
    let before = carried(not_open);
    assert_eq!(
        states(&before),
        [
            "admitted", "called", "drawing", "left", "moved", "not_open", "waiting"
        ]
    );
    assert_eq!(before["lottery"].as_array().map(Vec::len), Some(2));
    let working = Status {
        reason: Some(Reason::Joining),
        work: Some(Work {
            nonce: "n",
            bits: 16,
        }),
        ..waiting()
    };
    assert_eq!(states(&carried(working)), ["joining", "left"]);
}

#[test]
fn the_policy_names_exactly_the_inline_style_and_script() {
    let pages = compiled();
    let working = Status {
        work: Some(Work {
            nonce: "n",
            bits: 16,
        }),
        ..waiting()
    };
    for ((language, tag), status) in LANGUAGES
        .into_iter()
        .flat_map(|l| [(l, waiting()), (l, working)])
    {
        let page = text(&pages, language, &visit(status, "/sale/"));
        let header = |name: &str| {
            let found = pages
                .headers(language, &status)
                .iter()
                .find(|(header, _)| header == name);
            found.expect("the header is set").1.to_str().expect("ASCII")
        };
        let hash = |source: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(source)));
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "));
        let style = hash(between(&page, "<style>", "</style>"));
        let script = hash(between(&page, "<script>", "</script>"));
        assert!(policy.contains(&format!("style-src {style};")));
        assert!(policy.contains(&format!("script-src {script};")));
        assert_eq!(policy.contains("worker-src blob:"), status.work.is_some());
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"));
        assert_eq!(page.matches("<script>").count(), 1);
        assert_eq!(page.contains("id=work>"), status.work.is_some());
        assert_eq!(header("content-language"), tag);
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert!(
            !page.contains(" style=") && !page.contains(" onclick="),
            "an inline attribute would be blocked"
        );
    }
}

#[test]
fn nothing_comes_from_elsewhere() {
    let pages = compiled();
    for (language, sample) in LANGUAGES
        .into_iter()
        .flat_map(|(l, _)| sample::ALL.iter().map(move |s| (l, s)))
    {
        let page = text(&pages, language, &sample.visit(language, NOON));
        // The one address is the name of the favicon's markup language, which nobody fetches.
        assert_eq!(
            page.matches("//").count(),
            page.matches("http://www.w3.org/2000/svg").count(),
            "{}",
            sample.name
        );
        for tag in ["src=", "@import", "url(", "<img", "<link rel=stylesheet"] {
            assert!(!page.contains(tag), "{tag} in {}", sample.name);
        }
    }
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
    assert_eq!(
        between(&still, "<noscript>", "</noscript>"),
        "<p><a href=\"/sale/\">Refresh now</a></p>"
    );
}

#[test]
fn the_page_can_be_read_without_script() {
    let page = render(Language::Korean, &visit(waiting(), "/sale/"));
    assert_eq!(
        between(&page, "<title>", "</title>"),
        "1,204 · 대기 중 · Autumn sale"
    );
    assert_eq!(between(&page, "<b id=place>", "</b>"), "1,204");
    assert_eq!(between(&page, "<b id=behind>", "</b>"), "5,310");
    assert_eq!(between(&page, "<b id=turn>", "</b>"), "약 13–22분");
    assert_eq!(
        between(&page, "<time id=updated>", "</time>"),
        "03:00:00 UTC"
    );
    assert!(page.contains("<details><summary>"));
    let called = Status {
        state: State::Called,
        claim_deadline_ms: Some(NOON + 120_000),
        ..waiting()
    };
    let called = render(Language::English, &visit(called, "/sale/"));
    assert!(called.contains("href=\"/sale/\">Enter now</a>"));
    assert_eq!(between(&called, "<b id=clock>", "</b>"), "2 min");
}

#[test]
fn a_queued_form_and_a_place_that_cannot_be_left_are_told() {
    let page = render(Language::English, &visit(waiting(), "/sale/"));
    assert!(page.contains("id=form hidden>") && page.contains("<details><summary>Leave"));
    let change = Visit {
        held: Held::Change,
        leave_url: None,
        ..visit(waiting(), "/sale/")
    };
    let page = render(Language::English, &change);
    assert!(
        page.contains("id=form>Your form was not sent.")
            && page.contains("<details hidden><summary>Leave")
    );
}
