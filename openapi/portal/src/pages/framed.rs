//! Pages of other doors within the portal's frame.

use askama::Template;

use crate::around::Around;

/// A page whose content another door has written.
#[derive(Template)]
#[template(path = "framed.html")]
pub struct FramedPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Its title.
    pub title: &'a str,
    /// Whether a department wrote the title.
    pub is_written: bool,
    /// The way up, in HTML; nothing at the top.
    pub above: &'a str,
    /// Its content in HTML, in which every text is escaped already.
    pub content: &'a str,
}
