//! Successions 机构改革: from a date on, one department continues another, or takes over some of its resources.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{DepartmentId, ResourceCode};
use crate::time::Timestamp;

/// How far a succession has come. It takes two persons of the data authority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuccessionState {
    /// One officer has proposed it; nothing follows from it.
    Proposed,
    /// A second officer has confirmed it: it counts from its date on.
    #[default]
    Confirmed,
    /// It was called off before its date.
    Cancelled,
}

/// One department continues another as a whole, or from a date on provides resources that were the other's. A department has
/// at most one successor, and any number of predecessors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Succession {
    /// Identity.
    #[serde(default)]
    pub id: String,
    /// The department that ends, or that gives resources up.
    pub predecessor: DepartmentId,
    /// The one that continues it, or takes them over.
    pub successor: DepartmentId,
    /// The resources that are handed over 职能划转; without any it is the department as a whole, which ends.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub resources: BTreeSet<ResourceCode>,
    /// From when on.
    pub from: Timestamp,
    /// The document that orders it.
    pub basis: String,
    /// How far it has come.
    #[serde(default)]
    pub state: SuccessionState,
    /// The officer who proposed it; shown to the authority and auditors alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub proposed_by: String,
    /// When its resources were entered for the successor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_out: Option<Timestamp>,
}

impl Succession {
    /// Whether the department ends by it.
    pub fn is_whole(&self) -> bool {
        self.resources.is_empty()
    }

    /// Whether resources of the department are still to be handed over by it.
    pub(crate) fn is_handover_of(&self, department: &DepartmentId) -> bool {
        let is_handover = self.state == SuccessionState::Confirmed && !self.is_whole();
        is_handover && self.carried_out.is_none() && self.predecessor == *department
    }

    /// Whether it hands over resources whose date has come.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.is_handover_of(&self.predecessor) && self.from <= now
    }

    /// The instant before it takes effect.
    pub(crate) fn eve(&self) -> Timestamp {
        Timestamp(self.from.0.saturating_sub(1))
    }
}

/// All confirmed successions, those that lie ahead too.
#[derive(Debug, Clone, Default)]
pub struct Successions(Vec<Succession>);

impl Successions {
    /// Of these; what is not confirmed, or was cancelled, does not count.
    pub fn new(mut successions: Vec<Succession>) -> Self {
        successions.retain(|succession| succession.state == SuccessionState::Confirmed);
        successions.sort_by_key(|succession| succession.from);
        Self(successions)
    }

    /// How a department has ended by a time, if it has.
    pub fn end_of(&self, department: &DepartmentId, at: Timestamp) -> Option<&Succession> {
        let ends = |succession: &&Succession| succession.is_whole() && succession.predecessor == *department;
        self.0.iter().filter(ends).find(|succession| succession.from <= at)
    }

    /// When the next one after a time takes effect.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.iter().map(|succession| succession.from).find(|from| *from > now)
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

    /// Whether what the directory enters for `provider` is the predecessor's when the succession takes effect.
    pub fn gives(&self, succession: &Succession, provider: &DepartmentId) -> bool {
        self.heir_of(provider, succession.eve()) == succession.predecessor
    }

    /// Who provides a resource at a time that the directory enters for `provider` today.
    pub fn provider_of(&self, code: &ResourceCode, provider: &DepartmentId, at: Timestamp) -> DepartmentId {
        let ahead = self.0.iter().filter(|succession| {
            succession.carried_out.is_none() && succession.from <= at && succession.resources.contains(code)
        });
        let mut provider = provider.clone();
        for succession in ahead {
            if self.gives(succession, &provider) {
                provider = succession.successor.clone();
            }
        }
        self.heir_of(&provider, at)
    }
}
