use std::sync::Arc;

use catalog_core::context::PrincipalKind;
use catalog_core::ports::KeyOwner;
use catalog_core::{Channel, Error, ErrorCode, OpContext, Role, Timestamp};
use exchange_crypto::{Digest, SigningKey};
use http::request::Parts;
use http::{Method, Request};
use proptest::prelude::*;

use super::fake::Fake;
use super::{BASE, NOW, arrival};
use crate::{
    AuthError, PURPOSE_FIELD, Presented, decode_assertion, encode_assertion, sign_request, verify_request,
};

const BODY: &[u8] = b"{\"sql\":\"select 1\"}";

/// A request to the path with a JSON body and a purpose, signed.
fn signed(key: &SigningKey, path: &str, at: Timestamp) -> Parts {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header(PURPOSE_FIELD, encode_assertion("企业开办 核验"))
        .header("shuqiao-matter", "360400-2026-000001")
        .header("shuqiao-operator", "A0017");
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let body = Digest::of(BODY);
    sign_request(key, &Method::POST, &format!("{BASE}{path}"), &mut parts.headers, Some(&body), at).unwrap();
    parts
}

fn arrive(fake: &Arc<Fake>, parts: &Parts, body: &[u8], now: Timestamp) -> Result<OpContext, AuthError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let caller = runtime.block_on(fake.authenticator().authenticate(arrival(
        parts,
        &Presented::of(&parts.headers),
        Channel::Sql,
        now,
    )))?;
    caller.with_body((!body.is_empty()).then(|| Digest::of(body)).as_ref())
}

fn code(result: Result<OpContext, AuthError>) -> ErrorCode {
    Error::from(result.unwrap_err()).code
}

#[test]
fn a_signed_request_becomes_its_department() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let ctx = arrive(&fake, &signed(&key, "/api/v1/sql?a=b", NOW), BODY, NOW).unwrap();
    assert_eq!(ctx.principal.kind, PrincipalKind::Machine);
    assert_eq!(ctx.principal.id, key.public().id());
    assert_eq!(ctx.principal.attributes["division_code"], "360400");
    assert_eq!(ctx.purpose.as_deref(), Some("企业开办 核验"));
    assert_eq!(ctx.matter.as_deref(), Some("360400-2026-000001"));
    assert_eq!(ctx.operator.as_deref(), Some("A0017"));
    assert_eq!((ctx.request_id.as_str(), ctx.now, ctx.channel), ("r-1", NOW, Channel::Sql));
}

#[test]
fn a_person_signs_with_a_key_of_their_own_while_the_account_is_active() {
    let fake = Arc::new(Fake::default());
    let key = fake.register(KeyOwner::Person("li".to_owned()));
    fake.add_person("li", &[Role::Analyst], true);
    let ctx = arrive(&fake, &signed(&key, "/x", NOW), BODY, NOW).unwrap();
    assert_eq!((ctx.principal.kind, ctx.principal.id.as_str()), (PrincipalKind::Person, "li"));
    assert!(ctx.principal.has(Role::Analyst));
    fake.add_person("li", &[Role::Analyst], false);
    assert_eq!(code(arrive(&fake, &signed(&key, "/x", NOW), BODY, NOW)), ErrorCode::Unauthenticated);
}

#[test]
fn without_a_signature_the_caller_is_the_public() {
    let fake = Arc::new(Fake::default());
    let (parts, ()) = Request::get("/x").body(()).unwrap().into_parts();
    let ctx = arrive(&fake, &parts, b"", NOW).unwrap();
    assert_eq!(ctx.principal.kind, PrincipalKind::Public);
}

#[test]
fn a_request_is_accepted_once() {
    let fake = Arc::new(Fake::default());
    let parts = signed(&fake.department(), "/x", NOW);
    arrive(&fake, &parts, BODY, NOW).unwrap();
    assert_eq!(code(arrive(&fake, &parts, BODY, NOW)), ErrorCode::Replayed);
}

#[test]
fn the_clock_window_is_sixty_seconds_on_both_sides_and_names_both_times() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    for seconds in [-60, 60] {
        arrive(&fake, &signed(&key, "/x", NOW.plus_seconds(seconds)), BODY, NOW).unwrap();
    }
    for seconds in [-61, 61] {
        let error = arrive(&fake, &signed(&key, "/x", NOW.plus_seconds(seconds)), BODY, NOW).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&NOW.to_string()) && text.contains(&NOW.plus_seconds(seconds).to_string()),
            "{text}"
        );
        assert_eq!(Error::from(error).code, ErrorCode::ClockSkew);
    }
}

#[test]
fn keys_must_be_registered_in_their_period_and_not_the_platforms() {
    let fake = Arc::new(Fake::default());
    let (stranger, _) = SigningKey::generate().unwrap();
    assert_eq!(code(arrive(&fake, &signed(&stranger, "/x", NOW), BODY, NOW)), ErrorCode::Unauthenticated);
    let platform = fake.register(KeyOwner::Platform);
    assert_eq!(code(arrive(&fake, &signed(&platform, "/x", NOW), BODY, NOW)), ErrorCode::Unauthenticated);
    let key = fake.department();
    for at in [NOW.plus_seconds(-3601), NOW.plus_seconds(3600)] {
        let error = arrive(&fake, &signed(&key, "/x", at), BODY, at).unwrap_err();
        assert!(matches!(error, AuthError::KeyNotUsable { .. }), "{error}");
    }
}

#[test]
fn a_signature_by_another_key_under_this_keys_name_is_refused() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let (foreign, _) = SigningKey::generate().unwrap();
    let mut parts = signed(&foreign, "/x", NOW);
    let input = parts.headers["signature-input"].to_str().unwrap();
    let input = input.replace(&foreign.public().id(), &key.public().id());
    parts.headers.insert("signature-input", input.parse().unwrap());
    assert_eq!(code(arrive(&fake, &parts, BODY, NOW)), ErrorCode::SignatureInvalid);
}

type Change = fn(&mut Parts);

#[test]
fn every_change_to_what_is_signed_is_noticed() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let changes: [(&str, Change); 9] = [
        ("method", |parts| parts.method = Method::PUT),
        ("path", |parts| parts.uri = "/y?a=b".parse().unwrap()),
        ("query", |parts| parts.uri = "/x?a=c".parse().unwrap()),
        ("content type", |parts| replace(parts, "content-type", "text/plain")),
        ("purpose", |parts| replace(parts, "shuqiao-purpose", "other")),
        ("matter", |parts| replace(parts, "shuqiao-matter", "other")),
        ("operator", |parts| replace(parts, "shuqiao-operator", "other")),
        ("second purpose", |parts| assert!(parts.headers.append("shuqiao-purpose", "more".parse().unwrap()))),
        ("digest", |parts| replace(parts, "content-digest", &crate::digest_field(&Digest::of(b"")))),
    ];
    for (what, change) in changes {
        let mut parts = signed(&key, "/x?a=b", NOW);
        change(&mut parts);
        assert_eq!(code(arrive(&fake, &parts, BODY, NOW)), ErrorCode::SignatureInvalid, "{what}");
    }
    let parts = signed(&key, "/x?a=b", NOW);
    assert_eq!(code(arrive(&fake, &parts, b"other", NOW)), ErrorCode::SignatureInvalid);
    let parts = signed(&key, "/x?a=b", NOW);
    assert_eq!(code(arrive(&fake, &parts, b"", NOW)), ErrorCode::SignatureInvalid);
}

fn replace(parts: &mut Parts, name: &'static str, value: &str) {
    parts.headers.insert(name, value.parse().unwrap());
}

#[test]
fn a_body_beside_a_signature_that_does_not_cover_it_is_refused() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let (mut parts, ()) = Request::post("/x").body(()).unwrap().into_parts();
    sign_request(&key, &Method::POST, &format!("{BASE}/x"), &mut parts.headers, None, NOW).unwrap();
    assert_eq!(arrive(&fake, &parts, BODY, NOW).unwrap_err(), AuthError::WrongBody);
}

#[test]
fn an_assertion_added_after_signing_is_refused() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let (mut parts, ()) = Request::get("/x").body(()).unwrap().into_parts();
    sign_request(&key, &Method::GET, &format!("{BASE}/x"), &mut parts.headers, None, NOW).unwrap();
    replace(&mut parts, "shuqiao-purpose", "added");
    let error = arrive(&fake, &parts, b"", NOW).unwrap_err();
    assert_eq!(error, AuthError::NotCovered("\"shuqiao-purpose\"".to_owned()));
}

#[test]
fn a_signature_needs_a_nonce_and_may_not_have_ended() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let mut parts = signed(&key, "/x", NOW);
    let input = parts.headers["signature-input"].to_str().unwrap().to_owned();
    let without = input.replace("nonce", "other");
    replace(&mut parts, "signature-input", &without);
    assert_eq!(arrive(&fake, &parts, BODY, NOW).unwrap_err(), AuthError::MissingParameter("nonce"));
    let nonce = input.split_once("nonce=\"").unwrap().1.split_once('"').unwrap().0;
    replace(&mut parts, "signature-input", &input.replace(nonce, "tooshort"));
    assert!(matches!(arrive(&fake, &parts, BODY, NOW), Err(AuthError::Malformed { .. })));
    replace(&mut parts, "signature-input", &format!("{input};expires={}", NOW.seconds() - 1));
    assert_eq!(code(arrive(&fake, &parts, BODY, NOW)), ErrorCode::ClockSkew);
}

#[test]
fn addresses_come_from_configuration_and_not_from_host() {
    let fake = Arc::new(Fake::default());
    let mut parts = signed(&fake.department(), "/x", NOW);
    replace(&mut parts, "host", "evil.example");
    arrive(&fake, &parts, BODY, NOW).unwrap();
    for (base, expected) in [
        ("HTTPS://Data.Example.gov.cn:443/", "https://data.example.gov.cn/x"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/x"),
        ("https://a.example/sub/", "https://a.example/sub/x"),
    ] {
        let authenticator =
            crate::Authenticator::new(fake.clone(), fake.clone(), fake.clone(), base).unwrap();
        assert_eq!(authenticator.target_uri(&"/x".parse().unwrap()), expected);
    }
    for base in ["data.example", "ftp://a/", "https://a/?b", ""] {
        assert!(crate::Authenticator::new(fake.clone(), fake.clone(), fake.clone(), base).is_err(), "{base}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn assertions_round_trip(text in "[^\\p{Cc}]{1,200}") {
        let expected = (!text.trim().is_empty()).then_some(text.clone());
        prop_assert_eq!(decode_assertion(&encode_assertion(&text)), expected);
    }

    #[test]
    fn assertion_reader_never_panics(text: String) {
        let _ = decode_assertion(&text);
    }

    /// Any single changed byte of a covered field or of the address breaks the signature.
    #[test]
    fn any_changed_byte_breaks_the_signature(field in 0usize..5, position in 0usize..200, with in b'!'..=b'~') {
        let fake = Arc::new(Fake::default());
        let mut parts = signed(&fake.department(), "/api/v1/records?limit=10", NOW);
        let names = ["content-type", "shuqiao-purpose", "shuqiao-matter", "content-digest"];
        let value = match names.get(field) {
            Some(name) => parts.headers[*name].to_str().unwrap().to_owned(),
            None => parts.uri.to_string(),
        };
        let mut bytes = value.clone().into_bytes();
        let position = position % bytes.len();
        bytes[position] = with;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assume!(changed != value);
        match names.get(field) {
            Some(name) => replace(&mut parts, name, &changed),
            None => match changed.parse() {
                Ok(uri) => parts.uri = uri,
                Err(_) => return Ok(()),
            },
        }
        // A `#` starts a fragment, which is not sent: the address would be another, shorter one.
        prop_assert!(arrive(&fake, &parts, BODY, NOW).is_err());
    }

    #[test]
    fn arbitrary_heads_never_panic(authorization in "[ -~]{0,40}", purpose in "[ -~]{0,40}", digest in "[ -~]{0,60}") {
        let fake = Arc::new(Fake::default());
        let mut parts = signed(&fake.department(), "/x", NOW);
        replace(&mut parts, "authorization", &authorization);
        replace(&mut parts, "shuqiao-purpose", &purpose);
        replace(&mut parts, "content-digest", &digest);
        prop_assert!(arrive(&fake, &parts, BODY, NOW).is_err());
    }
}

/// As a receiver of notifications checks them.
#[test]
fn a_receiver_takes_what_the_platform_has_signed_for_it_and_nothing_else() {
    let (key, _) = SigningKey::generate().unwrap();
    let (stranger, _) = SigningKey::generate().unwrap();
    let public = key.public();
    let parts = signed(&key, "/hook", NOW);
    let verified = |parts: &Parts, path: &str, body: &[u8], now| {
        let keys = |id: &str, _| (id == public.id()).then_some(public);
        verify_request(keys, &Method::POST, &format!("{BASE}{path}"), &parts.headers, &Digest::of(body), now)
    };
    assert_eq!(verified(&parts, "/hook", BODY, NOW).unwrap(), public.id());
    assert!(matches!(verified(&parts, "/hook", b"another", NOW), Err(AuthError::WrongBody)));
    assert!(matches!(verified(&parts, "/other", BODY, NOW), Err(AuthError::WrongSignature { .. })));
    let late = NOW.plus_seconds(3600);
    assert!(matches!(verified(&parts, "/hook", BODY, late), Err(AuthError::ClockSkew { .. })));
    let foreign = signed(&stranger, "/hook", NOW);
    assert!(matches!(verified(&foreign, "/hook", BODY, NOW), Err(AuthError::UnknownKey(_))));
    let (unsigned, ()) = Request::post("/hook").body(()).unwrap().into_parts();
    assert!(verified(&unsigned, "/hook", BODY, NOW).is_err());
}
