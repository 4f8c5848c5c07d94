use catalog_core::Timestamp;
use exchange_crypto::{Digest, PublicKey, SigningKey};
use http::{HeaderMap, HeaderValue, Method};

use crate::AuthError;
use crate::assertion::ASSERTION_FIELDS;
use crate::content_digest::{CONTENT_DIGEST, digest_field, read_digest_field};
use crate::response::RequestBinding;
use crate::signature::{LABEL, Message, Request, Signature, sign};

/// Seconds by which the time of a signature and the clock here may differ.
pub const CLOCK_WINDOW_SECONDS: i64 = 60;

const NONCE_LENGTHS: std::ops::RangeInclusive<usize> = 16..=128;

/// Signs a request as a client (RFC 9421): adds `content-digest`, `signature-input` and `signature` to the headers.
///
/// `target_uri` is the absolute address with its query, as it will be requested. Set `content-type` and the assertion
/// fields before; `body` is the digest of the body, `None` without one. What comes back verifies the answer.
pub fn sign_request(
    key: &SigningKey,
    method: &Method,
    target_uri: &str,
    headers: &mut HeaderMap,
    body: Option<&Digest>,
    now: Timestamp,
) -> Result<RequestBinding, AuthError> {
    headers.remove(CONTENT_DIGEST);
    if let Some(digest) = body {
        let value = HeaderValue::from_str(&digest_field(digest))
            .map_err(|_| AuthError::malformed("content-digest", "it is not printable ASCII"))?;
        headers.insert(CONTENT_DIGEST, value);
    }
    let request = Request { method, target_uri, headers };
    let covered = required(headers).map(|name| request.covered(name)).collect::<Result<Vec<_>, _>>()?;
    let (fields, member) = sign(&covered, key, now)?;
    for (name, value) in fields {
        headers.insert(name, value);
    }
    Ok(RequestBinding::signed(method, target_uri, headers, LABEL, member))
}

/// Verifies a request of the platform as its receiver: signed by the platform, for this address, over this body, within the clock
/// window.
///
/// `keys` gives the platform's public key of an id, valid at the time; `target_uri` is the address that the receiver gave, with
/// its query; `body` is the digest of the body as it was read. Gives the id of the key that signed. Whether the same request came
/// before is not looked at: events have ids.
///
/// # Errors
/// What is wrong with the signature, or [`AuthError::WrongBody`].
pub fn verify_request(
    keys: impl Fn(&str, Timestamp) -> Option<PublicKey>,
    method: &Method,
    target_uri: &str,
    headers: &HeaderMap,
    body: &Digest,
    now: Timestamp,
) -> Result<String, AuthError> {
    let missing = || AuthError::malformed("signature", "the request is not signed");
    let found = Signature::find(headers)?.ok_or_else(missing)?;
    let CheckedRequest { signature, body: stated, .. } = check_request(&found, headers, now)?;
    let key = keys(&signature.key_id, signature.created)
        .ok_or_else(|| AuthError::UnknownKey(signature.key_id.clone()))?;
    let request = Request { method, target_uri, headers };
    signature.verify(&Message { request, response: None }, &key)?;
    match stated == Some(*body) {
        true => Ok(found.key_id),
        false => Err(AuthError::WrongBody),
    }
}

/// What a request signature must cover, given the headers: who could change anything else gains nothing.
fn required(headers: &HeaderMap) -> impl Iterator<Item = &'static str> {
    let fields = ["content-digest", "content-type"].into_iter().chain(ASSERTION_FIELDS);
    ["@method", "@target-uri"].into_iter().chain(fields.filter(|name| headers.contains_key(*name)))
}

/// The signature of a request with everything checked but the key and the nonce's first use.
pub(crate) struct CheckedRequest<'a> {
    pub(crate) signature: &'a Signature,
    /// The signer's one-time text.
    pub(crate) nonce: &'a str,
    /// Digest of the body, as signed.
    pub(crate) body: Option<Digest>,
}

/// Checks coverage, parameters and time of a request's signature.
pub(crate) fn check_request<'a>(
    signature: &'a Signature,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<CheckedRequest<'a>, AuthError> {
    for name in required(headers) {
        signature.must_cover(&format!("\"{name}\""))?;
    }
    let nonce = signature.nonce.as_deref().ok_or(AuthError::MissingParameter("nonce"))?;
    if !NONCE_LENGTHS.contains(&nonce.len()) {
        return Err(AuthError::malformed("signature-input", "`nonce` must have 16 to 128 characters"));
    }
    check_time(signature, now)?;
    let body = read_digest_field(headers, &CONTENT_DIGEST)?;
    Ok(CheckedRequest { signature, nonce, body })
}

/// Checks that the signature was made within the window around `now` and has not ended.
pub(crate) fn check_time(signature: &Signature, now: Timestamp) -> Result<(), AuthError> {
    let skew = |signed_at| AuthError::ClockSkew { signed_at, now, window: CLOCK_WINDOW_SECONDS };
    let earliest = now.plus_seconds(-CLOCK_WINDOW_SECONDS);
    let latest = now.plus_seconds(CLOCK_WINDOW_SECONDS);
    // `created` has whole seconds: compare in seconds, so that both sides of the window are equally wide.
    if signature.created.seconds() < earliest.seconds() || signature.created.seconds() > latest.seconds() {
        return Err(skew(signature.created));
    }
    match signature.expires {
        Some(end) if end.seconds() < now.seconds() => Err(skew(end)),
        _ => Ok(()),
    }
}
