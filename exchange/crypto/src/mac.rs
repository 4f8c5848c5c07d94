use std::fmt;

use ring::hmac;

use crate::{CryptoError, random};

/// A secret for HMAC-SHA256 (RFC 2104): pseudonyms, subject hashes, cursors.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// A key from at least 32 secret bytes.
    pub fn from_bytes(secret: &[u8]) -> Result<Self, CryptoError> {
        if secret.len() < 32 {
            return Err(CryptoError::Key("HMAC-SHA256"));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// A fresh random key that cannot be written down: for what lives as long as the process.
    pub fn ephemeral() -> Result<Self, CryptoError> {
        Self::from_bytes(&random::bytes::<32>()?)
    }

    /// The key of one use, derived from this one: HMAC(key, label).
    ///
    /// Two labels give two unrelated keys; the label says what the key is for.
    pub fn derive(&self, label: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &self.tag(label.as_bytes())))
    }

    /// The 32-byte tag of `message`.
    pub fn tag(&self, message: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.0, message).as_ref());
        out
    }

    /// The tag of a message that stands in several places.
    pub fn tag_of_parts<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        parts.into_iter().for_each(|part| context.update(part));
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    /// Checks a tag in constant time.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> Result<(), CryptoError> {
        hmac::verify(&self.0, message, tag).map_err(|_| CryptoError::Signature)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(secret)")
    }
}
