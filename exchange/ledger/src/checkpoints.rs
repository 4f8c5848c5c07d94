//! The checkpoints of one epoch: each line of `checkpoints.jsonl` is a signed note as a JSON string.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::note::{Checkpoint, Note};
use crate::{LedgerError, segment};

/// A checkpoint with its note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The head.
    pub checkpoint: Checkpoint,
    /// The note that says so.
    pub note: Note,
}

impl SignedCheckpoint {
    /// The checkpoint in a note. Who signed it is another question.
    pub fn of(note: Note) -> Result<Self, LedgerError> {
        Ok(Self { checkpoint: note.checkpoint()?, note })
    }
}

/// The file, and its newest checkpoints.
pub(crate) struct Checkpoints {
    path: PathBuf,
    file: File,
    latest: Option<SignedCheckpoint>,
    witnessed: Option<SignedCheckpoint>,
}

impl Checkpoints {
    /// Opens or creates the file.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        let mut file = durable::open(path)?;
        let (mut latest, mut witnessed) = (None, None);
        durable::read_lines(path, &mut file, |number, line| {
            let signed = read_line(line).map_err(|error| LedgerError::Damaged {
                path: path.to_owned(),
                line: number + 1,
                reason: error.to_string(),
            })?;
            remember(signed, &mut latest, &mut witnessed);
            Ok(())
        })?;
        Ok(Self { path: path.to_owned(), file, latest, witnessed })
    }

    /// Keeps a note, durably.
    pub(crate) fn add(&mut self, note: Note) -> Result<SignedCheckpoint, LedgerError> {
        let signed = SignedCheckpoint::of(note)?;
        let line = line(&signed.note)?;
        durable::append(&self.path, &mut self.file, &line)?;
        remember(signed.clone(), &mut self.latest, &mut self.witnessed);
        Ok(signed)
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Result<Vec<SignedCheckpoint>, LedgerError> {
        let content = std::fs::read(&self.path).map_err(LedgerError::io(&self.path))?;
        content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(read_line).collect()
    }

    /// The newest one.
    pub(crate) fn latest(&self) -> Option<&SignedCheckpoint> {
        self.latest.as_ref()
    }

    /// The newest one that a witness has cosigned.
    pub(crate) fn witnessed(&self) -> Option<&SignedCheckpoint> {
        self.witnessed.as_ref()
    }
}

fn remember(
    signed: SignedCheckpoint,
    latest: &mut Option<SignedCheckpoint>,
    witnessed: &mut Option<SignedCheckpoint>,
) {
    let is_newer = |known: &Option<SignedCheckpoint>| {
        known.as_ref().is_none_or(|known| known.checkpoint.size <= signed.checkpoint.size)
    };
    if signed.note.signatures.len() > 1 && is_newer(witnessed) {
        *witnessed = Some(signed.clone());
    }
    if is_newer(latest) {
        *latest = Some(signed);
    }
}

/// The line of a note, with its line feed.
pub(crate) fn line(note: &Note) -> Result<Vec<u8>, LedgerError> {
    let mut line = segment::canonical(&note.to_string())?;
    line.push(b'\n');
    Ok(line)
}

/// Reads a line without its line feed. Only the one way to write a note is accepted.
pub(crate) fn read_line(text: &[u8]) -> Result<SignedCheckpoint, LedgerError> {
    let wrong = || LedgerError::Note("the line is not a note as this program writes it".to_owned());
    let decoded: String = serde_json::from_slice(text).map_err(|_| wrong())?;
    let signed = SignedCheckpoint::of(Note::parse(&decoded)?)?;
    match line(&signed.note)?.strip_suffix(b"\n") == Some(text) {
        true => Ok(signed),
        false => Err(wrong()),
    }
}
