#![doc = include_str!("../README.md")]

mod digest;
mod encoding;
mod foreign;
mod mac;
mod passphrase;
pub mod random;
mod sealing;
mod signature;
mod sm2;

pub use digest::{Digest, Hasher, sha1};
pub use encoding::{from_base64, from_base64url, from_hex, to_base64, to_base64url, to_hex};
pub use foreign::ForeignKey;
pub use mac::MacKey;
pub use passphrase::PASSPHRASE_ROUNDS;
pub use sealing::SealingKey;
pub use signature::{PublicKey, SigningKey, Suite};

/// What can go wrong with keys, signatures and encodings.
///
/// The messages carry no key material and no signed content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// Text that is not valid hex or base64.
    #[error("not valid {0}")]
    Encoding(&'static str),
    /// Bytes that are no key of the expected kind.
    #[error("not a valid {0} key")]
    Key(&'static str),
    /// A name of no suite of signatures.
    #[error("the suites of signatures are ed25519 and sm2")]
    Suite,
    /// A signature that does not match its message and key.
    #[error("the signature does not match")]
    Signature,
    /// Something sealed that does not open with this key and name.
    #[error("the sealed text was changed or belongs to another key")]
    Sealed,
    /// The operating system gave no randomness.
    #[error("the operating system provides no randomness")]
    Randomness,
}

#[cfg(test)]
mod tests;
