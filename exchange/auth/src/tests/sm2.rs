//! Keys of SM2 beside those of Ed25519: the key decides how a signature is checked, never the message.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use catalog_core::ports::{KeyOwner, KeyRecord};
use catalog_core::{Channel, DepartmentId, Error, ErrorCode};
use exchange_crypto::{PublicKey, SigningKey, Suite, to_base64url};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use proptest::prelude::*;
use tempfile::tempdir;

use super::fake::Fake;
use super::{BASE, NOW, arrival};
use crate::*;

fn department(fake: &Fake, suite: Suite) -> SigningKey {
    fake.register_for(suite, KeyOwner::Department(DepartmentId::new("scjg").unwrap()))
}

fn signed(key: &SigningKey) -> Parts {
    let (mut parts, ()) = http::Request::get("/x").body(()).unwrap().into_parts();
    sign_request(key, &Method::GET, &format!("{BASE}/x"), &mut parts.headers, None, NOW).unwrap();
    parts
}

fn arrive(fake: &Arc<Fake>, parts: &Parts) -> Result<String, AuthError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let caller = runtime.block_on(fake.authenticator().authenticate(arrival(
        parts,
        &Presented::of(&parts.headers),
        Channel::Sql,
        NOW,
    )))?;
    Ok(caller.with_body(None)?.principal.id)
}

/// Puts something else for a part of the signature's parameters, on the way.
fn replaced(parts: &Parts, old: &str, new: &str) -> Parts {
    let mut parts = parts.clone();
    let input = parts.headers["signature-input"].to_str().unwrap();
    assert!(input.contains(old), "{input}");
    parts.headers.insert("signature-input", input.replace(old, new).parse().unwrap());
    parts
}

#[test]
fn a_request_signed_by_sm2_arrives_and_says_how_it_was_signed() {
    let fake = Arc::new(Fake::default());
    let key = department(&fake, Suite::Sm2);
    let parts = signed(&key);
    assert!(parts.headers["signature-input"].to_str().unwrap().contains(";alg=\"sm2-sm3\";"));
    assert_eq!(arrive(&fake, &parts).unwrap(), key.public().id());
}

#[test]
fn an_algorithm_that_is_not_the_keys_is_refused() {
    let fake = Arc::new(Fake::default());
    for (suite, own, other) in [(Suite::Sm2, "sm2-sm3", "ed25519"), (Suite::Ed25519, "ed25519", "sm2-sm3")] {
        let parts = signed(&department(&fake, suite));
        let own = format!("alg=\"{own}\"");
        for named in [format!("alg=\"{other}\""), "alg=\"rsa-v1_5-sha256\"".to_owned(), "alg=1".to_owned()] {
            let error = arrive(&fake, &replaced(&parts, &own, &named)).unwrap_err();
            assert!(error.to_string().contains("for this key"), "{error}");
        }
        let unnamed = arrive(&fake, &replaced(&parts, &format!(";{own}"), ""));
        assert!(matches!(unnamed, Err(AuthError::WrongSignature { .. })), "its absence is signed too");
        arrive(&fake, &parts).unwrap();
    }
}

/// Who names another's key gets that key's suite, whatever the signature was made with.
#[test]
fn a_signature_of_one_suite_under_a_key_of_the_other_is_refused() {
    let fake = Arc::new(Fake::default());
    let keys = Suite::ALL.map(|suite| department(&fake, suite));
    for (signer, named) in [(&keys[0], &keys[1]), (&keys[1], &keys[0])] {
        let own = signed(signer);
        let input = |key: &SigningKey| {
            let alg = if key.suite() == Suite::Sm2 { "sm2-sm3" } else { "ed25519" };
            format!("keyid=\"{}\";alg=\"{alg}\"", key.public().id())
        };
        let error = arrive(&fake, &replaced(&own, &input(signer), &input(named))).unwrap_err();
        assert!(matches!(error, AuthError::WrongSignature { .. }), "{error}");
    }
}

#[test]
fn answers_of_an_sm2_platform_verify() {
    let (platform, _) = SigningKey::generate_for(Suite::Sm2).unwrap();
    let sent = RequestBinding::new(&Method::GET, &format!("{BASE}/x"), &HeaderMap::new()).unwrap();
    let mut headers = HeaderMap::new();
    sign_response(&platform, &sent, StatusCode::OK, &mut headers, None, NOW).unwrap();
    let verify =
        |public: PublicKey, status| verify_response(|_, _| Some(public), &sent, status, &headers, None, NOW);
    assert_eq!(verify(platform.public(), StatusCode::OK), Ok(platform.public().id()));
    assert!(verify(platform.public(), StatusCode::CREATED).is_err());
    let (other, _) = SigningKey::generate().unwrap();
    assert!(verify(other.public(), StatusCode::OK).is_err(), "the algorithm is not this key's");
}

#[test]
fn the_key_set_holds_keys_of_both_suites() {
    let record = |suite| {
        let key = SigningKey::generate_for(suite).unwrap().0.public();
        let (owner, public_key) = (KeyOwner::Platform, to_base64url(key.as_bytes()));
        KeyRecord { id: key.id(), owner, public_key, valid_from: NOW, valid_until: None }
    };
    let records = Suite::ALL.map(record);
    let json = serde_json::to_value(JwkSet::of_platform(&records).unwrap()).unwrap();
    let field = |key: usize, name: &str| json["keys"][key][name].as_str().map(str::to_owned);
    for (key, expected) in [["OKP", "Ed25519", "EdDSA"], ["EC", "SM2", "SM2SM3"]].into_iter().enumerate() {
        assert_eq!(["kty", "crv", "alg"].map(|name| field(key, name).unwrap()), expected);
    }
    assert!(field(0, "y").is_none() && field(1, "y").is_some());
    let set: JwkSet = serde_json::from_value(json.clone()).unwrap();
    for record in &records {
        let key = set.key_at(&record.id, NOW).unwrap();
        assert_eq!(to_base64url(key.as_bytes()), record.public_key);
    }
    // Two keys told apart by `kty` and `crv`, and none of them readable as the other.
    for (key, name, value) in [
        (0, "kty", "EC"),
        (0, "crv", "SM2"),
        (0, "alg", "SM2SM3"),
        (0, "y", json["keys"][1]["y"].as_str().unwrap()),
        (1, "kty", "OKP"),
        (1, "crv", "P-256"),
        (1, "alg", "EdDSA"),
        (1, "x", json["keys"][0]["x"].as_str().unwrap()),
        (1, "kid", json["keys"][0]["kid"].as_str().unwrap()),
    ] {
        let mut changed = json["keys"][key].clone();
        changed[name] = value.into();
        let jwk: Jwk = serde_json::from_value(changed).unwrap();
        assert!(jwk.public_key().is_err(), "{name} {value}");
    }
}

#[test]
fn key_files_of_openssl_are_read_and_ours_are_read_by_it() {
    let folder = tempdir().unwrap();
    let (theirs, ours) = (folder.path().join("theirs.pem"), folder.path().join("ours.pem"));
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "SM2", "-out"]).arg(&theirs).output();
    assert!(made.unwrap().status.success());
    assert_eq!(read_key_file(&theirs).unwrap().suite(), Suite::Sm2);
    let key = generate_key_file_for(Suite::Sm2, &ours).unwrap();
    assert_eq!(read_key_file(&ours).unwrap().public(), key.public());
    let read =
        Command::new("openssl").args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(&ours).output();
    assert!(read.unwrap().stdout.ends_with(key.public().as_bytes()));
    // What `openssl ecparam -genkey` writes is another format, and is named as such.
    let text = fs::read_to_string(&ours).unwrap().replace(" PRIVATE", " EC PRIVATE");
    let sec1 = folder.path().join("sec1.pem");
    write_secret_file(&sec1, text.as_bytes()).unwrap();
    let error = Error::from(read_key_file(&sec1).unwrap_err());
    assert!(error.message.contains("PKCS#8") && error.code == ErrorCode::InvalidInput, "{error:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn key_files_with_changed_bytes_never_panic(place: usize, with in b' '..=b'~') {
        let folder = tempdir().unwrap();
        let path = folder.path().join("key.pem");
        generate_key_file_for(Suite::Sm2, &path).unwrap();
        let mut text = fs::read(&path).unwrap();
        let place = place % text.len();
        text[place] = with;
        fs::write(&path, text).unwrap();
        let _ = read_key_file(&path);
    }
}
