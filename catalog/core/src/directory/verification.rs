//! What a provider lets others check against its rows without showing them 比对核验.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};
use crate::ids::ColumnName;

/// Two items of a resource that are checked together: who asks has both values, and learns whether a row has them.
///
/// Written `id_number+name`. An identifier may stand in many rows; one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VerificationProfile {
    /// The item that names the row: an identity number, a credit code, the number of a certificate.
    pub identifier: ColumnName,
    /// The item that must agree: the name, the legal representative, the holder.
    pub attribute: ColumnName,
}

impl VerificationProfile {
    /// Both items.
    pub fn columns(&self) -> [&ColumnName; 2] {
        [&self.identifier, &self.attribute]
    }
}

impl fmt::Display for VerificationProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.identifier, self.attribute)
    }
}

impl FromStr for VerificationProfile {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let shape = "what is verified names two items, as id_number+name";
        let (identifier, attribute) =
            text.split_once('+').ok_or_else(|| Error::new(ErrorCode::InvalidInput, shape))?;
        Ok(Self { identifier: ColumnName::new(identifier)?, attribute: ColumnName::new(attribute)? })
    }
}

impl TryFrom<String> for VerificationProfile {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<VerificationProfile> for String {
    fn from(profile: VerificationProfile) -> Self {
        profile.to_string()
    }
}
