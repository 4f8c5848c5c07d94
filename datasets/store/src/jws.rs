//! Detached signatures: JWS compact form without its payload (RFC 7515 appendix F), Ed25519 (RFC 8037) or
//! SM2 with SM3.
//!
//! Any JOSE library verifies those by Ed25519: put base64url of the signed bytes between the two dots. The `alg` of SM2
//! is a name of ours, which no library knows.

use exchange_crypto::{PublicKey, SigningKey, from_base64url, to_base64url};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The protected header. A header with further members, `crit` above all, is refused.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// Signs `payload`; `typ` says what kind of document it is.
pub fn sign_detached(payload: &[u8], typ: &str, key: &SigningKey) -> String {
    let alg = key.suite().jose_algorithm();
    let header = serde_json::json!({ "alg": alg, "kid": key.public().id(), "typ": typ });
    let header = to_base64url(header.to_string().as_bytes());
    let signature = key.sign(signing_input(&header, payload).as_bytes());
    format!("{header}..{}", to_base64url(&signature))
}

/// Checks that `jws` signs `payload` as a document of kind `typ` with `key`. The key decides how: the header's `alg` must
/// be the key's own.
pub fn verify_detached(jws: &str, payload: &[u8], typ: &str, key: &PublicKey) -> Result<(), Error> {
    let (encoded, signature) = split(jws)?;
    let header = header(encoded)?;
    if header.alg != key.suite().jose_algorithm() || header.typ != typ {
        return Err(Error::Signature("it is of another kind"));
    }
    if header.kid != key.id() {
        return Err(Error::Signature("it was made with another key"));
    }
    let signature = from_base64url(signature).map_err(|_| Error::Signature("it is not base64url"))?;
    key.verify(signing_input(encoded, payload).as_bytes(), &signature)
        .map_err(|_| Error::Signature("it does not match the content"))
}

/// The id (JWK thumbprint) of the key that a signature names.
pub fn key_id(jws: &str) -> Result<String, Error> {
    Ok(header(split(jws)?.0)?.kid)
}

fn split(jws: &str) -> Result<(&str, &str), Error> {
    jws.trim_ascii_end().split_once("..").ok_or(Error::Signature("it is no detached JWS"))
}

fn header(encoded: &str) -> Result<Header, Error> {
    let bytes = from_base64url(encoded).map_err(|_| Error::Signature("its header is not base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| Error::Signature("its header is not one of ours"))
}

fn signing_input(header: &str, payload: &[u8]) -> String {
    format!("{header}.{}", to_base64url(payload))
}
