//! What a client says that it can read, in header fields of the protocol.

use axum::response::Response;
use http::{HeaderMap, HeaderName};

use crate::downloads::insert;
use crate::extract::invalid;
use crate::problem::Refusal;

const CAPABILITIES: HeaderName = HeaderName::from_static("delta-sharing-capabilities");
const FILE_ID_HASH: HeaderName = HeaderName::from_static("fileidhash");

/// How actions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The protocol's own actions.
    Parquet,
    /// Actions of Delta Lake's log, wrapped.
    Delta,
}

/// What the client has asked for, and is told again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capabilities {
    pub(super) dialect: Dialect,
    /// Whether the client waits for a last action that says that the answer is whole.
    pub(super) ends: bool,
    /// The scheme of file ids that it names; all schemes are one here.
    file_ids: Option<&'static str>,
}

impl Capabilities {
    /// Reads the header fields. Of several dialects the simpler is taken; capabilities that are not known are left alone.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut found = Self { dialect: Dialect::Parquet, ends: false, file_ids: None };
        for field in headers.get_all(CAPABILITIES) {
            let text = field.to_str().map_err(|_| invalid("`delta-sharing-capabilities` is not text"))?;
            for (name, value) in text.split(';').filter_map(|pair| pair.split_once('=')) {
                let value = value.trim().to_lowercase();
                let values: Vec<&str> = value.split(',').map(str::trim).collect();
                match name.trim().to_lowercase().as_str() {
                    "responseformat" => found.dialect = dialect(&values)?,
                    "includeendstreamaction" => found.ends = values == ["true"],
                    _ => {}
                }
            }
        }
        if let Some(scheme) = headers.get(FILE_ID_HASH) {
            let scheme = scheme.to_str().unwrap_or_default().trim().to_lowercase();
            let known = ["parquet", "delta"].into_iter().find(|known| *known == scheme);
            found.file_ids = Some(known.ok_or_else(|| invalid("`fileidhash` is `parquet` or `delta`"))?);
        }
        Ok(found)
    }

    /// The same for an answer without such an action.
    pub(super) fn without_end(&self) -> Self {
        Self { ends: false, ..self.clone() }
    }

    /// Tells the client what is answered.
    pub(super) fn tell(&self, response: &mut Response) -> Result<(), Refusal> {
        let format = match self.dialect {
            Dialect::Parquet => "parquet",
            Dialect::Delta => "delta",
        };
        let ends = if self.ends { ";includeendstreamaction=true" } else { "" };
        insert(response.headers_mut(), CAPABILITIES, &format!("responseformat={format}{ends}"))?;
        match self.file_ids {
            Some(scheme) => insert(response.headers_mut(), FILE_ID_HASH, scheme),
            None => Ok(()),
        }
    }
}

fn dialect(values: &[&str]) -> Result<Dialect, Refusal> {
    match values {
        values if values.contains(&"parquet") => Ok(Dialect::Parquet),
        values if values.contains(&"delta") => Ok(Dialect::Delta),
        _ => Err(invalid("offered as `responseformat` are parquet and delta")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(capabilities: &str) -> Option<(Dialect, bool)> {
        let mut headers = HeaderMap::new();
        headers.insert(CAPABILITIES, capabilities.parse().unwrap());
        Capabilities::of(&headers).ok().map(|found| (found.dialect, found.ends))
    }

    #[test]
    fn the_simpler_dialect_is_spoken_where_both_are_understood() {
        assert_eq!(of(""), Some((Dialect::Parquet, false)));
        assert_eq!(of("responseformat=delta,parquet;readerfeatures=x"), Some((Dialect::Parquet, false)));
        assert_eq!(of("ResponseFormat=Delta; includeEndStreamAction=TRUE"), Some((Dialect::Delta, true)));
        assert_eq!(of("responseformat=iceberg"), None);
        assert_eq!(of("asyncquery=true"), Some((Dialect::Parquet, false)));
    }

    #[test]
    fn a_scheme_of_file_ids_that_is_not_known_is_refused() {
        for (scheme, is_known) in [("Parquet", true), ("delta", true), ("md5", false), ("", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(FILE_ID_HASH, scheme.parse().unwrap());
            assert_eq!(Capabilities::of(&headers).is_ok(), is_known, "{scheme}");
        }
    }
}
