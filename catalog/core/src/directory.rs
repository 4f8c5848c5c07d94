//! The resource directory: departments, resources, information items (政务信息资源目录编制指南, 2017).

pub mod classification;
pub mod department;
pub mod diff;
mod entry;
pub mod format;
pub mod history;
pub mod item;
pub mod lifecycle;
pub mod lineage;
pub mod resource;
pub mod rules;
pub mod sheet;
pub mod succession;
pub mod unfinished;
mod verification;

pub use department::{Department, Level};
pub use item::{DataClass, InformationItem, ItemKind, ItemType, Opening, Reference, Sharing, ValueFormat};
pub use lifecycle::{LifecycleState, LifecycleStep};
pub use resource::{Resource, SharingMethod, UpdateCycle};
pub use succession::{Succession, SuccessionState, Successions};
pub use verification::VerificationProfile;
