use std::fmt;
use std::str::FromStr;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::{CryptoError, Digest, random, sm2, to_base64url};

/// What stands before the 32 bytes of the seed in a PKCS#8 document of version 1 (RFC 8410 section 7).
const PKCS8_V1: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// What stands before a public key in its SubjectPublicKeyInfo: of Ed25519 (RFC 8410), and of SM2 (RFC 5480, GM/T 0009).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
const SM2_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1,
    0x82, 0x2d, 3, 0x42, 0,
];

/// Which signatures a key makes. A key belongs to one suite, and decides alone how a signature is checked: what a message
/// says of its own algorithm must agree with the key, and chooses nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Suite {
    /// Ed25519 (RFC 8032).
    #[default]
    Ed25519,
    /// SM2 with SM3 (GB/T 32918.2, GB/T 32905).
    Sm2,
}

impl Suite {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ed25519, Self::Sm2];

    /// The `alg` of JWS and JWK: `EdDSA` (RFC 8037), and a name of ours, since none is registered.
    pub fn jose_algorithm(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
            Self::Sm2 => "SM2SM3",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "ed25519",
            Self::Sm2 => "sm2",
        })
    }
}

impl FromStr for Suite {
    type Err = CryptoError;

    fn from_str(name: &str) -> Result<Self, CryptoError> {
        Self::ALL.into_iter().find(|suite| suite.to_string() == name).ok_or(CryptoError::Suite)
    }
}

/// A private key of one of the suites.
pub struct SigningKey {
    private: Private,
    id: String,
}

enum Private {
    Ed25519(Ed25519KeyPair),
    Sm2(Box<sm2::PrivateKey>),
}

impl Private {
    fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => {
                let mut bytes = [0; 32];
                bytes.copy_from_slice(key.public_key().as_ref());
                PublicKey(Public::Ed25519(bytes))
            }
            Self::Sm2(key) => PublicKey(Public::Sm2(key.public)),
        }
    }
}

impl SigningKey {
    /// A fresh Ed25519 key, see [`SigningKey::generate_for`].
    pub fn generate() -> Result<(Self, Vec<u8>), CryptoError> {
        Self::generate_for(Suite::Ed25519)
    }

    /// A fresh key of a suite and its PKCS#8 document, which the caller stores with mode 0600. An Ed25519 one (RFC 8410) is
    /// of version 1, without the public part: openssl and Python read no other.
    pub fn generate_for(suite: Suite) -> Result<(Self, Vec<u8>), CryptoError> {
        let document = match suite {
            Suite::Ed25519 => [PKCS8_V1.as_slice(), &random::bytes::<32>()?].concat(),
            Suite::Sm2 => sm2::generate()?,
        };
        Ok((Self::from_pkcs8(&document)?, document))
    }

    /// A key from a PKCS#8 document, which names its suite.
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, CryptoError> {
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document) {
            return Ok(Self::named(Private::Ed25519(key)));
        }
        let key = sm2::PrivateKey::read(document).ok_or(CryptoError::Key("Ed25519 or SM2 PKCS#8"))?;
        Ok(Self::named(Private::Sm2(Box::new(key))))
    }

    fn named(private: Private) -> Self {
        let id = private.public().id();
        Self { private, id }
    }

    /// The name of its public half, see [`PublicKey::id`].
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The suite.
    pub fn suite(&self) -> Suite {
        self.public().suite()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.private.public()
    }

    /// The 64-byte signature of `message`; of SM2 `r` and `s`, 32 bytes each.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        match &self.private {
            Private::Ed25519(key) => {
                let mut out = [0; 64];
                out.copy_from_slice(key.sign(message).as_ref());
                out
            }
            Private::Sm2(key) => key.sign(message),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

/// A public key of one of the suites. Its bytes tell which: 32 are Ed25519, 65 with 4 as the first are SM2.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(Public);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Public {
    Ed25519([u8; 32]),
    Sm2([u8; 65]),
}

impl PublicKey {
    /// A key from its bytes. Those of SM2 must be a point of the curve; whether those of Ed25519 are one shows when it
    /// verifies.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        if let Ok(bytes) = bytes.try_into() {
            return Ok(Self(Public::Ed25519(bytes)));
        }
        match <[u8; 65]>::try_from(bytes) {
            Ok(bytes) if sm2::is_point(&bytes) => Ok(Self(Public::Sm2(bytes))),
            _ => Err(CryptoError::Key("Ed25519 or SM2 public")),
        }
    }

    /// The 32 bytes of an Ed25519 key, or the 65 of an uncompressed SM2 point.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Public::Ed25519(bytes) => bytes,
            Public::Sm2(bytes) => bytes,
        }
    }

    /// The suite.
    pub fn suite(&self) -> Suite {
        match self.0 {
            Public::Ed25519(_) => Suite::Ed25519,
            Public::Sm2(_) => Suite::Sm2,
        }
    }

    /// `x` of the JWK, and `y` where the suite has one.
    pub fn coordinates(&self) -> (&[u8], Option<&[u8]>) {
        match &self.0 {
            Public::Ed25519(bytes) => (bytes, None),
            Public::Sm2(bytes) => (&bytes[1..33], Some(&bytes[33..])),
        }
    }

    /// The key with these coordinates.
    pub fn from_coordinates(x: &[u8], y: Option<&[u8]>) -> Result<Self, CryptoError> {
        match y {
            None if x.len() == 32 => Self::from_bytes(x),
            Some(y) if x.len() == 32 => Self::from_bytes(&[&[sm2::UNCOMPRESSED], x, y].concat()),
            _ => Err(CryptoError::Key("Ed25519 or SM2 public")),
        }
    }

    /// The key's name: its JWK thumbprint (RFC 7638, RFC 8037), base64url. No two suites give the same JWK.
    pub fn id(&self) -> String {
        let (x, y) = self.coordinates();
        let x = to_base64url(x);
        let jwk = match y.map(to_base64url) {
            None => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            Some(y) => format!(r#"{{"crv":"SM2","kty":"EC","x":"{x}","y":"{y}"}}"#),
        };
        to_base64url(Digest::of(jwk.as_bytes()).as_bytes())
    }

    /// The key as SubjectPublicKeyInfo (RFC 5280), which openssl reads.
    pub fn to_spki(&self) -> Vec<u8> {
        let head = match self.suite() {
            Suite::Ed25519 => ED25519_SPKI.as_slice(),
            Suite::Sm2 => SM2_SPKI.as_slice(),
        };
        [head, self.as_bytes()].concat()
    }

    /// A signature of this key as openssl reads it: of SM2 in ASN.1.
    pub fn to_openssl(&self, signature: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match self.suite() {
            Suite::Ed25519 => Ok(signature.to_vec()),
            Suite::Sm2 => sm2::to_asn1(signature),
        }
    }

    /// Checks the signature of `message` in the key's own suite.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let holds = match &self.0 {
            Public::Ed25519(bytes) => {
                UnparsedPublicKey::new(&ED25519, bytes).verify(message, signature).is_ok()
            }
            Public::Sm2(bytes) => sm2::verify(bytes, message, signature),
        };
        if holds { Ok(()) } else { Err(CryptoError::Signature) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}
