//! Names and codes as types of their own, valid by construction.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, ErrorCode};

/// Defines a text type whose values are checked when they are made, also when read from JSON.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and takes the text.
            pub fn new(text: impl Into<String>) -> Result<Self, Error> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else {
                    let shown: String = text.chars().take(60).collect();
                    Err(Error::new(ErrorCode::InvalidInput, format!(concat!("`{}` is not valid: ", $rule), shown)))
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text!(
    /// A department's machine name and identity, the schema of its tables in SQL: `scjg`.
    DepartmentId,
    is_sql_name,
    "a machine name has 1 to 63 characters of a-z, 0-9 and _, and starts with a letter"
);
checked_text!(
    /// A resource's machine name, the table in SQL: `legal_entity`.
    SqlName,
    is_sql_name,
    "a machine name has 1 to 63 characters of a-z, 0-9 and _, and starts with a letter"
);
checked_text!(
    /// An information item's column name.
    ColumnName,
    is_sql_name,
    "a column name has 1 to 63 characters of a-z, 0-9 and _, and starts with a letter"
);
checked_text!(
    /// The code of a resource: classification, "/", sequence (`301001/000001`). Never reused, so it is the identity.
    ResourceCode,
    is_resource_code,
    "a resource code is a classification of 6 or more digits that starts with 1, 2 or 3, a slash and a sequence number"
);
checked_text!(
    /// A grant's identity: a UUID of version 7.
    GrantId,
    |text| uuid::Uuid::parse_str(text).is_ok(),
    "a grant id is a UUID"
);

impl ResourceCode {
    /// The part before the slash.
    pub fn classification(&self) -> &str {
        self.0.split_once('/').map_or("", |(classification, _)| classification)
    }

    /// The sequence within the classification; `None` beyond 64 bits.
    pub fn sequence(&self) -> Option<u64> {
        self.0.split_once('/').and_then(|(_, sequence)| sequence.parse().ok())
    }

    /// How addresses, file names and object paths write it: `301001-000001`.
    pub fn path_form(&self) -> String {
        self.0.replace('/', "-")
    }

    /// Reads the form of addresses, or the code itself.
    pub fn from_path(text: &str) -> Result<Self, Error> {
        Self::new(text.replacen('-', "/", 1))
    }

    /// The table name of a resource that has not chosen one: `r301001_000001`.
    pub fn default_sql_name(&self) -> Result<SqlName, Error> {
        SqlName::new(format!("r{}", self.0.replace('/', "_")))
    }
}

fn is_sql_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn is_resource_code(text: &str) -> bool {
    let Some((classification, sequence)) = text.split_once('/') else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 40
        && classification.len() >= 6
        && digits(classification)
        && matches!(classification.as_bytes()[0], b'1'..=b'3')
        && digits(sequence)
}
