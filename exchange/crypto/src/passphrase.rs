use std::num::NonZeroU32;

use ring::pbkdf2;

use crate::{CryptoError, SealingKey};

/// Rounds of PBKDF2 for new files: what OWASP asks for with HMAC-SHA256, so that a guess costs a third of a second.
// A constant is evaluated by the compiler: zero would not compile.
pub const PASSPHRASE_ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();

impl SealingKey {
    /// A key from a passphrase that people keep: PBKDF2-HMAC-SHA256 (RFC 8018) with a random salt. Rounds and salt are no
    /// secret and stand beside what is sealed.
    pub fn from_passphrase(passphrase: &[u8], salt: &[u8], rounds: NonZeroU32) -> Result<Self, CryptoError> {
        let mut secret = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, passphrase, &mut secret);
        Self::from_bytes(&secret)
    }
}
