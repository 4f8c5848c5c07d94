use http::{HeaderMap, HeaderName};

use crate::AuthError;
use crate::fields::field_value;

/// Field with the purpose (business matter 业务事项).
pub const PURPOSE_FIELD: HeaderName = HeaderName::from_static("shuqiao-purpose");
/// Field with the matter number 办件号.
pub const MATTER_FIELD: HeaderName = HeaderName::from_static("shuqiao-matter");
/// Field with the operator's staff id, as the department asserts it.
pub const OPERATOR_FIELD: HeaderName = HeaderName::from_static("shuqiao-operator");

/// The fields in which a caller asserts what it acts for; a signature covers those that are present.
pub(crate) const ASSERTION_FIELDS: [&str; 3] = ["shuqiao-purpose", "shuqiao-matter", "shuqiao-operator"];

/// Longest assertion in characters, once decoded.
const MAX_CHARACTERS: usize = 400;

/// Writes text for an assertion field: UTF-8, percent-encoded but for the unreserved characters of RFC 3986.
pub fn encode_assertion(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Reads what [`encode_assertion`] wrote. Printable ASCII other than `%` may stand unencoded.
///
/// `None` for broken encoding, and for text that is empty, too long or holds control characters.
pub fn decode_assertion(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(digits[0])? << 4 | digit(digits[1])?);
        rest = tail;
    }
    let text = String::from_utf8(bytes).ok()?;
    let sound = !text.trim().is_empty()
        && text.chars().count() <= MAX_CHARACTERS
        && !text.chars().any(char::is_control);
    sound.then_some(text)
}

/// What the caller asserts in one field; `None` without the field.
pub(crate) fn read_assertion(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, AuthError> {
    let Some(value) = field_value(headers, name)? else { return Ok(None) };
    let decoded = decode_assertion(&value);
    decoded.map(Some).ok_or_else(|| {
        AuthError::malformed(
            name,
            format!("it must be 1 to {MAX_CHARACTERS} characters of percent-encoded UTF-8"),
        )
    })
}
