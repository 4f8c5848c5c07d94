use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::CryptoError;

/// A public key of somebody else's making, with the one algorithm (RFC 7518, RFC 8037) that its signatures are checked by.
///
/// The algorithm belongs to the key: what a message says of its own algorithm must agree, and `none` or a shared secret
/// are no algorithms here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignKey {
    /// RSA of 2048 to 8192 bits with SHA-256: `RS256`, `PS256`.
    Rsa {
        /// Modulus, big-endian.
        n: Vec<u8>,
        /// Exponent, big-endian.
        e: Vec<u8>,
    },
    /// ECDSA on P-256 with SHA-256, `ES256`: the uncompressed point.
    P256(Vec<u8>),
    /// Ed25519, `EdDSA`.
    Ed25519(Vec<u8>),
}

impl ForeignKey {
    /// Checks a signature by the named JWS algorithm.
    ///
    /// # Errors
    /// [`CryptoError::Signature`] where it does not match, and where the algorithm is none of this key's.
    pub fn verify(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let verified = match (self, algorithm) {
            (Self::Rsa { n, e }, "RS256") => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Self::Rsa { n, e }, "PS256") => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, message, signature)
            }
            (Self::P256(point), "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Self::Ed25519(key), "EdDSA") => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            _ => return Err(CryptoError::Signature),
        };
        verified.map_err(|_| CryptoError::Signature)
    }
}
