//! Where the catalogue and its datasets stand.

use catalog_core::{Error, ResourceCode, Result};
use oxrdf::NamedNode;

/// The addresses of one server.
#[derive(Debug, Clone)]
pub struct Site(String);

impl Site {
    /// The server that clients reach at `base`: `https://data.example.gov.cn`, without a slash at its end.
    ///
    /// # Errors
    /// `internal` where that is no absolute address.
    pub fn new(base: &str) -> Result<Self> {
        let base = base.trim_end_matches('/');
        NamedNode::new(base).map_err(Error::internal)?;
        Ok(Self(base.to_owned()))
    }

    /// The absolute form of a path of this server, which begins with a slash.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The address of the document about a dataset.
    pub fn dataset(&self, code: &ResourceCode) -> String {
        self.address(&format!("/datasets/{}", code.path_form()))
    }

    /// A thing at a path, whose characters need no escape.
    pub(crate) fn thing(&self, path: &str) -> NamedNode {
        NamedNode::new_unchecked(self.address(path))
    }

    /// A thing that the document about a dataset describes: `dataset` is the dataset itself.
    pub(crate) fn part(&self, code: &ResourceCode, name: &str) -> NamedNode {
        NamedNode::new_unchecked(format!("{}#{name}", self.dataset(code)))
    }
}
