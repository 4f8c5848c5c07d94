//! The desk of evidence, of supervision, and of those who run the platform.

mod account;
mod departments;
mod evidence;
mod keys;
mod labels;
mod people;
mod supervision;

pub use account::{AccountPage, ClearedAway, MaintenancePage};
pub use departments::{
    DepartmentDeskPage, DepartmentsDeskPage, EnteredDepartment, EnteredSuccession, SuccessionsPage,
};
pub use evidence::{
    AccessLogPage, AccessRow, EvidenceDeskPage, EvidenceRow, ProofPage, ProofStep, ProvenRecord, SearchField,
};
pub use keys::{EnteredKey, KeysPage};
pub use people::{EnteredSubstitution, PeoplePage, PersonPage, SubstitutionsPage};
pub use supervision::{AssessmentPage, BehindPage, Days, ReportsPage, SupervisionPage};
