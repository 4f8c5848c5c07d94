//! Names of objects.

use catalog_core::ResourceCode;
use exchange_crypto::{CryptoError, Digest, random, to_hex};
use object_store::path::Path;

/// The folder of one version: `301001-000001/000003`.
///
/// What is written before the manifest exists carries the name of the attempt, and the manifest that of its digest,
/// which only the catalogue knows to be the right one: two writers of one version, or a writer after a crash, never
/// touch each other's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFolder(String);

impl VersionFolder {
    /// The folder of a version.
    pub fn new(resource: &ResourceCode, version: i64) -> Self {
        Self(format!("{}/{version:06}", resource.path_form()))
    }

    /// A fresh name for one attempt to write the version.
    pub fn attempt() -> Result<String, CryptoError> {
        Ok(to_hex(&random::bytes::<8>()?))
    }

    /// A Parquet part.
    pub fn part(&self, attempt: &str, number: usize) -> Path {
        self.named(&format!("part-{number:05}-{attempt}.parquet"))
    }

    /// The quarantined rows.
    pub fn quarantine(&self, attempt: &str) -> Path {
        self.named(&format!("quarantine-{attempt}.jsonl"))
    }

    /// The list of the materials that its rows name.
    pub fn materials(&self, attempt: &str) -> Path {
        self.named(&format!("materials-{attempt}.txt"))
    }

    /// The manifest of that digest.
    pub fn manifest(&self, digest: &Digest) -> Path {
        self.named(&format!("manifest-{digest}.json"))
    }

    /// Where all of it lies.
    pub(crate) fn prefix(&self) -> Path {
        Path::from(self.0.as_str())
    }

    /// The digest in the name of a manifest; nothing for any other object.
    pub(crate) fn digest_of(path: &Path) -> Option<Digest> {
        let name = path.filename()?.strip_prefix("manifest-")?.strip_suffix(".json")?;
        Digest::from_hex(name).ok()
    }

    /// The detached signature of the manifest of that digest.
    pub fn signature(&self, digest: &Digest) -> Path {
        self.named(&format!("manifest-{digest}.jws"))
    }

    fn named(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.0))
    }
}
