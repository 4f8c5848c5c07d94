use std::path::{Path, PathBuf};

use async_trait::async_trait;
use catalog_core::evidence::{EvidenceLog, EvidenceRecord};
use exchange_crypto::{Digest, Hasher};
use uuid::Uuid;

use crate::LedgerError;
use crate::line_file::{LineFile, Opened};
use crate::scan::{Filter, Scan};

/// The evidence log of a data folder: one append-only file, one record of canonical JSON per line.
pub struct EvidenceFile {
    path: PathBuf,
    lines: LineFile,
}

impl EvidenceFile {
    /// Opens or creates `evidence/000000.log` in the data folder, checks every record and cuts off a torn last line.
    pub fn open(data_folder: &Path) -> Result<(Self, Opened), LedgerError> {
        let path = data_folder.join("evidence").join("000000.log");
        let (lines, opened) = LineFile::open(&path, |line| {
            let record = read_record(line)?;
            key_of(&record).map(Some)
        })?;
        Ok((Self { path, lines }, opened))
    }

    /// The records that match, oldest first, up to the last one that is whole.
    pub fn scan(&self, filter: Filter) -> Result<Scan, LedgerError> {
        Scan::open(&self.path, filter)
    }
}

#[async_trait]
impl EvidenceLog for EvidenceFile {
    async fn append(&self, record: EvidenceRecord) -> catalog_core::Result<u64> {
        let key = key_of(&record).map_err(LedgerError::Record)?;
        let line = serde_json_canonicalizer::to_vec(&record)
            .map_err(|error| LedgerError::Record(error.to_string()))?;
        Ok(self.lines.append(Some(key), line).await?)
    }
}

/// The hash of a leaf: SHA-256 of a zero byte and the line without its line feed (RFC 9162 section 2.1.1).
pub fn leaf_hash(line: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0]);
    hasher.update(line);
    hasher.finish()
}

pub(crate) fn read_record(line: &[u8]) -> Result<EvidenceRecord, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

fn key_of(record: &EvidenceRecord) -> Result<u128, String> {
    Uuid::parse_str(&record.id).map(|id| id.as_u128()).map_err(|_| "its id is no UUID".to_owned())
}
