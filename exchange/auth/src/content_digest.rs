use exchange_crypto::Digest;
use http::{HeaderMap, HeaderName};
use sfv::ListEntry;

use crate::AuthError;
use crate::fields::dictionary;

/// The field `content-digest` of RFC 9530: digest of the content as it is transferred.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// The field `repr-digest` of RFC 9530: digest of the whole stored representation.
pub const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// The value of `content-digest` or `repr-digest` for a SHA-256 digest.
pub fn digest_field(digest: &Digest) -> String {
    format!("sha-256=:{}:", digest.to_base64())
}

/// The SHA-256 digest that `content-digest` or `repr-digest` states; `None` without the field.
///
/// Other algorithms beside `sha-256` are tolerated, a field without it is an error.
pub fn read_digest_field(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Digest>, AuthError> {
    let field = if *name == REPR_DIGEST { "repr-digest" } else { "content-digest" };
    let Some(members) = dictionary(headers, field)? else { return Ok(None) };
    let stated = match members.get("sha-256") {
        Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence(),
        _ => None,
    };
    let bytes = stated.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.map(|bytes| Some(Digest::from_bytes(bytes))).ok_or_else(|| {
        AuthError::malformed(field, "it must hold `sha-256=:<base64 of 32 bytes>:` (RFC 9530)")
    })
}
