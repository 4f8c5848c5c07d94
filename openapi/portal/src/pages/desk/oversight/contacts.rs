//! Erasing how a developer is reached.

use askama::Template;

use crate::around::Around;

/// The page on which a developer's mail address is erased.
#[derive(Template)]
#[template(path = "desk/contacts.html")]
pub struct ContactsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The login name that was typed.
    pub id: &'a str,
    /// Whose address was erased just now.
    pub erased: Option<&'a str>,
}
