use super::*;

fn head(headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("valid").into_parts().0
}

fn random() -> [u8; 24] {
    std::array::from_fn(|index| u8::try_from(index).expect("small"))
}

fn identify(peer: &str, headers: &[(&str, &str)]) -> Caller {
    let trusted: Vec<IpNet> = ["10.0.0.0/8", "::1/128"]
        .iter()
        .map(|net| net.parse().expect("network"))
        .collect();
    let peer = peer.parse().expect("address");
    Caller::identify(&head(headers), peer, &trusted, &random())
}

fn client(peer: &str, forwarded: &[&str]) -> String {
    let headers: Vec<(&str, &str)> = forwarded.iter().map(|f| ("x-forwarded-for", *f)).collect();
    identify(peer, &headers).client.to_string()
}

#[test]
fn the_client_is_the_rightmost_address_nobody_vouches_for() {
    assert_eq!(
        client("192.0.2.9:1", &["203.0.113.1"]),
        "192.0.2.9",
        "untrusted peer"
    );
    assert_eq!(client("10.0.0.1:1", &[]), "10.0.0.1");
    assert_eq!(client("10.0.0.1:1", &["203.0.113.1"]), "203.0.113.1");
    assert_eq!(
        client("10.0.0.1:1", &["6.6.6.6, 203.0.113.1, 10.9.9.9"]),
        "203.0.113.1"
    );
    assert_eq!(
        client("10.0.0.1:1", &["6.6.6.6", "203.0.113.1"]),
        "203.0.113.1"
    );
    assert_eq!(
        client("10.0.0.1:1", &["10.1.1.1, 10.2.2.2"]),
        "10.1.1.1",
        "all trusted"
    );
    assert_eq!(
        client("10.0.0.1:1", &["6.6.6.6, nonsense, 10.2.2.2"]),
        "10.2.2.2"
    );
    assert_eq!(
        client("[::ffff:10.0.0.1]:1", &["203.0.113.1:4711"]),
        "203.0.113.1"
    );
    assert_eq!(client("[::1]:1", &["[2001:db8::1]"]), "2001:db8::1");
}

#[test]
fn ids_and_schemes_are_taken_over_from_trusted_proxies_only() {
    let said = [("x-request-id", "abc-1"), ("x-forwarded-proto", "https")];
    let behind = identify("10.0.0.1:1", &said);
    assert_eq!(
        (behind.request_id(), behind.scheme),
        ("abc-1", Scheme::Https)
    );
    let direct = identify("192.0.2.1:1", &said);
    assert_eq!(direct.request_id(), "000102030405060708090a0b0c0d0e0f");
    assert_eq!(direct.scheme, Scheme::Http);
    for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
        let id = identify("10.0.0.1:1", &[("x-request-id", bad)]);
        assert_eq!(id.request_id().len(), 32, "{bad}");
    }
}

#[test]
fn a_trace_is_continued_with_our_span() {
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trace = identify("192.0.2.1:1", &[("traceparent", given)]).trace;
    assert!(trace.continued);
    assert_eq!(
        trace.header(),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-1011121314151617-01"
    );
}

#[test]
fn a_bad_trace_is_replaced() {
    let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    let upper = "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01";
    let long = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x";
    let forbidden = "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for bad in ["", "00", zeros, upper, long, forbidden] {
        let trace = identify("192.0.2.1:1", &[("traceparent", bad)]).trace;
        assert!(!trace.continued, "{bad}");
        let fresh = "00-000102030405060708090a0b0c0d0e0f-1011121314151617-01";
        assert_eq!(trace.header(), fresh);
    }
    let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-new";
    assert!(
        identify("192.0.2.1:1", &[("traceparent", later)])
            .trace
            .continued
    );
}
