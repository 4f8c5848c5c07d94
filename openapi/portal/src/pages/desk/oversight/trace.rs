//! Who saw a person's record.

use askama::Template;
use openapi_contract::{Certainty, SubjectAccess, SubjectAccesses};

use crate::around::Around;
use crate::names::Names;
use crate::typed::Typed;

/// The page on which it is asked who saw a person's record.
#[derive(Template)]
#[template(path = "desk/trace.html")]
pub struct TracePage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What is typed.
    pub typed: &'a Typed,
    /// The accesses, once they were asked for.
    pub found: Option<&'a SubjectAccesses>,
    /// What departments are called.
    pub names: &'a Names,
}

impl TracePage<'_> {
    fn is_certain(&self, access: &SubjectAccess) -> bool {
        access.certainty == Certainty::Certain
    }
}
