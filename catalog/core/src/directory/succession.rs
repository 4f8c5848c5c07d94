//! Successions 机构改革: from a date on, one department continues another.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::DepartmentId;
use crate::time::Timestamp;

/// One department continues another. A department has at most one successor, and any number of predecessors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Succession {
    /// The department that ends.
    pub predecessor: DepartmentId,
    /// The one that continues it.
    pub successor: DepartmentId,
    /// From when on.
    pub from: Timestamp,
    /// The document that orders it.
    pub basis: String,
}

/// All successions, those that lie ahead too.
#[derive(Debug, Clone, Default)]
pub struct Successions(Vec<Succession>);

impl Successions {
    /// Of these.
    pub fn new(successions: Vec<Succession>) -> Self {
        Self(successions)
    }

    /// How a department has ended by a time, if it has.
    pub fn end_of(&self, department: &DepartmentId, at: Timestamp) -> Option<&Succession> {
        self.0.iter().find(|succession| succession.predecessor == *department && succession.from <= at)
    }

    /// The department that continues this one at a time: itself, if nothing has ended it.
    pub fn heir_of(&self, department: &DepartmentId, at: Timestamp) -> DepartmentId {
        let (mut heir, mut seen) = (department.clone(), BTreeSet::new());
        while seen.insert(heir.clone()) {
            match self.end_of(&heir, at) {
                Some(end) => heir = end.successor.clone(),
                None => break,
            }
        }
        heir
    }

    /// All that a department continues at a time, directly or through others; never itself.
    pub fn predecessors_of(&self, department: &DepartmentId, at: Timestamp) -> BTreeSet<DepartmentId> {
        let ended = self.0.iter().map(|succession| &succession.predecessor);
        ended
            .filter(|other| *other != department && self.heir_of(other, at) == *department)
            .cloned()
            .collect()
    }
}
