//! The status as apps read it.

use super::*;
use crate::page::json;
use crate::page::status::Chance;

fn body(status: &Status<'_>, held: Held) -> String {
    String::from_utf8(json::body(status, held).to_vec()).expect("UTF-8")
}

#[test]
fn json_says_numbers_and_names_in_the_documented_order() {
    assert_eq!(
        body(&waiting(), Held::Reading),
        r#"{"room":"flash-sale","state":"waiting","reason":null,"position":1204,"ahead":1203,"behind":5310,"eta_seconds":{"p50":742,"p90":1268},"poll_after_ms":30250,"ticket":"K7QM-2X","claim_deadline":null,"opens_at":null,"updated_at":"2026-12-01T03:00:00.000Z","chance":null,"past_error_s":null,"work":null,"called_at":null,"method":"fifo","commitment":null,"draw_list":null,"message":null,"log_head":null,"handoff_url":null}"#
    );
    let all = Status {
        reason: Some(Reason::Drawing),
        method: Method::Lottery,
        commitment: Some("3f9a"),
        message: Some("\"안녕\"\n</script>"),
        chance: Some(Chance::NoneLeft),
        past_error_s: Some(40),
        log_head: Some("a91f"),
        handoff_url: Some("/.fluxgate/flash-sale/handoff"),
        work: Some(Work {
            nonce: "kX3v",
            bits: 18,
        }),
        ..Status::of("flash-sale", State::NotOpen, NOON)
    };
    let said = body(&all, Held::Reading);
    assert!(
        said.ends_with(
            r#""chance":"none_left","past_error_s":40,"work":{"nonce":"kX3v","bits":18},"called_at":null,"method":"lottery","commitment":"3f9a","draw_list":null,"message":"\"안녕\"\u000a\u003c/script>","log_head":"a91f","handoff_url":"/.fluxgate/flash-sale/handoff"}"#
        ),
        "{said}"
    );
}

#[test]
fn odd_values_stay_valid_json() {
    let odd = Status {
        reason: Some(Reason::StoreLost),
        called_at_ms: Some(NOON),
        claim_deadline_ms: Some(NOON + 1),
        opens_at_ms: Some(u64::MAX),
        ..Status::of("a\"\\\n<\u{2028}가", State::NotOpen, NOON)
    };
    let said = body(&odd, Held::Change);
    assert!(said.starts_with(
        r#"{"room":"a\"\\\u000a\u003c\u2028가","state":"not_open","reason":"store_lost","#
    ));
    assert!(said.ends_with(r#","request_carried_out":false}"#), "{said}");
    let parsed: serde_json::Value = serde_json::from_str(&said).expect("valid JSON");
    assert_eq!(parsed["room"], "a\"\\\n<\u{2028}가");
    assert_eq!(parsed["opens_at"], "9999-12-30T22:00:00.999Z");
    assert_eq!(parsed["claim_deadline"], "2026-12-01T03:00:00.001Z");
}

#[test]
fn the_page_is_told_what_its_script_asks_and_no_more() {
    let page = render(Language::English, &visit(waiting(), "/sale/"));
    assert_eq!(
        between(&page, "id=status>", "</script>"),
        r#"[{"room":"flash-sale","state":"waiting","position":1204,"ahead":1203,"behind":5310,"eta_seconds":{"p50":742,"p90":1268},"poll_after_ms":30250,"ticket":"K7QM-2X","updated_at":"2026-12-01T03:00:00.000Z"},"/.fluxgate/flash-sale/status","/.fluxgate/flash-sale/claim"]"#
    );
}
