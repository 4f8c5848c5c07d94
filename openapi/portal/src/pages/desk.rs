//! The desk 工作台: where people of departments, and those who run the platform, do their day's work.

use askama::Template;

use crate::around::Around;

/// The first page of the desk: what its reader may do.
#[derive(Template)]
#[template(path = "desk/home.html")]
pub struct DeskPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
}
