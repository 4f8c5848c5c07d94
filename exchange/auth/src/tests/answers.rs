use std::sync::Arc;

use catalog_core::Timestamp;
use exchange_crypto::{Digest, SigningKey};
use http::{HeaderMap, Method, StatusCode};

use super::fake::Fake;
use super::{BASE, NOW};
use crate::*;

const BODY: &[u8] = b"{\"rows\":[]}";

struct Exchange {
    platform: SigningKey,
    sent: RequestBinding,
    headers: HeaderMap,
}

/// A signed request and its signed answer.
fn exchange() -> Exchange {
    exchange_with("")
}

/// The same where somebody adds parameters to the signature of the request.
fn exchange_with(parameters: &str) -> Exchange {
    let fake = Arc::new(Fake::default());
    let (platform, _) = SigningKey::generate().unwrap();
    let (mut parts, ()) = http::Request::get("/x?y").body(()).unwrap().into_parts();
    let address = format!("{BASE}/x?y");
    let key = fake.department();
    let mut sent = sign_request(&key, &Method::GET, &address, &mut parts.headers, None, NOW).unwrap();
    if !parameters.is_empty() {
        let signature = format!("{}{parameters}", parts.headers["signature"].to_str().unwrap());
        parts.headers.insert("signature", signature.parse().unwrap());
        sent = RequestBinding::new(&Method::GET, &address, &parts.headers).unwrap();
    }
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert(RECEIPT_FIELD, "0198".parse().unwrap());
    headers.insert("link", "</x?cursor=a>; rel=\"next\"".parse().unwrap());
    let received = fake.authenticator().binding(&parts, &Presented::of(&parts.headers));
    sign_response(&platform, &received, StatusCode::OK, &mut headers, Some(&Digest::of(BODY)), NOW).unwrap();
    Exchange { platform, sent, headers }
}

impl Exchange {
    fn verify(&self, status: StatusCode, body: &[u8], now: Timestamp) -> Result<String, AuthError> {
        let public = self.platform.public();
        let keys = |id: &str, _: Timestamp| (id == public.id()).then_some(public);
        verify_response(keys, &self.sent, status, &self.headers, Some(&Digest::of(body)), now)
    }
}

#[test]
fn an_answer_is_proven_for_its_request() {
    let exchange = exchange();
    assert_eq!(exchange.verify(StatusCode::OK, BODY, NOW), Ok(exchange.platform.public().id()));
    let input = exchange.headers["signature-input"].to_str().unwrap();
    for covered in [
        "\"@status\"",
        "\"content-type\"",
        "\"content-digest\"",
        "\"shuqiao-receipt\"",
        "\"@method\";req",
        "\"@target-uri\";req",
        "\"signature\";req;key=\"sig1\"",
    ] {
        assert!(input.contains(covered), "{covered}");
    }
}

/// A member of a dictionary is covered with its parameters (RFC 9421 section 2.1.2).
#[test]
fn a_signature_with_parameters_is_covered_with_them() {
    let exchange = exchange_with(";v=1");
    assert!(exchange.verify(StatusCode::OK, BODY, NOW).is_ok());
}

#[test]
fn an_answer_to_another_request_is_refused() {
    let mut one = exchange();
    one.sent = exchange().sent;
    assert!(matches!(one.verify(StatusCode::OK, BODY, NOW), Err(AuthError::WrongSignature { .. })));
}

/// What the platform signed for an unsigned request to the same address must not pass for the answer to a signed one,
/// and a field that is added on the way must not pass for the platform's.
#[test]
fn an_answer_that_covers_less_is_refused() {
    let mut exchange = exchange();
    let mut headers = HeaderMap::new();
    let unsigned = RequestBinding::new(&Method::GET, &format!("{BASE}/x?y"), &headers).unwrap();
    sign_response(&exchange.platform, &unsigned, StatusCode::OK, &mut headers, Some(&Digest::of(BODY)), NOW)
        .unwrap();
    exchange.headers = headers;
    assert!(matches!(exchange.verify(StatusCode::OK, BODY, NOW), Err(AuthError::NotCovered(_))));
    exchange.sent = unsigned;
    exchange.verify(StatusCode::OK, BODY, NOW).unwrap();
    exchange.headers.insert(RECEIPT_FIELD, "0198".parse().unwrap());
    assert!(matches!(exchange.verify(StatusCode::OK, BODY, NOW), Err(AuthError::NotCovered(_))));
}

#[test]
fn changed_answers_are_refused() {
    let answer = exchange();
    assert!(answer.verify(StatusCode::NOT_FOUND, BODY, NOW).is_err());
    assert_eq!(answer.verify(StatusCode::OK, b"other", NOW), Err(AuthError::WrongBody));
    assert!(matches!(
        answer.verify(StatusCode::OK, BODY, NOW.plus_seconds(61)),
        Err(AuthError::ClockSkew { .. })
    ));
    for name in ["content-type", "content-digest", "shuqiao-receipt", "link"] {
        let mut changed = exchange();
        changed.headers.insert(name, digest_field(&Digest::of(b"other")).parse().unwrap());
        assert!(changed.verify(StatusCode::OK, BODY, NOW).is_err(), "{name}");
        let mut removed = exchange();
        removed.headers.remove(name);
        assert!(removed.verify(StatusCode::OK, BODY, NOW).is_err(), "{name}");
    }
    for name in ["content-range", "etag", "shuqiao-versions", "shuqiao-total", "shuqiao-next"] {
        let mut added = exchange();
        added.headers.insert(name, "other".parse().unwrap());
        let refused = added.verify(StatusCode::OK, BODY, NOW);
        assert!(matches!(refused, Err(AuthError::NotCovered(_))), "{name}: {refused:?}");
    }
    let mut unsigned = exchange();
    unsigned.headers.remove("signature-input");
    unsigned.headers.remove("signature");
    assert!(unsigned.verify(StatusCode::OK, BODY, NOW).is_err());
}

#[test]
fn an_answer_by_another_key_is_refused() {
    let mut answer = exchange();
    answer.platform = SigningKey::generate().unwrap().0;
    assert!(matches!(answer.verify(StatusCode::OK, BODY, NOW), Err(AuthError::UnknownKey(_))));
}

#[test]
fn refusals_of_unreadable_signatures_are_signed_too() {
    let fake = Arc::new(Fake::default());
    let (platform, _) = SigningKey::generate().unwrap();
    let request = http::Request::get("/x").header("signature", "(((").header("signature-input", "???");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let received = fake.authenticator().binding(&parts, &Presented::of(&parts.headers));
    let mut headers = HeaderMap::new();
    sign_response(&platform, &received, StatusCode::UNAUTHORIZED, &mut headers, None, NOW).unwrap();
    let public = platform.public();
    let sent = RequestBinding::new(&Method::GET, &format!("{BASE}/x"), &HeaderMap::new()).unwrap();
    verify_response(|_, _| Some(public), &sent, StatusCode::UNAUTHORIZED, &headers, None, NOW).unwrap();
}

/// The two examples of RFC 9530 section 2 and appendix B: with a line feed, and without (RFC 9421 appendix B.2).
#[test]
fn content_digest_vectors() {
    let with_line_feed = digest_field(&Digest::of(b"{\"hello\": \"world\"}\n"));
    assert_eq!(with_line_feed, "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
    let mut headers = HeaderMap::new();
    let both = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:, \
                sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    headers.insert(CONTENT_DIGEST, both.parse().unwrap());
    let stated = read_digest_field(&headers, &CONTENT_DIGEST).unwrap();
    assert_eq!(stated, Some(Digest::of(b"{\"hello\": \"world\"}")));
    for broken in ["sha-512=:AAAA:", "sha-256=:AAAA:", "sha-256=1", "sha-256", "sha-256=:", "sha-256=(1)"] {
        headers.insert(CONTENT_DIGEST, broken.parse().unwrap());
        assert!(read_digest_field(&headers, &CONTENT_DIGEST).is_err(), "{broken}");
    }
}
