//! Uploads that are under way, in a folder of this machine: the bytes of each in one file, and what is known of it in another.
//!
//! What is known is written when the bytes that it counts are on the disk, so that a client is never told of more than a restart
//! finds. Bytes beyond it are of a chunk that was cut short, and are written over.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use catalog_core::{DepartmentId, Error, ErrorCode, ResourceCode, Result, Timestamp};
use serde::{Deserialize, Serialize};

/// Uploads that are under way.
const OPEN: &str = "open";
/// Uploads that have ended, so that a client that lost the last answer learns of it.
const DONE: &str = "done";

/// What is known of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staged {
    /// 32 random hex digits, by which it is addressed.
    pub(crate) id: String,
    /// Whose material it becomes.
    pub(crate) resource: ResourceCode,
    /// The department that provides the resource.
    pub(crate) department: DepartmentId,
    /// The size of the whole.
    pub(crate) length: u64,
    /// Bytes that are on the disk.
    pub(crate) offset: u64,
    /// What the client says of the file, as it is written in `upload-metadata`.
    pub(crate) metadata: String,
    /// When it is forgotten.
    pub(crate) expires: Timestamp,
    /// SHA-256 of the whole, hex, once it is a material.
    pub(crate) sha256: Option<String>,
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    folder: PathBuf,
    /// Uploads to which somebody writes.
    busy: Arc<Mutex<HashSet<String>>>,
    /// Held while an upload is entered, so that their number is known.
    entering: Arc<Mutex<()>>,
}

/// The right to write to an upload, given back when it is dropped.
pub(crate) struct Busy {
    id: String,
    all: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Staging {
    /// Uploads below a folder, which is made when it is needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, busy: Arc::default(), entering: Arc::default() }
    }

    /// The right to write to an upload, unless somebody has it.
    pub(crate) fn enter(&self, id: &str) -> Option<Busy> {
        let is_free = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        is_free.then(|| Busy { id: id.to_owned(), all: Arc::clone(&self.busy) })
    }

    /// Enters an upload, if its department has fewer than `most` under way. Those whose time is over are forgotten.
    pub(crate) fn create(&self, staged: &Staged, most: usize, now: Timestamp) -> Result<()> {
        let _one_at_a_time = self.entering.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in [OPEN, DONE] {
            fs::create_dir_all(self.folder.join(folder)).map_err(unwritable)?;
        }
        for folder in self.folder.ancestors().take(2) {
            sync(folder).map_err(unwritable)?;
        }
        self.forget(OPEN, now).map_err(unwritable)?;
        let all = self.all(OPEN).map_err(unwritable)?;
        if all.iter().filter(|other| other.department == staged.department).count() >= most {
            let message =
                format!("{most} uploads of your department are under way: end some, or give them up");
            return Err(Error::new(ErrorCode::LimitRate, message));
        }
        self.save(staged)
    }

    /// An upload, under way or ended. Of one that had just ended when the machine stopped both may be known: it has.
    pub(crate) fn get(&self, id: &str) -> Result<Option<Staged>> {
        for folder in [DONE, OPEN] {
            match fs::read(self.known(folder, id)) {
                Ok(text) => return serde_json::from_slice(&text).map(Some).map_err(Error::internal),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(unwritable(error)),
            }
        }
        Ok(None)
    }

    /// Writes a chunk behind the bytes that are there. It counts once the upload is saved with its new offset.
    ///
    /// An upload whose bytes are gone, because it was being given up when the machine stopped, is forgotten: `not_found`.
    pub(crate) fn append(&self, staged: &Staged, chunk: &mut File) -> Result<()> {
        let path = self.bytes(&staged.id);
        let there = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            found => found.map_err(unwritable)?.len(),
        };
        if there < staged.offset {
            self.give_up(&staged.id)?;
            return Err(Error::not_found("the first part of this upload"));
        }
        let mut append = || {
            let is_first = staged.offset == 0;
            let mut file = OpenOptions::new().create(is_first).write(true).truncate(false).open(&path)?;
            file.seek(SeekFrom::Start(staged.offset))?;
            chunk.rewind()?;
            let written = io::copy(chunk, &mut file)?;
            file.set_len(staged.offset + written)?;
            file.sync_all()?;
            sync(&self.folder.join(OPEN))
        };
        append().map_err(unwritable)
    }

    /// Writes down what is known, whole or not at all.
    pub(crate) fn save(&self, staged: &Staged) -> Result<()> {
        self.write(OPEN, staged).map_err(unwritable)
    }

    /// The bytes so far.
    pub(crate) fn file(&self, id: &str) -> Result<File> {
        File::open(self.bytes(id)).map_err(unwritable)
    }

    /// Writes down that an upload has ended; its bytes are elsewhere.
    pub(crate) fn end(&self, staged: &Staged) -> Result<()> {
        self.write(DONE, staged).and_then(|()| self.remove(OPEN, &staged.id)).map_err(unwritable)
    }

    /// Forgets an upload.
    pub(crate) fn give_up(&self, id: &str) -> Result<()> {
        self.remove(OPEN, id).and_then(|()| self.remove(DONE, id)).map_err(unwritable)
    }

    /// Forgets all whose time is over, those that have ended too.
    pub(crate) fn forget_expired(&self, now: Timestamp) -> Result<()> {
        self.forget(OPEN, now).and_then(|()| self.forget(DONE, now)).map_err(unwritable)
    }

    fn forget(&self, folder: &str, now: Timestamp) -> io::Result<()> {
        let over = self.all(folder)?.into_iter().filter(|staged| staged.expires <= now);
        over.filter_map(|staged| Some((self.enter(&staged.id)?, staged.id)))
            .try_for_each(|(_busy, id)| self.remove(folder, &id))
    }

    fn all(&self, folder: &str) -> io::Result<Vec<Staged>> {
        let entries = match fs::read_dir(self.folder.join(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                // One that was forgotten meanwhile is none.
                all.extend(fs::read(path).ok().and_then(|text| serde_json::from_slice::<Staged>(&text).ok()));
            }
        }
        Ok(all)
    }

    fn write(&self, folder: &str, staged: &Staged) -> io::Result<()> {
        let path = self.known(folder, &staged.id);
        let unfinished = path.with_extension("new");
        let mut file = File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(staged)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync(&self.folder.join(folder))
    }

    /// What is known goes last: as long as it is there, so is the way to its bytes.
    fn remove(&self, folder: &str, id: &str) -> io::Result<()> {
        if folder == OPEN {
            remove(&self.bytes(id))?;
        }
        remove(&self.known(folder, id))
    }

    fn known(&self, folder: &str, id: &str) -> PathBuf {
        self.folder.join(folder).join(format!("{id}.json"))
    }

    fn bytes(&self, id: &str) -> PathBuf {
        self.folder.join(OPEN).join(format!("{id}.bytes"))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn unwritable(cause: io::Error) -> Error {
    Error::new(ErrorCode::Unavailable, "uploads can't be stored now; try again later").with_internal(cause)
}
