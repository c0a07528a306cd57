//! What visitors and operators send stays text, and leads nowhere else.

use super::*;

#[test]
fn a_hostile_address_stays_text() {
    let hostile = "/sale/?q=\"><script>alert(1)</script>&x='</noscript><img src=x>";
    let stop = still_url("/.fluxgate/flash-sale/status", hostile);
    let status = Status {
        room: "</script><b>\u{2028}",
        ticket: Some("<i>"),
        message: Some("</p><script>alert(2)</script>\u{202e}"),
        log_head: Some("\"><b>x"),
        commitment: Some("<img src=x>"),
        work: Some(Work {
            nonce: "</script><b>",
            bits: 8,
        }),
        ..waiting()
    };
    let evil = Visit {
        room_name: "<b>&\"'",
        status_url: "\" autofocus onfocus=alert(3) x=\"status",
        refresh: Refresh::Itself { stop: &stop },
        ..visit(status, hostile)
    };
    let page = render(Language::English, &evil);
    let plain = Status {
        work: Some(Work {
            nonce: "n",
            bits: 8,
        }),
        ..waiting()
    };
    let usual = render(Language::English, &visit(plain, "/sale/"));
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
    assert!(page.contains("&lt;/p&gt;&lt;script&gt;alert(2)&lt;/script&gt;"));
    assert!(page.contains("action=\"&quot; autofocus onfocus=alert(3) x=&quot;handoff\""));
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
