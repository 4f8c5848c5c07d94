#![doc = include_str!("../README.md")]

pub mod account;
pub mod api_key;
pub mod attempts;
pub mod calendar;
pub mod confidential;
pub mod context;
pub mod contribution;
pub mod dataset;
pub mod deadline;
pub mod directory;
pub mod error;
pub mod evidence;
#[doc(hidden)]
pub mod fixtures;
pub mod identity;
pub mod ids;
pub mod matter;
pub mod notice;
pub mod policy;
pub mod ports;
pub mod quota;
pub mod remembered;
pub mod retention;
pub mod saved_query;
pub mod schema;
pub mod secrecy;
pub mod services;
pub mod settings;
pub mod subscription;
pub mod substitution;
pub mod supervision;
pub mod time;
pub mod words;

pub use context::{Channel, OpContext, Principal, Role};
pub use error::{Error, ErrorCode, Fault, Problem, Result};
pub use ids::{ColumnName, DepartmentId, GrantId, ResourceCode, SqlName};
pub use time::Timestamp;
