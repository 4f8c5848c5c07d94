//! What the public contributes: feedback 评价 and works 应用成果.

use catalog_core::ResourceCode;
use catalog_core::services::{Ratings, ShownContribution};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A work for the gallery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkInput {
    /// Its name, at most 100 characters.
    #[schema(example = "到站提醒")]
    pub title: String,
    /// What it is good for, at most 2000 characters.
    pub text: String,
    /// Where it is: an address of http or https.
    #[serde(default)]
    pub link: Option<String>,
    /// The datasets of which it is made, one to ten.
    pub resources: Vec<ResourceCode>,
    /// How the data authority may reach its maker; kept sealed, shown to nobody else, and erased when the work is refused.
    #[serde(default)]
    pub contact: Option<String>,
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedContribution {
    /// Identity.
    pub id: String,
}

/// The feedback on a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackPage {
    /// How it is rated.
    pub ratings: Ratings,
    /// The newest first.
    pub feedback: Vec<ShownContribution>,
}

/// A decision whether a contribution is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContributionDecision {
    /// Whether it is shown.
    pub show: bool,
    /// Why not; a refusal has one.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The provider's public answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContributionReply {
    /// In words, at most 2000 characters.
    pub text: String,
}

/// How to reach who contributed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContributionContact {
    /// As they wrote it.
    pub contact: String,
}
