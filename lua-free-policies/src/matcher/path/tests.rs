use proptest::prelude::*;

use super::*;

fn normal(path: &str) -> Result<String, Ambiguous> {
    Normal::of(path).map(|normal| normal.as_str().to_owned())
}

fn fits(pattern: &str, path: &str) -> bool {
    let pattern = PathPattern::read(pattern).expect("valid pattern");
    pattern.matches(&Normal::of(path).expect("unambiguous path"))
}

#[test]
fn spellings_of_one_path_have_one_form() {
    for path in [
        "/sale/shoes",
        "/s%61le/shoes",
        "/sale///shoes",
        "/sale;v=1/shoes;x",
    ] {
        assert_eq!(normal(path).as_deref(), Ok("/sale/shoes"), "{path}");
    }
    assert_eq!(normal("/"), Ok("/".to_owned()));
    assert_eq!(normal("/sale/"), Ok("/sale/".to_owned()));
    assert_eq!(
        normal("/%ED%8C%90%EB%A7%A4/a.b"),
        Ok("/판매/a.b".to_owned())
    );
}

#[test]
fn a_plain_path_is_not_copied() {
    let path = "/api/v1/orders/ord_01?".trim_end_matches('?');
    assert!(matches!(
        Normal::of(path).expect("plain").0,
        Cow::Borrowed(_)
    ));
}

#[test]
fn paths_with_two_meanings_are_refused() {
    use Ambiguous::*;
    let cases = [
        ("sale", NotAbsolute),
        ("", NotAbsolute),
        ("//", LooksLikeHost),
        ("//a.test/sale", LooksLikeHost),
        ("///sale", LooksLikeHost),
        ("/a/../sale", DotSegment),
        ("/a/%2e%2e/sale", DotSegment),
        ("/a/.%2E/sale", DotSegment),
        ("/a/..;x/sale", DotSegment),
        ("/./sale", DotSegment),
        ("/a/.", DotSegment),
        ("/a%2fsale", HiddenSeparator),
        ("/a%5Csale", HiddenSeparator),
        ("/a%00", HiddenSeparator),
        ("/%252e%252e/sale", HiddenSeparator),
        ("/a%3bsale", HiddenSeparator),
        ("/a\\sale", ForbiddenByte),
        ("/a\tb", ForbiddenByte),
        ("/a%2", BrokenEscape),
        ("/a%zz", BrokenEscape),
        ("/a%ff", NotUtf8),
    ];
    for (path, why) in cases {
        assert_eq!(normal(path), Err(why), "{path:?}");
    }
    assert_eq!(normal("/..a/b.."), Ok("/..a/b..".to_owned()));
}

#[test]
fn patterns_match_by_segment() {
    let cases = [
        ("/sale/**", "/sale", true),
        ("/sale/**", "/sale/", true),
        ("/sale/**", "/sale/a/b", true),
        ("/sale/**", "/sales", false),
        ("/sale/**", "/", false),
        ("/**", "/", true),
        ("/**", "/x/y", true),
        ("/", "/", true),
        ("/", "/x", false),
        ("/orders/*/receipt", "/orders/7/receipt", true),
        ("/orders/*/receipt", "/orders/7/receipt/", true),
        ("/orders/*/receipt", "/orders/receipt", false),
        ("/orders/*", "/orders/7/8", false),
        ("/health", "/health", true),
        ("/health", "/Health", false),
    ];
    for (pattern, path, expected) in cases {
        assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
    }
}

#[test]
fn a_pattern_knows_what_it_hides() {
    let covers = |wide: &str, narrow: &str| {
        let read = |text| PathPattern::read(text).expect("valid pattern");
        read(wide).covers(&read(narrow))
    };
    assert!(covers("/**", "/a/*"));
    assert!(covers("/a/**", "/a/b/**"));
    assert!(covers("/a/**", "/a"));
    assert!(covers("/a/*", "/a/b"));
    assert!(!covers("/a/*", "/a/**"));
    assert!(!covers("/a/b", "/a/*"));
    assert!(!covers("/a/**", "/**"));
}

#[test]
fn bad_patterns_are_refused() {
    for bad in [
        "", "sale", "/a**", "/**/b", "/a*b", "/a//b", "/a/../b", "/a%20b", "/a;b",
    ] {
        assert!(PathPattern::read(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn normalising_never_panics_and_is_final(path in "/[\\PC%./;\\\\]{0,24}") {
        if let Ok(once) = normal(&path) {
            // The decoded text holds no further escape, so that reading it again changes nothing.
            prop_assert_eq!(normal(&once), Ok(once.clone()));
            prop_assert!(!once.contains("/../") && !once.contains("//"));
        }
    }

    #[test]
    fn escaping_letters_never_changes_the_match(word in "[a-z]{1,8}", which in 0usize..8) {
        let index = which % word.len();
        let escaped = format!("/{}%{:02x}{}/x", &word[..index], word.as_bytes()[index], &word[index + 1..]);
        let pattern = format!("/{word}/**");
        prop_assert!(fits(&pattern, &escaped));
    }

    #[test]
    fn covering_agrees_with_matching(
        wide in "(/[ab*]){0,3}(/\\*\\*)?",
        narrow in "(/[ab*]){0,3}(/\\*\\*)?",
        path in "(/[abc]){1,4}",
    ) {
        let read = |text: &str| PathPattern::read(if text.is_empty() { "/" } else { text }).expect("valid");
        let (wide, narrow) = (read(&wide), read(&narrow));
        let path = Normal::of(&path).expect("plain");
        if wide.covers(&narrow) && narrow.matches(&path) {
            prop_assert!(wide.matches(&path));
        }
    }
}
