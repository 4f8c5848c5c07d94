//! Where a version stands among those of all resources.

use std::fmt;
use std::str::FromStr;

use crate::dataset::Version;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::ResourceCode;
use crate::time::Timestamp;

/// The place of a version in the list of all versions, newest publication first, then by code and number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPlace {
    /// When it was published.
    pub published_at: Timestamp,
    /// Its resource.
    pub resource: ResourceCode,
    /// Its number.
    pub number: i64,
}

impl VersionPlace {
    /// The place of a version.
    pub fn of(version: &Version) -> Self {
        let Version { published_at, resource, number, .. } = version;
        Self { published_at: *published_at, resource: resource.clone(), number: *number }
    }
}

impl fmt::Display for VersionPlace {
    /// As it travels: `1774886400000000.301001-000001.3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.published_at.0, self.resource.path_form(), self.number)
    }
}

impl FromStr for VersionPlace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let mut parts = text.splitn(3, '.');
            let published_at = Timestamp(parts.next()?.parse().ok()?);
            let resource = ResourceCode::from_path(parts.next()?).ok()?;
            Some(Self { published_at, resource, number: parts.next()?.parse().ok()? })
        };
        let message = "this is no place in the list of changes: take it from the page before";
        read().ok_or_else(|| Error::new(ErrorCode::InvalidInput, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place: VersionPlace = "1774886400000000.301001-000001.3".parse().unwrap();
        assert_eq!(place.to_string(), "1774886400000000.301001-000001.3");
        for text in [
            "",
            "1",
            "1.301001-000001",
            "x.301001-000001.3",
            "1.x.3",
            "1.301001-000001.3.4",
            "99999999999999999999.1-1.1",
        ] {
            assert!(text.parse::<VersionPlace>().is_err(), "{text}");
        }
    }
}
