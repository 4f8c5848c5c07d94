use exchange_crypto::{Digest, random};

use crate::AuthError;

/// A code that works once: it lets the first administrator in.
///
/// Whoever makes it shows the code once and stores the digest alone, in a file of mode 0600; whoever accepts it deletes
/// that file before anything else.
pub struct OneTimeCode {
    /// The code to show, five groups of letters and digits.
    pub code: String,
    /// What to store.
    pub digest: Digest,
}

/// Without letters and digits that people mix up (0 O, 1 I L, U V).
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 5;
const GROUP_LENGTH: usize = 5;

impl OneTimeCode {
    /// A fresh code of 25 characters: over 120 random bits, so that a stored digest can't be searched.
    pub fn generate() -> Result<Self, AuthError> {
        let mut code = String::with_capacity(GROUPS * (GROUP_LENGTH + 1));
        let mut written = 0;
        while written < GROUPS * GROUP_LENGTH {
            for byte in random::bytes::<64>()? {
                // 240 = 8 * 30: without this limit some letters would come more often.
                if byte >= 240 || written == GROUPS * GROUP_LENGTH {
                    continue;
                }
                if written > 0 && written % GROUP_LENGTH == 0 {
                    code.push('-');
                }
                code.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
                written += 1;
            }
        }
        let digest = digest_of(&code);
        Ok(Self { code, digest })
    }

    /// Whether what someone typed is the code of that digest. Case, spaces and hyphens do not matter.
    pub fn matches(typed: &str, digest: &Digest) -> bool {
        // Digests of a secret: how long the comparison takes tells nothing about the secret.
        digest_of(typed) == *digest
    }
}

fn digest_of(code: &str) -> Digest {
    let letters: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
    Digest::of(letters.as_bytes())
}
