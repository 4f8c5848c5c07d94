use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use exchange_crypto::{Digest, Hasher, from_hex, random, to_hex};
use serde::{Deserialize, Serialize};

use crate::LedgerError;
use crate::line_file::{LineFile, Opened};

/// A salted hash of something that the log does not say, and the salt that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// 32 random bytes. Without them a commitment to "match" could be guessed.
    pub salt: [u8; 32],
    /// SHA-256 of salt and content, 64 hex digits: what the log holds.
    pub digest: String,
}

/// Commits to the content.
pub fn commit(content: &[u8]) -> Result<Commitment, LedgerError> {
    let salt = random::bytes::<32>()?;
    Ok(Commitment { salt, digest: salted(&salt, content).to_hex() })
}

/// Whether the content and salt are what the commitment (64 hex digits) was made of.
pub fn opens(digest: &str, salt: &[u8], content: &[u8]) -> bool {
    salted(salt, content).to_hex() == digest
}

fn salted(salt: &[u8], content: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(salt);
    hasher.update(content);
    hasher.finish()
}

/// What a record commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Committed {
    /// The request.
    Request,
    /// The answer.
    Answer,
}

#[derive(Serialize, Deserialize)]
struct SaltLine {
    id: String,
    of: Committed,
    salt: String,
}

/// The salts of commitments by record, durable like the log but apart from it, so that they can be erased.
pub struct SaltFile {
    path: PathBuf,
    lines: LineFile,
}

impl SaltFile {
    /// Opens or creates `secrets/salts.jsonl` in the data folder.
    pub fn open(data_folder: &Path) -> Result<(Self, Opened), LedgerError> {
        let path = data_folder.join("secrets").join("salts.jsonl");
        let (lines, opened) = LineFile::open(&path, |line| read_line(line).map(|_| None))?;
        Ok((Self { path, lines }, opened))
    }

    /// Keeps the salt of what a record commits to.
    pub async fn keep(&self, record_id: &str, of: Committed, salt: &[u8; 32]) -> Result<(), LedgerError> {
        let line = SaltLine { id: record_id.to_owned(), of, salt: to_hex(salt) };
        let line = serde_json::to_vec(&line).map_err(|error| LedgerError::Record(error.to_string()))?;
        self.lines.append(None, line).await.map(drop)
    }

    /// The salts of a record, for whoever may have them. Reads the whole file.
    pub fn of_record(&self, record_id: &str) -> Result<Vec<(Committed, Vec<u8>)>, LedgerError> {
        let file = File::open(&self.path).map_err(LedgerError::io(&self.path))?;
        let mut found = Vec::new();
        for (index, line) in (1..).zip(BufReader::new(file).split(b'\n')) {
            let line = line.map_err(LedgerError::io(&self.path))?;
            let damaged = |reason| LedgerError::Damaged { path: self.path.clone(), line: index, reason };
            let line = read_line(&line).map_err(damaged)?;
            if line.id == record_id {
                found.push((line.of, from_hex(&line.salt)?));
            }
        }
        Ok(found)
    }
}

fn read_line(line: &[u8]) -> Result<SaltLine, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}
