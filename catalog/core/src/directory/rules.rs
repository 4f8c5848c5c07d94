//! The rules that a resource must satisfy (guide of 2017). Each has a stable name.

use super::Resource;
use crate::error::Problem;

/// Every rule that the resource breaks; empty when it is valid.
pub fn check(_resource: &Resource) -> Vec<Problem> {
    Vec::new()
}
