use std::borrow::Cow;

use catalog_core::Timestamp;
use exchange_crypto::{Digest, PublicKey, SigningKey};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::AuthError;
use crate::content_digest::{CONTENT_DIGEST, REPR_DIGEST, digest_field, read_digest_field};
use crate::request::check_time;
use crate::signature::{
    Covered, LABEL, Message, Request, Response, SIGNATURE, SIGNATURE_INPUT, Signature, covered_field, sign,
};

/// Field with the id of the answer's receipt.
pub const RECEIPT_FIELD: HeaderName = HeaderName::from_static("shuqiao-receipt");

/// What ties an answer to its request: method, address and the request's signature.
#[derive(Debug, Clone)]
pub struct RequestBinding {
    method: Method,
    target_uri: String,
    headers: HeaderMap,
    /// Label and member of the request's signature, if it has one.
    signature: Option<(String, String)>,
}

impl RequestBinding {
    /// The binding of a request that was sent or received with these headers.
    pub fn new(method: &Method, target_uri: &str, headers: &HeaderMap) -> Result<Self, AuthError> {
        let signature = Signature::find(headers)?;
        Ok(Self::of(method, target_uri, headers, signature.as_ref()))
    }

    /// The binding of a request with the signature that was found in its headers.
    pub(crate) fn of(
        method: &Method,
        target_uri: &str,
        headers: &HeaderMap,
        signature: Option<&Signature>,
    ) -> Self {
        let mut kept = HeaderMap::new();
        for value in headers.get_all(SIGNATURE) {
            kept.append(SIGNATURE, value.clone());
        }
        let signature = signature.map(|signature| (signature.label.clone(), signature.member.clone()));
        Self { method: method.clone(), target_uri: target_uri.to_owned(), headers: kept, signature }
    }

    /// The binding of a request that was signed here.
    pub(crate) fn signed(
        method: &Method,
        target_uri: &str,
        headers: &HeaderMap,
        label: &str,
        member: String,
    ) -> Self {
        Self { signature: Some((label.to_owned(), member)), ..Self::of(method, target_uri, headers, None) }
    }

    fn request(&self) -> Request<'_> {
        Request { method: &self.method, target_uri: &self.target_uri, headers: &self.headers }
    }

    /// The components of the request that an answer's signature covers.
    fn covered(&self) -> impl Iterator<Item = Covered<'_>> {
        let signature = self.signature.as_ref().map(|(label, member)| {
            (Cow::Owned(format!("\"signature\";req;key=\"{label}\"")), Cow::Borrowed(member.as_str()))
        });
        let method = (Cow::Borrowed("\"@method\";req"), Cow::Borrowed(self.method.as_str()));
        let target_uri = (Cow::Borrowed("\"@target-uri\";req"), Cow::Borrowed(self.target_uri.as_str()));
        [method, target_uri].into_iter().chain(signature)
    }
}

/// The fields of an answer that its signature covers where they are present: what the content is, which part of what, and
/// where it goes on.
const COVERED_FIELDS: [&str; 10] = [
    "content-type",
    "content-digest",
    "repr-digest",
    "content-range",
    "etag",
    "link",
    "shuqiao-receipt",
    "shuqiao-versions",
    "shuqiao-total",
    "shuqiao-next",
];

/// Signs an answer as the platform and binds it to its request: adds `signature-input` and `signature` to the headers,
/// and `content-digest` where `body` gives the digest of a buffered body.
///
/// Call it last: the fields that it covers are covered as they stand.
pub fn sign_response(
    key: &SigningKey,
    request: &RequestBinding,
    status: StatusCode,
    headers: &mut HeaderMap,
    body: Option<&Digest>,
    now: Timestamp,
) -> Result<(), AuthError> {
    headers.remove(SIGNATURE_INPUT);
    headers.remove(SIGNATURE);
    if let Some(digest) = body {
        let value = HeaderValue::try_from(digest_field(digest))
            .map_err(|_| AuthError::malformed("content-digest", "it is not printable ASCII"))?;
        headers.insert(CONTENT_DIGEST, value);
    }
    let (fields, _) = sign(&covered(request, status, headers)?, key, now)?;
    for (name, value) in fields {
        headers.insert(name, value);
    }
    Ok(())
}

/// The components of an answer that its signature covers.
fn covered<'a>(
    request: &'a RequestBinding,
    status: StatusCode,
    headers: &'a HeaderMap,
) -> Result<Vec<Covered<'a>>, AuthError> {
    let status = Cow::Owned(status.as_str().to_owned());
    let mut covered = vec![(Cow::Borrowed("\"@status\""), status)];
    for name in COVERED_FIELDS.iter().filter(|name| headers.contains_key(**name)) {
        covered.push((Cow::Owned(format!("\"{name}\"")), covered_field(headers, name)?));
    }
    covered.extend(request.covered());
    Ok(covered)
}

/// Verifies an answer as a client: signed by the platform, for this very request, within the clock window.
///
/// `keys` gives the platform's public key of an id, valid at the time. `body` is the digest of a body that was read
/// whole; it is compared where the answer states one. Gives the id of the key that signed.
pub fn verify_response(
    keys: impl Fn(&str, Timestamp) -> Option<PublicKey>,
    request: &RequestBinding,
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<&Digest>,
    now: Timestamp,
) -> Result<String, AuthError> {
    let signature = Signature::find(headers)?.ok_or_else(|| {
        AuthError::malformed("signature", format!("the answer is not signed; expected `{LABEL}`"))
    })?;
    for (component, _) in covered(request, status, headers)? {
        signature.must_cover(&component)?;
    }
    check_time(&signature, now)?;
    let key = keys(&signature.key_id, signature.created)
        .ok_or_else(|| AuthError::UnknownKey(signature.key_id.clone()))?;
    let response = Response { status, headers };
    signature.verify(&Message { request: request.request(), response: Some(response) }, &key)?;
    let stated = match read_digest_field(headers, &CONTENT_DIGEST)? {
        Some(digest) => Some(digest),
        None if status == StatusCode::OK => read_digest_field(headers, &REPR_DIGEST)?,
        None => None,
    };
    match (stated, body) {
        (Some(stated), Some(body)) if stated != *body => Err(AuthError::WrongBody),
        _ => Ok(signature.key_id),
    }
}
