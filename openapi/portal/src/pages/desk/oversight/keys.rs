//! Public keys: registered, replaced, ended; never forgotten.

use askama::Template;
use catalog_core::Timestamp;
use catalog_core::directory::Department;
use catalog_core::ports::{KeyOwner, KeyRecord};

use crate::around::Around;

/// A key as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnteredKey {
    /// `department` or `person`.
    pub owner: String,
    /// The department's machine name, or the login name.
    pub name: String,
    /// The public key, base64url.
    pub public_key: String,
}

/// The keys that somebody may look after.
#[derive(Template)]
#[template(path = "desk/keys.html")]
pub struct KeysPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The keys, the newest first.
    pub keys: Vec<&'a KeyRecord>,
    /// Whether the reader registers keys of others.
    pub may_register: bool,
    /// The departments to choose from.
    pub departments: &'a [Department],
    /// What was typed of a new key.
    pub entered: &'a EnteredKey,
    /// The time.
    pub now: Timestamp,
}

impl KeysPage<'_> {
    fn owner(&self, key: &KeyRecord) -> String {
        match &key.owner {
            KeyOwner::Platform => self.a.say("平台", "platform").to_owned(),
            KeyOwner::Department(id) => id.to_string(),
            KeyOwner::Person(id) => id.clone(),
        }
    }

    fn is_of_platform(&self, key: &KeyRecord) -> bool {
        key.owner == KeyOwner::Platform
    }

    fn suite(&self, key: &KeyRecord) -> &'static str {
        // 32 bytes in base64url are 43 characters.
        if key.public_key.len() <= 44 { "Ed25519" } else { "SM2" }
    }
}
