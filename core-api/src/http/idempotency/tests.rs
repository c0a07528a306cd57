use super::*;
use http::HeaderName;

fn key(headers: &[(&'static str, &str)]) -> Result<String, Code> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), value.parse().unwrap());
    }
    Key::of(&map)
        .map(|key| key.as_str().to_owned())
        .map_err(|problem| problem.code())
}

#[test]
fn either_header_names_the_key_quoted_or_bare() {
    assert_eq!(key(&[("x-idempotency-key", "k-1")]), Ok("k-1".into()));
    assert_eq!(key(&[("idempotency-key", "\"k-1\"")]), Ok("k-1".into()));
    assert_eq!(
        key(&[("x-idempotency-key", "k-1"), ("idempotency-key", "\"k-1\"")]),
        Ok("k-1".into())
    );
}

#[test]
fn no_key_and_bad_keys_are_told_apart() {
    assert_eq!(key(&[]), Err(Code::IdempotencyKeyMissing));
    assert_eq!(
        key(&[("x-idempotency-key", "")]),
        Err(Code::IdempotencyKeyInvalid)
    );
    assert_eq!(
        key(&[("x-idempotency-key", "a"), ("idempotency-key", "b")]),
        Err(Code::IdempotencyKeyInvalid)
    );
    assert_eq!(
        key(&[("x-idempotency-key", &"k".repeat(256))]),
        Err(Code::IdempotencyKeyInvalid)
    );
}

#[test]
fn a_fingerprint_keeps_its_parts_apart() {
    let all = [
        ("ab", "c", "d"),
        ("a", "bc", "d"),
        ("a", "b", "cd"),
        ("", "abc", "d"),
    ];
    for (at, a) in all.iter().enumerate() {
        for b in &all[at + 1..] {
            assert_ne!(
                Fingerprint::of(a.0, a.1, a.2),
                Fingerprint::of(b.0, b.1, b.2)
            );
        }
    }
}
