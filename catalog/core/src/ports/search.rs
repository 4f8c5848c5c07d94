//! What a search of the directory may ask beyond its single filters.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A field of published entries that conditions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchField {
    /// Code of the resource.
    Code,
    /// Provider.
    Department,
    /// Sharing type: 1, 2 or 3.
    Sharing,
    /// Openness: `open`, `conditional` or `closed`.
    Opening,
    /// Update cycle.
    UpdateCycle,
    /// Format class 信息资源格式分类.
    Format,
    /// Prefix of the classification code: `3`, `301`, `301001`.
    Classification,
    /// One of the keywords 关键字.
    Keyword,
    /// Licence.
    Licence,
}

/// That a field of a hit has a value, or that it has not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Condition {
    /// The field.
    pub field: SearchField,
    /// The value, as facets count it.
    pub value: String,
    /// Whether hits must not have it.
    #[serde(default)]
    pub negated: bool,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchOrder {
    /// Best first: matches in narrower places, then shorter names; by code without words.
    #[default]
    Best,
    /// By code.
    Code,
    /// By code, the last first.
    CodeDescending,
    /// By the time at which the public last saw it change; what nobody can date is the last.
    Changed,
    /// The same, the newest first.
    ChangedDescending,
}
