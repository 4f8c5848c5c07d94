use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::{CryptoError, random};

/// A secret for AES-256-GCM (NIST SP 800-38D): what it seals can be read and changed by nobody without it.
///
/// Nonces are random, so one key seals at most 2^32 messages: derive one for each purpose or record.
pub struct SealingKey(LessSafeKey);

impl SealingKey {
    /// A key from 32 secret bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Result<Self, CryptoError> {
        let key = UnboundKey::new(&AES_256_GCM, secret).map_err(|_| CryptoError::Key("AES-256-GCM"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals `content`: 12 bytes of nonce, the ciphertext, 16 bytes of tag. It opens only together with `name`.
    pub fn seal(&self, name: &[u8], content: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let nonce = random::bytes::<NONCE_LEN>()?;
        let mut sealed = [nonce.as_slice(), content].concat();
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name),
                &mut sealed[NONCE_LEN..],
            )
            .map_err(|_| CryptoError::Sealed)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`SealingKey::seal`] made under the same name.
    pub fn open(&self, name: &[u8], sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError::Sealed)?;
        let mut content = rest.to_vec();
        let length = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(name), &mut content)
            .map_err(|_| CryptoError::Sealed)?
            .len();
        content.truncate(length);
        Ok(content)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(secret)")
    }
}
