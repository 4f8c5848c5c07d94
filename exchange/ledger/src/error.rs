use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode};
use exchange_crypto::CryptoError;

/// Why evidence could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The disk is full. Nothing of what was to be written is there, and writing goes on when there is room again.
    #[error("{}: no room on the disk ({source}); make room, and writing goes on by itself", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// Another process writes this file.
    #[error("{}: another process has this log open; stop it first", .0.display())]
    InUse(PathBuf),
    /// A line that is not a record, and not the torn end of an interrupted write.
    #[error("{}: line {line} is damaged ({reason}); restore the file from a backup, never edit it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The write failed, or an earlier one did, and then the log must be opened anew. What it was stands in the server's log.
    #[error(
        "the log could not be written: make room on a full disk, or restart the server after checking the disk"
    )]
    Stopped,
    /// A record that can't be written as canonical JSON, or whose id is no UUID.
    #[error("not a record: {0}")]
    Record(String),
    /// A step that the state of the log does not allow.
    #[error("{0}")]
    Refused(String),
    /// A note, checkpoint, signature line or key that is not well formed or not signed as it must be.
    #[error("not a note that counts: {0}")]
    Note(String),
    /// The log is shorter than a checkpoint says.
    #[error(
        "the log holds {kept} records, but a checkpoint was signed over {covered}: its end is lost. Restore the newest \
         copy of the evidence, or begin a new epoch that names the gap with `shuqiao log begin-epoch`"
    )]
    LostTail {
        /// Records there.
        kept: u64,
        /// Records of the checkpoint.
        covered: u64,
    },
    /// The records are not those of a checkpoint.
    #[error(
        "the records are not those over which the checkpoint of size {size} was signed; `shuqiao audit` names them"
    )]
    Forked {
        /// Records of the checkpoint.
        size: u64,
    },
    /// A place that the newest checkpoint does not cover.
    #[error("{0} is beyond the newest checkpoint")]
    Uncovered(u64),
    /// No key, no randomness, or a sealed text that does not open.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl LedgerError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// Of a write of which nothing stays.
    pub(crate) fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full { path, source }
            }
            _ => Self::Io { path, source },
        }
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        let code = match error {
            LedgerError::Uncovered(_) | LedgerError::Note(_) => {
                return Self::new(ErrorCode::InvalidInput, error.to_string());
            }
            LedgerError::Refused(reason) => return Self::new(ErrorCode::IllegalState, reason),
            LedgerError::Damaged { .. } | LedgerError::LostTail { .. } | LedgerError::Forked { .. } => {
                return Self::new(ErrorCode::Corrupt, error.to_string());
            }
            LedgerError::Record(_) => ErrorCode::Internal,
            _ => ErrorCode::EvidenceUnavailable,
        };
        Self::new(code, "evidence could not be written or read, so the access did not happen")
            .with_internal(error)
    }
}
