use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use catalog_core::{Error, ErrorCode, Timestamp};
use exchange_crypto::{Digest, random};
use serde::{Deserialize, Serialize};

use crate::{AuthError, write_secret_file};

/// A fresh code: shown once, and only its digest is stored.
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
        let digest = Self::digest_of(&code);
        Ok(Self { code, digest })
    }

    /// The digest of a code as someone typed it: case, spaces and hyphens do not count.
    pub fn digest_of(typed: &str) -> Digest {
        let letters: String = typed
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        Digest::of(letters.as_bytes())
    }

    /// Whether what someone typed is the code of that digest (hex); case, spaces and hyphens do not matter. Without a
    /// digest it is not.
    pub fn is(typed: &str, digest: Option<&str>) -> bool {
        digest
            .and_then(|hex| Digest::from_hex(hex).ok())
            .is_some_and(|digest| Self::digest_of(typed).is_same(&digest))
    }
}

/// The code by which the first administrator comes in, as it lies in the data folder: its digest and its end.
///
/// It works once, for a week, and only a few tries a minute are heard. One per server.
pub struct FirstCode {
    path: PathBuf,
    tries: Mutex<Tries>,
}

/// Seconds for which a code works.
const LIFE_SECONDS: i64 = 7 * 86_400;
/// Tries heard in a minute, right or wrong.
const TRIES: u32 = 10;
const MINUTE: i64 = 60;

#[derive(Serialize, Deserialize)]
struct Stored {
    digest: String,
    expires_at: Timestamp,
}

/// Tries since a minute began.
#[derive(Default)]
struct Tries {
    since: Timestamp,
    count: u32,
}

impl FirstCode {
    /// The code that lies, or may come to lie, in this file.
    pub fn at(path: PathBuf) -> Self {
        Self { path, tries: Mutex::default() }
    }

    /// Makes a code and stores its digest, unless one is waiting that has not expired.
    pub fn issue(&self, now: Timestamp) -> Result<Option<OneTimeCode>, AuthError> {
        match self.stored()? {
            Some(stored) if now < stored.expires_at => return Ok(None),
            Some(_) => self.remove()?,
            None => {}
        }
        let code = OneTimeCode::generate()?;
        let stored = Stored { digest: code.digest.to_hex(), expires_at: now.plus_seconds(LIFE_SECONDS) };
        let document = serde_json::to_vec(&stored).map_err(Error::internal)?;
        write_secret_file(&self.path, &document)?;
        Ok(Some(code))
    }

    /// Whether a code waits for whoever has it.
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        self.stored().ok().flatten().is_some_and(|stored| now < stored.expires_at)
    }

    /// Accepts what someone typed, once. The code is gone before this returns, whatever becomes of the claim.
    ///
    /// # Errors
    /// `unauthenticated` if it is wrong, was used or has expired; `unavailable` after too many tries in a minute.
    pub fn redeem(&self, typed: &str, now: Timestamp) -> Result<(), AuthError> {
        // Held until the code is gone: of two who come with it, one gets in.
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if now < tries.since || tries.since.plus_seconds(MINUTE) <= now {
            *tries = Tries { since: now, count: 0 };
        }
        tries.count += 1;
        if tries.count > TRIES {
            let message = "too many codes were tried; wait a minute";
            return Err(Error::new(ErrorCode::Unavailable, message).into());
        }
        let refused = |reason: &str| AuthError::OneTimeCode(reason.to_owned());
        let stored = self.stored()?.ok_or_else(|| refused("none is waiting; `shuqiao init` makes one"))?;
        let expected = Digest::from_hex(&stored.digest)?;
        if !OneTimeCode::digest_of(typed).is_same(&expected) {
            return Err(refused("it is not the one that `shuqiao init` printed"));
        }
        if stored.expires_at <= now {
            return Err(refused("it has expired; `shuqiao init` makes a new one"));
        }
        self.remove()
    }

    fn stored(&self) -> Result<Option<Stored>, AuthError> {
        match fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|_| self.fault("is damaged: remove it and call `shuqiao init` again".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.fault(error.to_string())),
        }
    }

    fn remove(&self) -> Result<(), AuthError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::remove_file(&self.path)
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(|error| self.fault(format!("can't be removed: {error}")))
    }

    fn fault(&self, reason: String) -> AuthError {
        AuthError::KeyFile { path: self.path.clone(), reason }
    }
}
