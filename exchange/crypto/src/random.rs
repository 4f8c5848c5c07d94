//! Randomness from the operating system.

use ring::rand::{SecureRandom, SystemRandom};

use crate::{CryptoError, to_base64url};

/// `N` random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut out = [0; N];
    SystemRandom::new().fill(&mut out).map_err(|_| CryptoError::Randomness)?;
    Ok(out)
}

/// A secret of 256 random bits as 43 URL-safe characters: nonces, tickets, one-time codes.
pub fn token() -> Result<String, CryptoError> {
    Ok(to_base64url(&bytes::<32>()?))
}
