//! Substitutes 代办: for a time, a person holds a further role of their own department.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::Role;
use crate::ids::DepartmentId;
use crate::time::Timestamp;

/// A person stands in for those who hold a role in the person's department. It ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Substitution {
    /// Identity, which evidence of what is done names.
    pub id: String,
    /// Who stands in.
    pub person: String,
    /// The department in which; it is over when the person leaves it.
    #[serde(default)]
    pub department: Option<DepartmentId>,
    /// The role that is held beside the person's own.
    pub role: Role,
    /// From when on.
    pub from: Timestamp,
    /// Until when, excluded.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who named the substitute.
    pub named_by: String,
}

impl Substitution {
    /// Whether the role is held at a time by the person, who belongs to that department by then.
    pub fn is_in_force(&self, department: Option<&DepartmentId>, at: Timestamp) -> bool {
        department.is_some()
            && self.department.as_ref() == department
            && (self.from..self.until).contains(&at)
    }
}

/// A substitute as they are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSubstitution {
    /// Who stands in: a person of the department.
    pub person: String,
    /// The role, one of those that are held in departments.
    pub role: Role,
    /// From when on; at once without it.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// Until when, excluded; at most 90 days.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}
