//! `[word]`.

use catalog_core::words::{Contact, Webhook};
use serde::Deserialize;

/// Who is told of lights that change, and of the list of the morning.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Words {
    /// Networks into which signed requests may go.
    pub(crate) networks: Vec<String>,
    /// Who is told by letter.
    pub(crate) contact: Vec<Contact>,
    /// Who is told by signed request.
    pub(crate) webhook: Vec<Webhook>,
}
