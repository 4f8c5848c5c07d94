//! Departments, and how they are reorganised 机构改革.

use askama::Template;
use catalog_core::Timestamp;
use catalog_core::directory::{Department, Level, Succession, SuccessionState};

use crate::around::Around;
use crate::names::Names;

/// A department as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnteredDepartment {
    /// Machine name.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Unified social credit code.
    pub credit_code: String,
    /// Level, as in addresses.
    pub level: String,
    /// Machine name of the department above, or empty.
    pub parent: String,
    /// Division code.
    pub division_code: String,
}

impl EnteredDepartment {
    /// A department as it is.
    pub fn of(department: &Department) -> Self {
        Self {
            id: department.id.to_string(),
            name: department.name.clone(),
            credit_code: department.credit_code.clone(),
            level: department.level.as_str().to_owned(),
            parent: department.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
            division_code: department.division_code.clone(),
        }
    }
}

const LEVELS: [Level; 4] = [Level::Province, Level::City, Level::County, Level::Township];

/// All departments, and the form for one more.
#[derive(Template)]
#[template(path = "desk/departments.html")]
pub struct DepartmentsDeskPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The departments.
    pub departments: &'a [Department],
    /// What was typed.
    pub entered: &'a EnteredDepartment,
}

impl DepartmentsDeskPage<'_> {
    fn levels(&self) -> [Level; 4] {
        LEVELS
    }
}

/// One department.
#[derive(Template)]
#[template(path = "desk/department.html")]
pub struct DepartmentDeskPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The departments, to choose the one above.
    pub departments: &'a [Department],
    /// The department as it is, or as typed.
    pub entered: &'a EnteredDepartment,
    /// What concerns it of the reorganisations.
    pub successions: Vec<&'a Succession>,
}

impl DepartmentDeskPage<'_> {
    /// A department's name.
    fn department<'d>(&'d self, id: &'d str) -> &'d str {
        self.departments.iter().find(|one| one.id.as_str() == id).map_or(id, |one| one.name.as_str())
    }

    fn levels(&self) -> [Level; 4] {
        LEVELS
    }
}

/// A succession as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnteredSuccession {
    /// The department that ends, or gives up.
    pub predecessor: String,
    /// The one that continues it.
    pub successor: String,
    /// Codes of resources, one a line.
    pub resources: String,
    /// The first day; empty for at once.
    pub from: String,
    /// The document that orders it.
    pub basis: String,
}

/// Departments that are continued by others.
#[derive(Template)]
#[template(path = "desk/successions.html")]
pub struct SuccessionsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// All successions.
    pub successions: &'a [Succession],
    /// The departments.
    pub departments: &'a [Department],
    /// What was typed.
    pub entered: &'a EnteredSuccession,
    /// Who reads.
    pub reader: &'a str,
    /// The time.
    pub now: Timestamp,
    /// Who the officers and the departments are.
    pub names: &'a Names,
}

impl SuccessionsPage<'_> {
    /// Whether the reader may confirm it: another officer than who proposed it.
    fn may_confirm(&self, succession: &Succession) -> bool {
        succession.state == SuccessionState::Proposed && succession.proposed_by != self.reader
    }

    fn may_cancel(&self, succession: &Succession) -> bool {
        match succession.state {
            SuccessionState::Proposed => true,
            SuccessionState::Confirmed => self.now < succession.from,
            SuccessionState::Cancelled => false,
        }
    }
}
