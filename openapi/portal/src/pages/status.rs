//! Whether the platform works.

use askama::Template;
use catalog_core::Timestamp;

use crate::around::Around;

/// Whether the platform works, as far as it concerns its readers.
#[derive(Template)]
#[template(path = "status.html")]
pub struct StatusPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The time of the visit.
    pub now: Timestamp,
    /// The version of the program.
    pub version: &'a str,
    /// Whether the directory answers.
    pub has_directory: bool,
    /// Records that the newest checkpoint of the evidence log covers, and its root; nothing where there is none yet.
    pub checkpoint: Option<(u64, String)>,
    /// Who signed that checkpoint beside the platform.
    pub witnesses: usize,
    /// When data were last published.
    pub updated: Option<Timestamp>,
}
