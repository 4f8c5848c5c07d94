//! Public keys: registered, replaced, ended; never forgotten.

use askama::Template;
use catalog_core::Timestamp;
use catalog_core::directory::Department;
use catalog_core::ports::{KeyOwner, KeyRecord};

use crate::around::Around;
use crate::names::Names;

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
    /// Who the people and departments are.
    pub names: &'a Names,
}

impl KeysPage<'_> {
    fn owner(&self, key: &KeyRecord) -> String {
        match &key.owner {
            KeyOwner::Platform => self.a.say("平台", "platform").to_owned(),
            KeyOwner::Department(id) => self.names.department(id.as_str()).to_owned(),
            KeyOwner::Person(id) => self.names.principal(&self.a, id),
        }
    }

    /// The name by which forms call the owner.
    fn owner_id<'k>(&self, key: &'k KeyRecord) -> &'k str {
        match &key.owner {
            KeyOwner::Platform => "platform",
            KeyOwner::Department(id) => id.as_str(),
            KeyOwner::Person(id) => id,
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
