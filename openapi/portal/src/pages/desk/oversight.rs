//! The desk of evidence, of supervision, and of those who run the platform.

mod account;
mod contacts;
mod departments;
mod evidence;
mod keys;
mod labels;
mod people;
mod supervision;
mod trace;

pub use account::{AccountPage, ClearedAway, MaintenancePage};
pub use contacts::ContactsPage;
pub use departments::{
    DepartmentDeskPage, DepartmentsDeskPage, EnteredDepartment, EnteredSuccession, SuccessionsPage,
};
pub use evidence::{
    AccessLogPage, AccessRow, Ending, EvidenceDeskPage, EvidenceRow, ProofPage, ProofStep, ProvenRecord,
    SearchField,
};
pub use keys::{EnteredKey, KeysPage};
pub use people::{EnteredSubstitution, PeoplePage, PersonPage, SubstitutionsPage};
pub use supervision::{AssessmentPage, BehindPage, Days, ReportsPage, SupervisionPage};
pub use trace::TracePage;
