//! `[subscription]`.

use serde::Deserialize;

/// Where subscribers are told of what happens to datasets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Subscriptions {
    /// Networks into which notifications may go; without any there are no webhooks.
    pub(crate) networks: Vec<String>,
}
