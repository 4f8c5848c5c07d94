//! One's own account, and what keeps the server in order.

use askama::Template;
use catalog_core::policy::Action;
use catalog_core::ports::KeyRecord;
use catalog_core::words::{Delivery, Destination};
use catalog_core::{Principal, Role, Timestamp};

use crate::around::Around;

/// Who one is, and what one may do.
#[derive(Template)]
#[template(path = "desk/account.html")]
pub struct AccountPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Who reads.
    pub principal: &'a Principal,
    /// The session: since when, until when, and whether by a password.
    pub session: Option<(Timestamp, Timestamp, bool)>,
    /// What they may do.
    pub actions: Vec<Action>,
    /// Their own keys.
    pub keys: Vec<&'a KeyRecord>,
    /// The time.
    pub now: Timestamp,
}

impl AccountPage<'_> {
    fn is_administrator(&self) -> bool {
        self.principal.roles.iter().any(|role| Role::is_administrator(*role))
    }
}

/// What was erased, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearedAway {
    /// Objects, in order.
    pub objects: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that stay.
    pub kept: u64,
    /// Whether nothing was erased yet.
    pub dry_run: bool,
    /// Versions from which withdrawn records were erased: resource, number, rows.
    pub versions: Vec<(String, i64, Option<i64>)>,
}

/// The most objects that a page names.
const NAMED: usize = 200;

/// Garbage, and words that have not arrived.
#[derive(Template)]
#[template(path = "desk/maintenance.html")]
pub struct MaintenancePage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Words to departments that wait, or were given up.
    pub words: &'a [Delivery],
    /// What a collection has done just now.
    pub cleared: Option<&'a ClearedAway>,
}

impl MaintenancePage<'_> {
    fn named(&self) -> usize {
        NAMED
    }

    fn destination<'d>(&self, delivery: &'d Delivery) -> &'d str {
        match &delivery.destination {
            Destination::Mail(address) | Destination::Webhook(address) => address,
        }
    }
}
