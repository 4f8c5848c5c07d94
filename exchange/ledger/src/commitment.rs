use exchange_crypto::{Hasher, random};

use crate::LedgerError;

/// A salted hash of something that the log does not say, and the salt that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// 32 random bytes. Without them a commitment to "match" could be guessed.
    pub salt: [u8; 32],
    /// SHA-256 of salt and content, 64 hex digits: what the log holds.
    pub digest: String,
}

/// Commits to the content.
pub fn commit(content: &[u8]) -> Result<Commitment, LedgerError> {
    let salt = random::bytes::<32>()?;
    Ok(Commitment { salt, digest: salted(&salt, content) })
}

/// Whether the content and salt are what the commitment (64 hex digits) was made of.
pub fn opens(digest: &str, salt: &[u8], content: &[u8]) -> bool {
    salted(salt, content) == digest
}

/// The commitment (64 hex digits) that salt and content open.
pub(crate) fn salted(salt: &[u8], content: &[u8]) -> String {
    let mut hasher = Hasher::new();
    hasher.update(salt);
    hasher.update(content);
    hasher.finish().to_hex()
}
