//! Pages as the shop and the payment window write them, and pages nobody should write.

use proptest::prelude::*;

use super::*;

const PAGE: &str = r#"<!doctype html><!-- <form action="/no"> --><script>if (a < b) { "<form action='/no'>" }</script>
<form action="/sale/checkout" method="POST">
  <input type=hidden name="csrf" value="a&amp;b&#x2f;c">
  <input type="checkbox" name="gift"><input type="radio" name="size" value="270" checked>
  <button>Buy &gt; now</button></form>
<input name="outside" value="1">
<form action="/window/x?a=1&amp;b=2" method=post><input name='n' value='it > that'/>
  <button type="submit" name="action" value="pay">Pay</button>
  <button name="action" value="decline" formaction="/window/decline">No</button>
  <button type="button" name="help">?</button></form>"#;

#[test]
fn a_page_yields_the_forms_a_browser_would_submit() {
    let forms = forms(PAGE);
    assert_eq!(forms.len(), 2);
    assert_eq!(forms[0].action, "/sale/checkout");
    assert!(forms[0].posts);
    assert_eq!(
        forms[0].encode(forms[0].buttons.first()),
        "csrf=a%26b%2Fc&size=270"
    );
    let [pay, decline] = &forms[1].buttons[..] else {
        panic!("two submit buttons: {:?}", forms[1].buttons)
    };
    assert_eq!(forms[1].target(Some(pay)), "/window/x?a=1&b=2");
    assert_eq!(forms[1].encode(Some(pay)), "n=it+%3E+that&action=pay");
    assert_eq!(forms[1].target(Some(decline)), "/window/decline");
}

#[test]
fn a_refresh_is_followed_with_or_without_an_address() {
    assert_eq!(
        refresh(r#"<meta http-equiv="refresh" content="20">"#),
        Some((20, String::new()))
    );
    let page = r#"<noscript><META HTTP-EQUIV='Refresh' CONTENT='2; url=/orders/1'></noscript>"#;
    assert_eq!(refresh(page), Some((2, "/orders/1".to_owned())));
    assert_eq!(refresh("<p>done</p>"), None);
}

#[test]
fn an_id_is_read_where_the_page_shows_it() {
    let page = "<a href=/pay_now>x</a> <code>pay_01jd0000000000000000000000</code>";
    assert_eq!(
        id(page, "pay_").as_deref(),
        Some("pay_01jd0000000000000000000000")
    );
    assert_eq!(id("repay_01jd0000000000000000000000", "pay_"), None);
}

proptest! {
    #[test]
    fn no_page_breaks_the_reader(page in "[<>a-z/='\" &;!\\-가]{0,200}") {
        let _forms = forms(&page);
        let _refresh = refresh(&page);
        let _id = id(&page, "pay_");
    }
}
