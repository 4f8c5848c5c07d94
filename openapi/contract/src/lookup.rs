//! Look-ups by key, and verification.

use catalog_core::ResourceCode;
use catalog_core::directory::VerificationProfile;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One value of a key: a text, or a whole number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum KeyValue {
    /// A text, or a date as 2026-01-31.
    Text(String),
    /// A whole number.
    Number(i64),
}

impl KeyValue {
    /// As it is written in JSON and CSV.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// The key of one record: its value, or the values of all key columns in the order of the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RecordKey {
    /// Where the key is one column.
    One(KeyValue),
    /// A value for each column of the key.
    Several(Vec<KeyValue>),
}

impl RecordKey {
    /// The values, in the order of the key.
    pub fn into_texts(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value.into_text()],
            Self::Several(values) => values.into_iter().map(KeyValue::into_text).collect(),
        }
    }
}

/// Records of the newest data wanted by their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordLookup {
    /// 1 to 1,000 keys.
    pub keys: Vec<RecordKey>,
    /// Columns by machine name or Chinese name; all visible ones when empty.
    #[serde(default)]
    pub items: Vec<String>,
}

/// A pair of values to be verified.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationRequest {
    /// The resource against whose newest data they are verified.
    pub resource: ResourceCode,
    /// What its directory entry lets others verify, as `id_number+name`.
    #[schema(value_type = String, example = "id_number+name")]
    pub profile: VerificationProfile,
    /// The identifier, in any spelling: width, case and blanks make no difference.
    pub identifier: String,
    /// What must agree, in any spelling: the dots between the parts of a name make none either.
    pub attribute: String,
}

/// Pairs of values to be verified.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationBatch {
    /// The resource against whose newest data they are verified.
    pub resource: ResourceCode,
    /// What its directory entry lets others verify, as `id_number+name`.
    #[schema(value_type = String, example = "id_number+name")]
    pub profile: VerificationProfile,
    /// 1 to 10,000 pairs, each of an identifier and what must agree.
    pub pairs: Vec<(String, String)>,
}

/// What verification says of a pair: one digit, so that all answers are equally long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum VerificationResult {
    /// 一致: a record has both values.
    #[serde(rename = "1")]
    Match,
    /// 不一致: a record has the identifier, and none the other value.
    #[serde(rename = "2")]
    Mismatch,
    /// 库中无此号: no record has the identifier.
    #[serde(rename = "3")]
    Unknown,
}

/// The answer about one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationAnswer {
    /// `1` 一致, `2` 不一致, `3` 库中无此号.
    pub result: VerificationResult,
}

/// The answers about pairs, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationAnswers {
    /// For each pair `1` 一致, `2` 不一致 or `3` 库中无此号.
    pub results: Vec<VerificationResult>,
}

macro_rules! never_shown {
    ($($name:ident),+) => {
        $(impl std::fmt::Debug for $name {
            /// Pairs are personal: no log shows them.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("resource", &self.resource)
                    .field("profile", &self.profile)
                    .finish_non_exhaustive()
            }
        })+
    };
}
never_shown!(VerificationRequest, VerificationBatch);
