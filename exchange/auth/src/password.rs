use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use catalog_core::{Error, ErrorCode};
use exchange_crypto::random;

use crate::AuthError;

/// Characters of the shortest password.
const SHORTEST: usize = 12;
/// Bytes of the longest.
const LONGEST: usize = 256;

/// What is compared where there is no account: as much work as with one, and never equal. Argon2id with 19 MiB, two passes and
/// one lane, as [`hash_password`] writes it; no password has this hash of zeroes.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWlzLWhlcmU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password by Argon2id (RFC 9106) into the PHC string format, with a salt of its own. Takes some 20 ms and 19 MiB: bound
/// how many run at the same time.
///
/// # Errors
/// `invalid_input` for a password that is too short, too long, or says the person's name.
pub fn hash_password(password: &str, person: &str) -> Result<String, AuthError> {
    check_password(password, person)?;
    let salt = random::bytes::<16>()?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error).into())
}

/// Whether the password is the one of that hash. Without a hash it is not, after the same work.
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    let known = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let is_known = known.is_some();
    let Some(hash) = known.or_else(|| PasswordHash::new(NOBODY).ok()) else { return false };
    let text = password.get(..LONGEST.min(password.len())).unwrap_or_default();
    let is_same = Argon2::default().verify_password(text.as_bytes(), &hash).is_ok();
    is_known && is_same && password.len() <= LONGEST
}

/// Refuses a password that is easy to guess, before anything else is looked at.
pub fn check_password(password: &str, person: &str) -> Result<(), AuthError> {
    let refused = |reason: &str| Err(Error::new(ErrorCode::InvalidInput, reason).into());
    let mut different: Vec<char> = password.chars().collect();
    let length = different.len();
    different.sort_unstable();
    different.dedup();
    if length < SHORTEST || password.len() > LONGEST {
        return refused("a password has at least 12 characters and at most 256 bytes");
    }
    if different.len() < 5 || password.to_lowercase().contains(&person.to_lowercase()) {
        return refused(
            "this password is easy to guess: use more different characters, and not the login name",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let password = "正确的马-电池-订书钉-2026";
        let hash = hash_password(password, "zhang").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hash_password(password, "zhang").unwrap(), "each has a salt of its own");
        assert!(verify_password(password, Some(&hash)));
        for wrong in ["", "正确的马-电池-订书钉-2025", &"x".repeat(1000)] {
            assert!(!verify_password(wrong, Some(&hash)));
        }
        assert!(!verify_password(password, None) && !verify_password("", None));
        assert!(!verify_password(password, Some("not a hash")));
    }

    /// The path of nobody's password costs what a real one costs: it is a hash of the same kind and cost.
    #[test]
    fn nobody_is_as_much_work_as_somebody() {
        let parameters = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        let real = hash_password("correct horse battery", "zhang").unwrap();
        assert_eq!(parameters(NOBODY), parameters(&real));
        assert_eq!(NOBODY.len(), real.len() - 22 + "bm9ib2R5LWlzLWhlcmU".len());
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["short", "aaaaaaaaaaaaaaaa", "my-name-is-ZHANG-san", &"ab3-".repeat(100)] {
            let error = hash_password(weak, "zhang").unwrap_err();
            assert_eq!(Error::from(error).code, ErrorCode::InvalidInput, "{weak}");
        }
    }
}
