use std::collections::{HashMap, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use crate::LedgerError;

/// Lines written with one fsync, at most.
const BATCH: usize = 4096;
/// Keys remembered, newest first.
const REMEMBERED: usize = 1 << 17;

/// What was found when a file was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Lines in the file.
    pub lines: u64,
    /// The torn last line that was cut off, if there was one.
    pub torn: Option<TornLine>,
}

/// The end of a write that a crash interrupted. Nobody was told that it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornLine {
    /// Its bytes.
    pub bytes: u64,
    /// Where they were copied before they were cut off.
    pub saved_as: PathBuf,
}

/// An append-only file of lines: durable when [`LineFile::append`] returns, with one fsync for all that arrive together.
pub(crate) struct LineFile {
    sender: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

struct Job {
    key: Option<u128>,
    line: Vec<u8>,
    done: oneshot::Sender<Option<u64>>,
}

impl LineFile {
    /// Opens or creates the file. `check` sees every line (counted from 0) and gives the key under which it is kept once.
    pub(crate) fn open(
        path: &Path,
        mut check: impl FnMut(&[u8]) -> Result<Option<u128>, String>,
    ) -> Result<(Self, Opened), LedgerError> {
        let mut file = open_locked(path)?;
        let mut known = Known::default();
        let (mut lines, mut whole) = (0, 0);
        let mut reader = BufReader::with_capacity(1 << 16, &file);
        let mut line = Vec::new();
        let torn_bytes = loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(LedgerError::io(path))? as u64;
            if line.pop_if(|last| *last == b'\n').is_none() {
                break read;
            }
            let damaged = |reason| LedgerError::Damaged { path: path.to_owned(), line: lines + 1, reason };
            known.add(check(&line).map_err(damaged)?, lines);
            lines += 1;
            whole += read;
        };
        let torn = match torn_bytes {
            0 => None,
            _ => Some(cut_off(path, &mut file, whole, &line).map_err(LedgerError::io(path))?),
        };
        file.seek(SeekFrom::Start(whole)).map_err(LedgerError::io(path))?;
        Ok((Self::start(file, lines, known).map_err(LedgerError::io(path))?, Opened { lines, torn }))
    }

    /// Writes from here on to the end of `file`, whose next line is number `next`.
    pub(crate) fn start(file: File, next: u64, known: Known) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(2 * BATCH);
        // A thread of its own: fsync blocks, and a runtime that shuts down must not cut a batch in two.
        let writer = thread::Builder::new()
            .name("line-writer".to_owned())
            .spawn(move || Writer { file, next, known, broken: false }.run(receiver))?;
        Ok(Self { sender: Some(sender), writer: Some(writer) })
    }

    /// Appends a line (without line feed) and gives its number once it is durable. A known key gives its first line.
    pub(crate) async fn append(&self, key: Option<u128>, line: Vec<u8>) -> Result<u64, LedgerError> {
        let (done, answer) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or(LedgerError::Stopped)?;
        sender.send(Job { key, line, done }).await.map_err(|_| LedgerError::Stopped)?;
        answer.await.ok().flatten().ok_or(LedgerError::Stopped)
    }
}

impl Drop for LineFile {
    /// Waits until what was accepted is written.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            // The thread has no panics of its own; if it died, its callers have been told by their dropped answers.
            let _ = writer.join();
        }
    }
}

/// The newest keys with their lines.
#[derive(Default)]
pub(crate) struct Known {
    lines: HashMap<u128, u64>,
    order: VecDeque<u128>,
}

impl Known {
    fn add(&mut self, key: Option<u128>, line: u64) {
        let Some(key) = key else { return };
        self.lines.insert(key, line);
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.lines.remove(&oldest);
        }
    }

    fn line(&self, key: Option<u128>) -> Option<u64> {
        self.lines.get(&key?).copied()
    }
}

struct Writer {
    file: File,
    next: u64,
    known: Known,
    broken: bool,
}

impl Writer {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
            let places = self.write(&batch);
            for (index, job) in batch.drain(..).enumerate() {
                // Whoever no longer waits for the answer does not need it.
                let _ = job.done.send(places.as_ref().map(|places| places[index]));
            }
        }
    }

    /// The places of the batch once it is durable; `None` if it is not, and for ever after.
    fn write(&mut self, batch: &[Job]) -> Option<Vec<u64>> {
        if self.broken {
            return None;
        }
        let mut text = Vec::new();
        let mut places = Vec::with_capacity(batch.len());
        for job in batch {
            places.push(self.known.line(job.key).unwrap_or_else(|| {
                text.extend_from_slice(&job.line);
                text.push(b'\n');
                let place = self.next;
                self.known.add(job.key, place);
                self.next += 1;
                place
            }));
        }
        if text.is_empty() {
            return Some(places);
        }
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            tracing::error!(%error, "the log can't be written and refuses from now on");
            self.broken = true;
            return None;
        }
        Some(places)
    }
}

fn open_locked(path: &Path) -> Result<File, LedgerError> {
    let folder = folder_of(path);
    let open = || -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        // A new name is durable only when its folder is.
        File::open(folder)?.sync_all()?;
        if let Some(above) = folder.parent().filter(|above| *above != Path::new("")) {
            File::open(above)?.sync_all()?;
        }
        Ok(file)
    };
    let file = open().map_err(LedgerError::io(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(LedgerError::io(path)(error)),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Copies the torn line aside, durably, before it is cut off.
fn cut_off(path: &Path, file: &mut File, whole: u64, torn: &[u8]) -> io::Result<TornLine> {
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
    File::open(folder_of(path))?.sync_all()?;
    file.set_len(whole)?;
    file.sync_all()?;
    tracing::warn!(bytes = torn.len(), saved_as = %saved_as.display(), "cut off the torn last line of a log");
    Ok(TornLine { bytes: fs::metadata(&saved_as)?.len(), saved_as })
}
