//! RFC 9421: components, signature base, and one signature of a message. Which components must be covered is decided
//! in `request` and `response`.

mod component;

use std::borrow::Cow;

use catalog_core::Timestamp;
use exchange_crypto::{PublicKey, SigningKey, Suite, random, to_base64};
use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, InnerList, ItemSerializer, ListEntry, ListSerializer};

pub(crate) use component::{Message, Request, Response, authority, covered_field};

use crate::AuthError;
use crate::fields::dictionary;

/// The field with the covered components and parameters of signatures.
pub(crate) const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The field with the signatures.
pub(crate) const SIGNATURE: HeaderName = HeaderName::from_static("signature");
/// The application's tag: other signatures of a message are none of our business.
pub(crate) const TAG: &str = "shuqiao";
/// The label under which this crate signs.
pub(crate) const LABEL: &str = "sig1";

const MAX_COMPONENTS: usize = 40;

/// The `alg` of a suite: registered by RFC 9421 for Ed25519, a name of ours for SM2 with SM3.
fn algorithm(suite: Suite) -> &'static str {
    match suite {
        Suite::Ed25519 => "ed25519",
        Suite::Sm2 => "sm2-sm3",
    }
}

/// A signature found in a message: what it covers and says of itself. Not yet verified.
pub(crate) struct Signature {
    /// Its label in the two fields.
    pub(crate) label: String,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When it ends, if it says so.
    pub(crate) expires: Option<Timestamp>,
    /// The signer's one-time text.
    pub(crate) nonce: Option<String>,
    /// The signer's key.
    pub(crate) key_id: String,
    /// Serialized component identifiers.
    pub(crate) covered: Vec<String>,
    /// The signature as a member of its field, with the parameters that it may have there.
    pub(crate) member: String,
    input: InnerList,
    bytes: Vec<u8>,
}

impl Signature {
    /// The signature with our tag; `None` for a message without signatures.
    pub(crate) fn find(headers: &HeaderMap) -> Result<Option<Self>, AuthError> {
        let inputs = dictionary(headers, "signature-input")?;
        let signatures = dictionary(headers, "signature")?;
        let (inputs, mut signatures) = match (inputs, signatures) {
            (None, None) => return Ok(None),
            (Some(inputs), Some(signatures)) => (inputs, signatures),
            _ => {
                return Err(AuthError::malformed(
                    "signature",
                    "`signature-input` and `signature` belong together",
                ));
            }
        };
        let mut ours = inputs.into_iter().filter_map(|(label, entry)| match entry {
            ListEntry::InnerList(input) if text(&input, "tag") == Some(TAG) => Some((label, input)),
            _ => None,
        });
        let (label, input) = ours.next().ok_or_else(|| {
            AuthError::malformed("signature-input", format!("no signature has the parameter tag=\"{TAG}\""))
        })?;
        if ours.next().is_some() {
            return Err(AuthError::malformed(
                "signature-input",
                format!("two signatures have tag=\"{TAG}\""),
            ));
        }
        let entry = signatures.swap_remove(label.as_str());
        let bytes = match &entry {
            Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence().map(<[u8]>::to_vec),
            _ => None,
        };
        let (Some(entry), Some(bytes)) = (entry, bytes) else {
            return Err(AuthError::malformed("signature", "no byte sequence of that label"));
        };
        Self::read(label.as_str().to_owned(), input, member_text(&entry), bytes).map(Some)
    }

    fn read(label: String, input: InnerList, member: String, bytes: Vec<u8>) -> Result<Self, AuthError> {
        let covered = covered(&input)?;
        Ok(Self {
            label,
            created: time(&input, "created")?.ok_or(AuthError::MissingParameter("created"))?,
            expires: time(&input, "expires")?,
            nonce: text(&input, "nonce").map(str::to_owned),
            key_id: text(&input, "keyid").ok_or(AuthError::MissingParameter("keyid"))?.to_owned(),
            covered,
            member,
            input,
            bytes,
        })
    }

    /// Fails unless the signature covers the component.
    pub(crate) fn must_cover(&self, component: &str) -> Result<(), AuthError> {
        if self.covers(component) { Ok(()) } else { Err(AuthError::NotCovered(component.to_owned())) }
    }

    /// Whether the signature covers the component, given as serialized.
    pub(crate) fn covers(&self, component: &str) -> bool {
        self.covered.iter().any(|covered| covered == component)
    }

    /// Checks the signature of a message. The key decides how: an `alg` that stands must name the key's own.
    pub(crate) fn verify(&self, message: &Message<'_>, key: &PublicKey) -> Result<(), AuthError> {
        let expected = algorithm(key.suite());
        if self.input.params.contains_key("alg") && text(&self.input, "alg") != Some(expected) {
            let reason = format!("`alg` must be \"{expected}\" for this key if it stands");
            return Err(AuthError::malformed("signature-input", reason));
        }
        let base = signature_base(message, &self.input)?;
        key.verify(base.as_bytes(), &self.bytes).map_err(|_| AuthError::WrongSignature {
            method: message.request.method.to_string(),
            target_uri: message.request.target_uri.to_owned(),
        })
    }
}

/// A component of a message that is about to be signed: its identifier as serialized, and its value.
pub(crate) type Covered<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Signs a message over these components and gives the two fields, and the signature as a member of its own: what the answer
/// to a request covers of it.
///
/// The signature base is written as it is in RFC 9421 section 2.5, without making structured fields of what is known.
pub(crate) fn sign(
    covered: &[Covered<'_>],
    key: &SigningKey,
    now: Timestamp,
) -> Result<([(HeaderName, HeaderValue); 2], String), AuthError> {
    let mut base = String::with_capacity(1024);
    let mut input = String::with_capacity(512);
    let mut mark = '(';
    for (identifier, value) in covered {
        base.extend([identifier, ": ", value, "\n"]);
        input.push(mark);
        input.push_str(identifier);
        mark = ' ';
    }
    input.extend([
        ");created=",
        &now.seconds().to_string(),
        ";nonce=\"",
        &random::token()?,
        "\";keyid=\"",
        key.id(),
        "\";alg=\"",
        algorithm(key.suite()),
        "\";tag=\"",
        TAG,
        "\"",
    ]);
    base.extend(["\"@signature-params\": ", &input]);
    let member = format!(":{}:", to_base64(&key.sign(base.as_bytes())));
    let value = |field, text: &str| {
        let text = format!("{LABEL}={text}");
        HeaderValue::try_from(text).map_err(|_| AuthError::malformed(field, "it is not printable ASCII"))
    };
    let fields =
        [(SIGNATURE_INPUT, value("signature-input", &input)?), (SIGNATURE, value("signature", &member)?)];
    Ok((fields, member))
}

/// The signature base of RFC 9421 section 2.5.
pub(crate) fn signature_base(message: &Message<'_>, input: &InnerList) -> Result<String, AuthError> {
    let mut base = String::new();
    for item in &input.items {
        let value = message.value(item)?;
        base.push_str(&format!("{}: {value}\n", component::identifier(item)));
    }
    base.push_str(&format!("\"@signature-params\": {}", list_text(input)));
    Ok(base)
}

fn list_text(list: &InnerList) -> String {
    let mut serializer = ListSerializer::new();
    let mut inner = serializer.inner_list();
    inner.items(&list.items);
    // What comes back is the buffer that `serializer` holds.
    let _ = inner.finish().parameters(&list.params).finish();
    serializer.finish().unwrap_or_default()
}

/// The serialized member of a dictionary item, as `;key=` selects it.
fn member_text(entry: &ListEntry) -> String {
    match entry {
        ListEntry::Item(item) => {
            ItemSerializer::new().bare_item(&item.bare_item).parameters(&item.params).finish()
        }
        ListEntry::InnerList(list) => list_text(list),
    }
}

fn covered(input: &InnerList) -> Result<Vec<String>, AuthError> {
    if input.items.len() > MAX_COMPONENTS {
        return Err(AuthError::malformed(
            "signature-input",
            format!("more than {MAX_COMPONENTS} components"),
        ));
    }
    let mut covered: Vec<String> = Vec::with_capacity(input.items.len());
    for item in &input.items {
        let identifier = component::identifier(item);
        if covered.contains(&identifier) {
            return Err(AuthError::malformed("signature-input", format!("{identifier} is covered twice")));
        }
        covered.push(identifier);
    }
    Ok(covered)
}

fn text<'a>(input: &'a InnerList, name: &str) -> Option<&'a str> {
    input.params.get(name).and_then(BareItem::as_string).map(sfv::StringRef::as_str)
}

fn time(input: &InnerList, name: &'static str) -> Result<Option<Timestamp>, AuthError> {
    let Some(value) = input.params.get(name) else { return Ok(None) };
    let seconds = value
        .as_integer()
        .map(i64::from)
        .ok_or_else(|| AuthError::malformed("signature-input", format!("`{name}` must be an integer")))?;
    Ok(Some(Timestamp(seconds.saturating_mul(1_000_000))))
}

#[cfg(test)]
mod tests;
