//! `why` as types.

use clap::Args;

/// Options of `why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The resource.
    #[arg(value_name = "CODE", required_unless_present = "matter_part")]
    pub(crate) code: Option<String>,
    /// About this principal, a login name or key id, and not about yourself; for auditors, the authority and the provider.
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) of: Option<String>,
    /// About this action, as the matrix of roles names it, and not about reading.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Through this door: api, sql, file, verification.
    #[arg(long)]
    pub(crate) door: Option<String>,
    /// What is seen of this item.
    #[arg(long)]
    pub(crate) item: Option<String>,
    /// Whether rows with this value are seen; may be repeated.
    #[arg(long, value_name = "ITEM=VALUE")]
    pub(crate) row: Vec<String>,
    /// What a provider's part of an application would show if it were granted, counted: its number.
    #[arg(long = "if-granted", value_name = "NUMBER", conflicts_with_all = ["code", "of", "action", "door", "item", "row"])]
    pub(crate) matter_part: Option<String>,
}
