//! Accounts: how a person signs in without a key of their own, and how guessing is stopped.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ports::Person;
use crate::time::Timestamp;

/// Wrong tries in a row after which an account is locked.
pub const TRIES: u32 = 5;
/// Seconds of the first lock; each further wrong try doubles them.
pub const LOCK_SECONDS: i64 = 15 * 60;
/// Seconds of the longest lock: whoever guesses has few tries in a day, and whoever is guessed at gets in between.
pub const LONGEST_LOCK_SECONDS: i64 = 3600;
/// Seconds without a try and without a lock after which earlier tries are forgotten.
pub const FADING_SECONDS: i64 = 24 * 3600;
/// Seconds for which an invitation's code works.
pub const CODE_SECONDS: i64 = 7 * 86_400;
/// What the login names of developers who registered themselves begin with; nobody is given such a name.
pub const DEVELOPER_PREFIX: &str = "dev-";

/// The local account of a person: a password that only its owner knows, or a code by which they set one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Login name of the person.
    pub person: String,
    /// Argon2id in the PHC string format; none until its owner has set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The code by which its owner sets a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<AccountCode>,
    /// Tries since the last one that was right, or since a day without any.
    #[serde(default)]
    pub failures: u32,
    /// When the last of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<Timestamp>,
    /// Until when no try is heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// The name of a developer whose address is not confirmed yet: there is no such person before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applicant: Option<String>,
    /// A developer's address, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Raised by each write: of two writers one wins.
    #[serde(default)]
    pub revision: i64,
}

/// A code that works once. Only its digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCode {
    /// SHA-256, hex.
    pub digest: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A mail address that only the platform's key opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Keyed hash of the address, hex, by which its owner is found again.
    pub hash: String,
    /// The address, sealed under the login name; base64.
    pub sealed: String,
}

/// What evidence commits to of an account, by a digest of it: all but the tries, which come and go between events.
#[derive(Serialize)]
pub struct AccountFacts<'a> {
    person: &'a str,
    password: Option<&'a str>,
    code: Option<&'a AccountCode>,
    applicant: Option<&'a str>,
    contact: Option<&'a Contact>,
}

impl Account {
    /// The account of a person that has neither password nor code yet.
    pub fn of(person: &str) -> Self {
        Self {
            person: person.to_owned(),
            password: None,
            code: None,
            failures: 0,
            tried_at: None,
            locked_until: None,
            applicant: None,
            contact: None,
            revision: 0,
        }
    }

    /// What evidence commits to. Each password and address in it is salted: its digest tells nobody anything.
    pub fn facts(&self) -> AccountFacts<'_> {
        AccountFacts {
            person: &self.person,
            password: self.password.as_deref(),
            code: self.code.as_ref(),
            applicant: self.applicant.as_deref(),
            contact: self.contact.as_ref(),
        }
    }

    /// Whether no try is heard now.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|end| now < end)
    }

    /// Counts a try before it is looked at, so that many at the same time are no more than the same number in a row. From
    /// the last that is allowed on, each locks what comes behind it, for twice as long as the one before.
    pub fn count_try(&mut self, now: Timestamp) {
        let quiet_since = self.locked_until.max(self.tried_at);
        if quiet_since.is_some_and(|since| since.plus_seconds(FADING_SECONDS) <= now) {
            self.forget_tries();
        }
        self.tried_at = Some(now);
        self.failures = self.failures.saturating_add(1);
        if let Some(beyond) = self.failures.checked_sub(TRIES) {
            let seconds = LOCK_SECONDS.saturating_mul(1 << beyond.min(10)).min(LONGEST_LOCK_SECONDS);
            self.locked_until = Some(now.plus_seconds(seconds));
        }
    }

    /// The try was right.
    pub fn forget_tries(&mut self) {
        self.failures = 0;
        self.tried_at = None;
        self.locked_until = None;
    }

    /// Gives it a code that works for a while; an earlier one no longer does.
    pub fn give_code(&mut self, digest: String, now: Timestamp) {
        self.code = Some(AccountCode { digest, made_at: now, expires_at: now.plus_seconds(CODE_SECONDS) });
    }

    /// The digest that a code must have now.
    pub fn code_digest(&self, now: Timestamp) -> Option<&str> {
        self.code.as_ref().filter(|code| now < code.expires_at).map(|code| code.digest.as_str())
    }

    /// Sets the password: the code is used up, and whoever was locked out is in again.
    pub fn set_password(&mut self, hash: String) {
        self.password = Some(hash);
        self.code = None;
        self.applicant = None;
        self.forget_tries();
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("person", &self.person).finish_non_exhaustive()
    }
}

/// How a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedInBy {
    /// The password of a local account.
    Password,
    /// An identity provider (OpenID Connect).
    Oidc,
}

/// A person at a browser, from signing in to signing out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Identity, as evidence names it; says nothing of the token.
    pub id: String,
    /// SHA-256 of the token in the cookie, hex. The token itself is never stored.
    pub token_digest: String,
    /// Login name.
    pub person: String,
    /// What the person was when it began, see [`Person::standing`]: another standing ends it.
    pub standing: String,
    /// How it began.
    pub by: SignedInBy,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was used last, to the minute.
    pub used_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
}

impl Person {
    /// A digest of department, roles and activity: whoever signed in with another has to sign in again.
    pub fn standing(&self) -> String {
        let department = self.department.as_ref().map_or("", |department| department.as_str());
        let roles: Vec<_> = self.roles.iter().map(|role| role.label()).collect();
        let text = format!("{department}\n{}\n{}", roles.join(","), self.active);
        exchange_crypto::Digest::of(text.as_bytes()).to_hex()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_grow_and_end() {
        let mut account = Account::of("zhang");
        let now = Timestamp(1_795_309_200_000_000);
        for _ in 1..TRIES {
            account.count_try(now);
            assert!(!account.is_locked(now));
        }
        account.count_try(now);
        assert!(account.is_locked(now) && account.is_locked(now.plus_seconds(LOCK_SECONDS - 1)));
        let later = now.plus_seconds(LOCK_SECONDS);
        assert!(!account.is_locked(later));
        account.count_try(later);
        assert!(account.is_locked(later.plus_seconds(2 * LOCK_SECONDS - 1)), "twice as long");
        for _ in 0..100 {
            account.count_try(later);
        }
        assert!(account.is_locked(later.plus_seconds(LONGEST_LOCK_SECONDS - 1)));
        assert!(!account.is_locked(later.plus_seconds(LONGEST_LOCK_SECONDS)));
        account.forget_tries();
        assert!(!account.is_locked(later));
    }

    #[test]
    fn a_wrong_try_a_day_locks_nobody_out() {
        let mut account = Account::of("zhang");
        let mut now = Timestamp(1_795_309_200_000_000);
        for _ in 0..3 * TRIES {
            account.count_try(now);
            assert!(!account.is_locked(now) && account.failures == 1);
            now = now.plus_seconds(FADING_SECONDS);
        }
        // What comes sooner counts, and the time of a lock is no quiet one.
        for _ in 1..TRIES {
            account.count_try(now.plus_seconds(-1));
        }
        assert!(account.is_locked(now));
        let end = account.locked_until.unwrap_or_default();
        account.count_try(end.plus_seconds(FADING_SECONDS - 1));
        assert_eq!(account.failures, TRIES + 1);
        account.count_try(now.plus_seconds(3 * FADING_SECONDS));
        assert_eq!((account.failures, account.locked_until), (1, None));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut account = Account::of("zhang");
        account.give_code("digest-of-code".to_owned(), Timestamp(0));
        account.password = Some("$argon2id$secret".to_owned());
        let shown = format!("{account:?}");
        assert!(!shown.contains("secret") && !shown.contains("digest-of-code"), "{shown}");
    }
}
