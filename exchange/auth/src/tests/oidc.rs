use exchange_crypto::{MacKey, SigningKey, to_base64url};
use serde_json::{Value, json};

use super::NOW;
use crate::*;

fn client() -> OidcClient {
    OidcClient {
        issuer: "https://id.example.gov.cn".to_owned(),
        client_id: "shuqiao".to_owned(),
        redirect_uri: "https://data.example.gov.cn/api/v1/session/oidc/callback".to_owned(),
        scopes: "openid profile".to_owned(),
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example.gov.cn", "aud": "shuqiao", "sub": "248289761001", "nonce": "n-1",
        "iat": NOW.seconds(), "exp": NOW.seconds() + 300, "preferred_username": "zhang",
    })
}

fn encoded(document: &Value) -> String {
    to_base64url(document.to_string().as_bytes())
}

fn jwks(key: &SigningKey) -> Value {
    let x = to_base64url(key.public().as_bytes());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "use": "sig", "alg": "EdDSA", "x": x}]})
}

fn token(key: &SigningKey, head: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encoded(head), encoded(claims));
    format!("{signed}.{}", to_base64url(&key.sign(signed.as_bytes())))
}

#[test]
fn an_id_token_is_believed_for_this_client_issuer_and_sign_in_alone() {
    let (key, _) = SigningKey::generate().unwrap();
    let head = json!({"alg": "EdDSA", "kid": "k"});
    let check =
        |claims: &Value| client().check_id_token(&token(&key, &head, claims), &jwks(&key), "n-1", NOW);
    let identity = check(&claims()).unwrap();
    assert_eq!(
        (identity.subject.as_str(), identity.claim("preferred_username")),
        ("248289761001", Some("zhang"))
    );
    let wrong = [
        ("iss", json!("https://evil.example.com")),
        ("iss", json!("https://id.example.gov.cn/")),
        ("aud", json!("another")),
        ("aud", json!(["shuqiao", "another"])),
        ("azp", json!("another")),
        ("exp", json!(NOW.seconds() - 60)),
        ("iat", json!(NOW.seconds() + 61)),
        ("exp", Value::Null),
        ("nonce", json!("n-2")),
        ("nonce", Value::Null),
        ("sub", json!("")),
    ];
    for (name, value) in wrong {
        let mut claims = claims();
        claims[name] = value.clone();
        let error = check(&claims).unwrap_err();
        assert!(matches!(error, AuthError::Oidc(_)), "{name} {value}: {error:?}");
    }
    let mut shared = claims();
    shared["aud"] = json!(["shuqiao", "another"]);
    shared["azp"] = json!("shuqiao");
    check(&shared).unwrap();
}

#[test]
fn an_id_token_must_be_signed_by_the_providers_own_key_and_algorithm() {
    let (key, _) = SigningKey::generate().unwrap();
    let (stranger, _) = SigningKey::generate().unwrap();
    let check = |token: &str, keys: &Value| client().check_id_token(token, keys, "n-1", NOW);
    let head = json!({"alg": "EdDSA", "kid": "k"});
    let good = token(&key, &head, &claims());
    check(&good, &jwks(&key)).unwrap();
    let forged = [
        token(&stranger, &head, &claims()),
        format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&claims())),
        token(&key, &json!({"alg": "HS256", "kid": "k"}), &claims()),
        token(&key, &json!({"alg": "RS256", "kid": "k"}), &claims()),
        token(&key, &json!({"alg": "EdDSA", "kid": "other"}), &claims()),
        token(&key, &json!({"alg": "EdDSA", "kid": "k", "crit": ["b64"]}), &claims()),
        good.replacen('.', "", 1),
        format!("{good}.x"),
        String::new(),
    ];
    for token in &forged {
        assert!(check(token, &jwks(&key)).is_err(), "{token}");
        // A provider need not say which algorithm its key is for: its kind does.
        let mut unsaid = jwks(&key);
        unsaid["keys"][0].as_object_mut().unwrap().remove("alg");
        assert!(check(token, &unsaid).is_err(), "{token}");
    }
    let mut changed: Vec<String> = good.split('.').map(str::to_owned).collect();
    let mut other = claims();
    other["sub"] = json!("someone else");
    changed[1] = encoded(&other);
    assert!(check(&changed.join("."), &jwks(&key)).is_err());
    // The public key as a shared secret: HMAC is no algorithm here.
    let secret = json!({"keys": [{"kty": "oct", "k": to_base64url(key.public().as_bytes())}]});
    assert!(check(&token(&key, &json!({"alg": "HS256"}), &claims()), &secret).is_err());
    assert!(check(&good, &json!({})).is_err());
}

#[test]
fn a_sign_in_comes_back_to_the_browser_that_began_it() {
    let key = MacKey::ephemeral().unwrap();
    let pending = PendingSignIn::begin("/directory?page=2", NOW).unwrap();
    let cookie = pending.seal(&key).unwrap();
    assert!(!cookie.contains(&pending.nonce) && !cookie.contains(&pending.state));
    let open = |cookie: &str, state: &str, now| PendingSignIn::open(&key, cookie, state, now);
    assert!(open(&cookie, &pending.state, NOW).unwrap() == pending);
    assert!(open(&cookie, "another", NOW).is_err());
    assert!(open(&cookie, &pending.state, NOW.plus_seconds(600)).is_err());
    assert!(open("", &pending.state, NOW).is_err());
    let other = PendingSignIn::begin("/", NOW).unwrap().seal(&MacKey::ephemeral().unwrap()).unwrap();
    assert!(open(&other, &pending.state, NOW).is_err(), "sealed by another key");
}

#[test]
fn nobody_is_sent_to_another_site() {
    for path in [
        "",
        "https://evil.example.com",
        "//evil.example.com",
        "/\\evil.example.com",
        "/a\r\nset-cookie: x",
        "/ b",
        "evil",
    ] {
        assert!(PendingSignIn::begin(path, NOW).is_err(), "{path}");
    }
}

#[test]
fn the_address_of_the_provider_carries_state_nonce_and_challenge() {
    let provider = Provider {
        issuer: client().issuer,
        authorization_endpoint: "https://id.example.gov.cn/auth?realm=x".to_owned(),
        token_endpoint: String::new(),
        jwks_uri: String::new(),
    };
    // The challenge of RFC 7636, appendix B.
    let pending = PendingSignIn {
        verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
        ..PendingSignIn::begin("/", NOW).unwrap()
    };
    let url = client().authorization_url(&provider, &pending);
    for part in [
        "https://id.example.gov.cn/auth?realm=x&response_type=code&client_id=shuqiao&",
        "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        &format!("state={}&nonce={}", pending.state, pending.nonce),
    ] {
        assert!(url.contains(part), "{url}");
    }
    assert!(!url.contains(&pending.verifier));
}
