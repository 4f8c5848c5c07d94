use catalog_core::Timestamp;
use exchange_crypto::{Digest, PublicKey, SigningKey};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::AuthError;
use crate::content_digest::{CONTENT_DIGEST, REPR_DIGEST, digest_field, read_digest_field};
use crate::request::check_time;
use crate::signature::{LABEL, Message, Request, Response, SIGNATURE, SIGNATURE_INPUT, Signature, sign};

/// Field with the id of the answer's receipt.
pub const RECEIPT_FIELD: HeaderName = HeaderName::from_static("shuqiao-receipt");

/// What ties an answer to its request: method, address and the request's signature.
#[derive(Debug, Clone)]
pub struct RequestBinding {
    method: Method,
    target_uri: String,
    headers: HeaderMap,
    label: Option<String>,
}

impl RequestBinding {
    /// The binding of a request that was sent or received with these headers.
    pub fn new(method: &Method, target_uri: &str, headers: &HeaderMap) -> Result<Self, AuthError> {
        let label = Signature::find(headers)?.map(|signature| signature.label);
        Ok(Self::labelled(method, target_uri, headers, label))
    }

    /// The binding for an answer that is given whatever the request's fields hold: a signature that can't be read
    /// binds nothing.
    pub fn lenient(method: &Method, target_uri: &str, headers: &HeaderMap) -> Self {
        let label = Signature::find(headers).ok().flatten().map(|signature| signature.label);
        Self::labelled(method, target_uri, headers, label)
    }

    fn labelled(method: &Method, target_uri: &str, headers: &HeaderMap, label: Option<String>) -> Self {
        let mut kept = HeaderMap::new();
        for value in headers.get_all(SIGNATURE) {
            kept.append(SIGNATURE, value.clone());
        }
        Self { method: method.clone(), target_uri: target_uri.to_owned(), headers: kept, label }
    }

    fn request(&self) -> Request<'_> {
        Request { method: &self.method, target_uri: &self.target_uri, headers: &self.headers }
    }

    /// The components of the request that an answer's signature covers.
    fn components(&self) -> Vec<String> {
        let mut components = vec!["\"@method\";req".to_owned(), "\"@target-uri\";req".to_owned()];
        components.extend(self.label.as_ref().map(|label| format!("\"signature\";req;key=\"{label}\"")));
        components
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
        let value = HeaderValue::from_str(&digest_field(digest))
            .map_err(|_| AuthError::malformed("content-digest", "it is not printable ASCII"))?;
        headers.insert(CONTENT_DIGEST, value);
    }
    let components = answer_components(request, headers);
    let message = Message { request: request.request(), response: Some(Response { status, headers }) };
    for (name, value) in sign(&message, &components, key, now)? {
        headers.insert(name, value);
    }
    Ok(())
}

fn answer_components(request: &RequestBinding, headers: &HeaderMap) -> Vec<String> {
    let mut components = vec!["\"@status\"".to_owned()];
    components.extend(
        COVERED_FIELDS.iter().filter(|name| headers.contains_key(**name)).map(|name| format!("\"{name}\"")),
    );
    components.extend(request.components());
    components
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
    for component in answer_components(request, headers) {
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
