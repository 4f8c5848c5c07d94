use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::{CryptoError, Digest, random, to_base64url};

/// What stands before the 32 bytes of the seed in a PKCS#8 document of version 1 (RFC 8410 section 7).
const PKCS8_V1: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// An Ed25519 private key (RFC 8032).
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// A fresh key and its PKCS#8 document (RFC 8410), which the caller stores with mode 0600. It is of version 1,
    /// without the public part: openssl and Python read no other.
    pub fn generate() -> Result<(Self, Vec<u8>), CryptoError> {
        let document = [PKCS8_V1.as_slice(), &random::bytes::<32>()?].concat();
        Ok((Self::from_pkcs8(&document)?, document))
    }

    /// A key from a PKCS#8 document of version 1 or, with the public part, of version 2.
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, CryptoError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(document)
            .map(Self)
            .map_err(|_| CryptoError::Key("Ed25519 PKCS#8"))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// The 64-byte signature of `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        out.copy_from_slice(self.0.sign(message).as_ref());
        out
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// A key from its 32 bytes. Whether they are a point of the curve shows when it verifies.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        bytes.try_into().map(Self).map_err(|_| CryptoError::Key("Ed25519 public"))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key's name: its JWK thumbprint (RFC 7638, RFC 8037), base64url.
    pub fn id(&self) -> String {
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, to_base64url(&self.0));
        to_base64url(Digest::of(jwk.as_bytes()).as_bytes())
    }

    /// Checks the signature of `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(message, signature)
            .map_err(|_| CryptoError::Signature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}
