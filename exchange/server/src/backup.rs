//! Backups: a folder of contents named by their SHA-256, and for each backup a signed list of names and digests.
//!
//! ```text
//! blobs/5f0c…                        a content; `sha256sum` must print its name
//! 2026-11-22T114055.123456Z.json     a backup: what it consists of
//! 2026-11-22T114055.123456Z.jws      its signature by the platform's key
//! ```
//!
//! Objects and sealed segments never change, so the next backup into the same folder writes what is new and no more. No
//! private key and no configuration lies in it (a database's address may hold a password): these go to a file of their own,
//! sealed under a passphrase.

pub(crate) mod blobs;
pub(crate) mod door;
pub(crate) mod keys;
mod make;
pub(crate) mod read;

use catalog_core::{Error, ErrorCode, Result, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use make::{Made, Source, make};

/// The `typ` of a list's signature.
const SIGNATURE_TYPE: &str = "shuqiao-backup";
/// The format that this program writes and reads.
const FORMAT: u32 = 1;

/// What one backup consists of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The format of this document.
    pub(crate) format: u32,
    /// When the backup began.
    pub(crate) created_at: Timestamp,
    /// Name of the evidence log.
    pub(crate) origin: String,
    /// The checkpoint of the log at which the catalogue was at rest: it knows of no later change.
    pub(crate) catalogue: String,
    /// The checkpoint with which the backup's log ends.
    pub(crate) log: String,
    /// Files of the data folder.
    pub(crate) files: Vec<Stored>,
}

/// A file of a data folder in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    /// Its path in the data folder.
    pub(crate) name: String,
    /// SHA-256, hex: the name of its content.
    pub(crate) sha256: String,
    /// Its size.
    pub(crate) bytes: u64,
}

impl Stored {
    /// Whether it belongs to the log, which is always the newest, and not to the catalogue and its data.
    pub(crate) fn is_of_the_log(&self) -> bool {
        LOG_FOLDERS.iter().any(|folder| self.name.starts_with(folder))
    }
}

/// The catalogue, in a backup always as SQLite.
pub(crate) const CATALOGUE: &str = "catalogue.sqlite";
/// Single files of a data folder that a backup may hold.
const FILES: [&str; 9] = [
    CATALOGUE,
    "format",
    "evidence-origin",
    "demo",
    "limits.json",
    "supervision.json",
    "retention.json",
    "notices.json",
    "secrecy.json",
];
/// Folders of a data folder of which a backup may hold files.
const FOLDERS: [&str; 6] = ["evidence", "objects", "secrets", "access", "calendar", "notices"];
/// Where the files of the log lie, with what else is only ever added to.
pub(crate) const LOG_FOLDERS: [&str; 4] = ["evidence/", "objects/evidence/", "secrets/", "access/"];

/// Refuses a name that is no place of a data folder's content. Whoever could write another one would write keys, or
/// anywhere.
fn check_name(name: &str) -> Result<()> {
    let segments: Vec<_> = name.split('/').collect();
    let is_plain = |segment: &&str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && !segment.chars().any(|sign| sign == '\\' || sign.is_control())
    };
    let is_known = match segments.as_slice() {
        [file] => FILES.contains(file),
        [folder, ..] => FOLDERS.contains(folder),
        [] => false,
    };
    match is_known && segments.iter().all(is_plain) {
        true => Ok(()),
        false => {
            let message = format!("the backup names `{}`, which is no file of a backup", name.escape_debug());
            Err(Error::new(ErrorCode::Corrupt, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_but_into_the_content_of_a_data_folder() {
        for name in
            ["catalogue.sqlite", "evidence/epoch-1/000000.log", "objects/301001-000001/000001/a.parquet"]
        {
            check_name(name).unwrap();
        }
        for name in [
            "",
            "/etc/passwd",
            "../x",
            "objects/../keys/platform.pem",
            "objects/./x",
            "objects//x",
            "objects",
            "objects/",
            "objects/..\\x",
            "keys/platform.pem",
            "shuqiao.toml",
            "evidence/.torn",
            "evidence/a\nb",
            "lock",
        ] {
            assert_eq!(check_name(name).unwrap_err().code, ErrorCode::Corrupt, "{name:?}");
        }
    }
}
