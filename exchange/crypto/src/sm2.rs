//! SM2 signatures over SM3 digests (GB/T 32918.2, GB/T 32905), with the signer's identifier of GM/T 0009.

use ::sm2::SecretKey;
use ::sm2::dsa::signature::{Signer as _, Verifier as _};
use ::sm2::dsa::{Signature, SigningKey, VerifyingKey};
use ::sm2::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};

use crate::{CryptoError, random};

/// The identifier that is hashed before each message where signer and verifier have agreed on none (GM/T 0009).
const IDENTIFIER: &str = "1234567812345678";
/// What stands before the coordinates of an uncompressed point (GB/T 32918.1).
pub(crate) const UNCOMPRESSED: u8 = 4;

/// The PKCS#8 document (RFC 5958, RFC 5915) of a fresh key.
pub(crate) fn generate() -> Result<Vec<u8>, CryptoError> {
    loop {
        // One of 2^32 draws is beyond the order of the curve.
        if let Ok(secret) = SecretKey::from_slice(&random::bytes::<32>()?) {
            let document = secret.to_pkcs8_der().map_err(|_| CryptoError::Key("SM2 PKCS#8"))?;
            return Ok(document.as_bytes().to_vec());
        }
    }
}

/// A private key with the bytes of its public one.
pub(crate) struct PrivateKey {
    key: SigningKey,
    pub(crate) public: [u8; 65],
}

impl PrivateKey {
    /// A key from its PKCS#8 document; a public part in it must be the key's own.
    pub(crate) fn read(document: &[u8]) -> Option<Self> {
        let secret = SecretKey::from_pkcs8_der(document).ok()?;
        let key = SigningKey::new(IDENTIFIER, &secret).ok()?;
        let public = <[u8; 65]>::try_from(&*key.verifying_key().to_sec1_bytes()).ok()?;
        // The order less one is a number of the curve too, but no key: nothing can be signed with it.
        key.try_sign(b"").is_ok().then_some(Self { key, public })
    }

    /// `r` and `s`. The nonce is derived from key and message (RFC 6979).
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Option<Signature> = self.key.try_sign(message).ok();
        // A nonce that can't be used comes once in 2^250 messages; zeros are no signature under any key.
        signature.map_or([0; 64], |signature| signature.to_bytes().into())
    }
}

/// Whether the bytes are a point of the curve, other than the one at infinity, uncompressed.
pub(crate) fn is_point(bytes: &[u8; 65]) -> bool {
    bytes[0] == UNCOMPRESSED && VerifyingKey::from_sec1_bytes(IDENTIFIER, bytes).is_ok()
}

/// The signature as ASN.1 (GM/T 0009), which is how openssl writes it.
pub(crate) fn to_asn1(signature: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let signature = Signature::from_slice(signature).map_err(|_| CryptoError::Signature)?;
    Ok(signature.to_der().as_bytes().to_vec())
}

pub(crate) fn verify(public: &[u8; 65], message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_sec1_bytes(IDENTIFIER, public);
    let signature = Signature::from_slice(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
}
