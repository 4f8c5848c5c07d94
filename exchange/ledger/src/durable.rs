//! What survives a power cut: files, their names, and the torn ends that one leaves.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::LedgerError;

/// The end of a write that a crash interrupted. Nobody was told that it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornLine {
    /// Its bytes.
    pub bytes: u64,
    /// Where they were copied before they were cut off.
    pub saved_as: PathBuf,
}

/// Makes a folder for its owner alone, durably.
pub(crate) fn make_folder(folder: &Path) -> Result<(), LedgerError> {
    let make = || {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        sync_folder(folder)?;
        folder.parent().filter(|above| *above != Path::new("")).map_or(Ok(()), sync_folder)
    };
    make().map_err(LedgerError::unwritten(folder))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Opens or creates a file to read and write, mode 0600. Its name is durable afterwards.
pub(crate) fn open(path: &Path) -> Result<File, LedgerError> {
    let open = || {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        sync_folder(folder_of(path))?;
        Ok(file)
    };
    open().map_err(LedgerError::unwritten(path))
}

/// Opens or creates a file as the only process that does.
pub(crate) fn open_locked(path: &Path) -> Result<File, LedgerError> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(LedgerError::io(path)(error)),
    }
}

/// Gives a file new content, whole or not at all.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), LedgerError> {
    let part = path.with_extension("part");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        sync_folder(folder_of(path))
    };
    write().map_err(LedgerError::unwritten(path))
}

/// Moves a file, to another file system too. It is there under the old name or under the new one, or both, but whole.
pub(crate) fn move_file(from: &Path, to: &Path) -> Result<(), LedgerError> {
    let go = || {
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let part = to.with_extension("part");
                fs::copy(from, &part)?;
                File::open(&part)?.sync_all()?;
                fs::rename(&part, to)?;
                sync_folder(folder_of(to))?;
                fs::remove_file(from)?;
            }
            renamed => renamed?,
        }
        sync_folder(folder_of(to))?;
        sync_folder(folder_of(from))
    };
    go().map_err(LedgerError::io(from))
}

/// Reads the whole lines of a file, counted from 0 and without their line feeds, and cuts off a torn last line. The file
/// stands at its end afterwards, and what was read is durable: whoever wrote it may have died before saying so.
pub(crate) fn read_lines(
    path: &Path,
    file: &mut File,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), LedgerError>,
) -> Result<Option<TornLine>, LedgerError> {
    let (mut number, mut whole) = (0, 0);
    file.seek(SeekFrom::Start(0)).map_err(LedgerError::io(path))?;
    let mut reader = BufReader::with_capacity(1 << 16, &*file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(LedgerError::io(path))? as u64;
        if line.pop_if(|last| *last == b'\n').is_none() {
            break;
        }
        each(number, &line)?;
        number += 1;
        whole += read;
    }
    let torn = if line.is_empty() { None } else { Some(cut_off(path, file, whole, &line)?) };
    let end = file.seek(SeekFrom::Start(whole)).and_then(|_| file.sync_data());
    end.map_err(LedgerError::io(path)).map(|()| torn)
}

/// Puts a file at its end, and cuts off a torn last line; only the end is read.
pub(crate) fn at_end(path: &Path, file: &mut File) -> Result<(), LedgerError> {
    let (whole, torn) = whole_lines(file).map_err(LedgerError::io(path))?;
    if !torn.is_empty() {
        cut_off(path, file, whole, &torn)?;
    }
    file.seek(SeekFrom::Start(whole)).map_err(LedgerError::io(path)).map(drop)
}

/// The bytes of a file's whole lines, and what follows the last line feed; only the end is read.
pub(crate) fn whole_lines(file: &mut File) -> io::Result<(u64, Vec<u8>)> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut tail = Vec::new();
    let mut window = 1 << 16;
    loop {
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        tail.clear();
        Read::take(&mut *file, length - start).read_to_end(&mut tail)?;
        match tail.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => return Ok((start + end as u64 + 1, tail.split_off(end + 1))),
            None if start == 0 => return Ok((0, tail)),
            None => window *= 4,
        }
    }
}

/// Writes at the end of a file that stands there, durably. Of a write that fails nothing stays, so that a later one never
/// joins half a line.
///
/// # Errors
/// `Full` where a write found no room: what stands before is as durable as it was. `Io` for anything else, and for every
/// failure of fsync, which is reported only once: what the disk holds then is not known.
pub(crate) fn append(path: &Path, file: &mut File, bytes: &[u8]) -> Result<(), LedgerError> {
    let end = file.stream_position().map_err(LedgerError::io(path))?;
    let written = match file.write_all(bytes) {
        Ok(()) => file.sync_data().map_err(LedgerError::io(path)),
        Err(error) => Err(LedgerError::unwritten(path)(error)),
    };
    if written.is_err() {
        let cut = file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end)));
        cut.and_then(|_| file.sync_data()).map_err(LedgerError::io(path))?;
    }
    written
}

/// The content of a file, none where it does not exist yet.
pub(crate) fn read_if_there(path: &Path) -> Result<Vec<u8>, LedgerError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(LedgerError::io(path)),
    }
}

/// Copies the torn line aside, durably, before it is cut off.
fn cut_off(path: &Path, file: &File, whole: u64, torn: &[u8]) -> Result<TornLine, LedgerError> {
    let cut = || {
        let mut attempt = 0;
        let (mut copy, saved_as) = loop {
            let name = path.with_extension(format!("torn-{whole}-{attempt}"));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                opened => break (opened?, name),
            }
        };
        copy.write_all(torn)?;
        copy.sync_all()?;
        sync_folder(folder_of(path))?;
        file.set_len(whole)?;
        file.sync_all()?;
        tracing::warn!(bytes = torn.len(), saved_as = %saved_as.display(), "cut off the torn last line of a log");
        Ok(TornLine { bytes: torn.len() as u64, saved_as })
    };
    cut().map_err(LedgerError::io(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Overwrites a secret file in place, and removes it.
pub(crate) fn overwrite_and_remove(path: &Path) -> Result<(), LedgerError> {
    let erase = || {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let length = file.metadata()?.len();
        io::copy(&mut io::repeat(0).take(length), &mut file)?;
        file.sync_all()?;
        fs::remove_file(path)?;
        sync_folder(folder_of(path))
    };
    erase().map_err(LedgerError::io(path))
}
