//! Indexes and rows on the local disk, those that were asked for lately open.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use arrow::array::RecordBatch;
use catalog_core::{Error, ErrorCode, Result};
use datasets_index::{Index, IndexError, IndexKey, Records};
use exchange_crypto::MacKey;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use super::About;
use super::build::Place;

/// Versions, and indexes, that stay open.
const OPEN: usize = 256;

/// Versions that are remembered because their rows could not be brought to hand.
const LEFT: usize = 4_096;

/// Bytes of this folder beyond which nothing more is kept for queries: any reader may cause it. What look-ups need is built
/// all the same.
const ROOM: u64 = 4 << 30;

/// Name of the index of the key. No profile is called so: it has two items.
const KEY: &str = "key.index";

/// Name of the rows.
const RECORDS: &str = "records";

/// The secrets from which the keys of these files are derived.
#[derive(Clone)]
pub struct IndexSecrets {
    /// Under which files are written.
    pub current: MacKey,
    /// The one before, while it is being replaced: what was written under it serves until it is written anew.
    pub retired: Option<MacKey>,
}

/// The folder in which what look-ups need is kept: derived from the versions, and built again where it is missing.
pub(crate) struct Kept {
    folder: PathBuf,
    secrets: IndexSecrets,
    records: Cache<String, Arc<Records>>,
    indexes: Cache<(String, About), Arc<Index>>,
    /// All rows of versions that were brought to hand, checked.
    at_hand: Cache<String, Vec<RecordBatch>>,
    /// Held by whoever builds: one file at a time, for it takes all cores and much of the disk.
    turn: Arc<Mutex<()>>,
    /// Digests of manifests whose rows could not be brought to hand lately: it is not tried again for each query.
    left: Cache<String, ()>,
    /// Digests of manifests whose rows have to go.
    gone: std::sync::Mutex<BTreeSet<String>>,
}

impl Kept {
    /// What is kept in the folder under keys derived from the secrets.
    pub(crate) fn new(folder: PathBuf, secrets: IndexSecrets) -> Self {
        let (records, indexes, at_hand) = (Cache::new(OPEN), Cache::new(OPEN), Cache::new(OPEN));
        let (left, turn, gone) = (Cache::new(LEFT), Arc::default(), Default::default());
        Self { folder, secrets, records, indexes, at_hand, turn, left, gone }
    }

    /// The rows of a version, built where they are not there; whoever asks meanwhile waits.
    pub(super) async fn records<F>(
        &self,
        digest: &str,
        build: impl FnOnce(Place) -> F,
    ) -> Result<Arc<Records>>
    where
        F: Future<Output = Result<()>>,
    {
        let opening = async { self.opened(digest, RECORDS, Records::open, build).await.map(Arc::new) };
        self.records.get_or_insert_async(digest, opening).await
    }

    /// An index of a version, in the same way.
    pub(super) async fn index<F>(
        &self,
        digest: &str,
        about: &About,
        build: impl FnOnce(Place) -> F,
    ) -> Result<Arc<Index>>
    where
        F: Future<Output = Result<()>>,
    {
        let opening = async { self.opened(digest, &about.file(), Index::open, build).await.map(Arc::new) };
        self.indexes.get_or_insert_async(&(digest.to_owned(), about.clone()), opening).await
    }

    /// The file under the current secret, else under the one before, else as it is built.
    async fn opened<T, F>(
        &self,
        digest: &str,
        file: &str,
        open: impl Fn(&Path, &IndexKey) -> Result<T, IndexError>,
        build: impl FnOnce(Place) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<()>>,
    {
        let IndexSecrets { current, retired } = &self.secrets;
        let secrets = || [Some(current), retired.as_ref()].into_iter().flatten();
        let found = || {
            let mut files = secrets().map(|secret| self.file(digest, file, secret));
            files.find_map(|(path, key)| whole(open(&path, &key)).transpose()).transpose()
        };
        if let Some(found) = found()? {
            return Ok(found);
        }
        let place = self.place(digest, file).await?;
        // Somebody who has gone since may have built it.
        if let Some(found) = found()? {
            return Ok(found);
        }
        let (path, key) = (place.path.clone(), place.key.clone());
        build(place).await?;
        open(&path, &key).map_err(Error::internal)
    }

    /// Where the rows of a version, or an index of them, are to be written anew: they are there, under the secret before.
    pub(super) async fn outdated(&self, digest: &str, about: Option<&About>) -> Result<Option<Place>> {
        if self.secrets.retired.is_none() {
            return Ok(None);
        }
        let file = about.map_or_else(|| RECORDS.to_owned(), About::file);
        let (path, key) = self.file(digest, &file, &self.secrets.current);
        let is_current = match about {
            None => whole(Records::open(&path, &key))?.is_some(),
            Some(_) => whole(Index::open(&path, &key))?.is_some(),
        };
        match is_current {
            true => Ok(None),
            false => self.place(digest, &file).await.map(Some),
        }
    }

    /// Closes what is open of a version: whoever asks next opens what is there by now.
    pub(super) fn close(&self, digest: &str) {
        self.records.remove(digest);
        self.at_hand.remove(digest);
        self.indexes.retain(|(of, _), _| of != digest);
    }

    /// Closes and removes what is kept of a version. Who has it open keeps it.
    pub(crate) fn discard(&self, digest: &str) -> Result<()> {
        self.close(digest);
        match fs::remove_dir_all(self.folder.join(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }

    /// The same for good: nothing of the version is built again.
    pub(crate) fn forget(&self, digest: &str) -> Result<()> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.to_owned());
        self.discard(digest)
    }

    /// Removes what is kept of every version but these, and what was never finished.
    pub(crate) async fn keep(&self, digests: &BTreeSet<String>) -> Result<()> {
        let _nothing_is_built = self.turn.lock().await;
        for (name, path) in entries(&self.folder)? {
            if !digests.contains(&name) {
                self.discard(&name)?;
                continue;
            }
            let unfinished = entries(&path)?.into_iter().filter(|(name, _)| name.starts_with('.'));
            for (_, path) in unfinished {
                fs::remove_file(path).map_err(Error::internal)?;
            }
        }
        Ok(())
    }

    /// Whether the rows of a version are not there, and whoever asks for them waits until something else is built.
    pub(crate) fn would_wait(&self, digest: &str) -> bool {
        self.turn.try_lock().is_err() && !self.has_rows(digest)
    }

    /// Whether the rows of a version are there.
    fn has_rows(&self, digest: &str) -> bool {
        self.records.peek(digest).is_some() || self.folder.join(digest).join(RECORDS).exists()
    }

    /// Whether the rows of a version are there or may be built for queries.
    pub(super) fn may_bring(&self, digest: &str) -> Result<bool> {
        if self.has_rows(digest) {
            return Ok(true);
        }
        if self.left.get(digest).is_some() {
            return Ok(false);
        }
        let mut bytes = 0;
        for (_, folder) in entries(&self.folder)? {
            for (_, path) in entries(&folder)? {
                // Somebody may remove it meanwhile.
                bytes += fs::metadata(path).map_or(0, |file| file.len());
            }
        }
        Ok(bytes <= ROOM)
    }

    /// All rows of a version, if they were brought to hand lately.
    pub(super) fn at_hand(&self, digest: &str) -> Option<Vec<RecordBatch>> {
        self.at_hand.get(digest)
    }

    /// Keeps all rows of a version at hand.
    pub(super) fn bring(&self, digest: &str, rows: &[RecordBatch]) {
        self.at_hand.insert(digest.to_owned(), rows.to_vec());
    }

    /// Remembers that the rows of a version could not be brought to hand.
    pub(super) fn leave(&self, digest: &str) {
        self.left.insert(digest.to_owned(), ());
    }

    /// Whether the key of a version was looked up, or made ready to be.
    pub(super) fn has_key(&self, digest: &str) -> bool {
        self.folder.join(digest).join(KEY).exists()
    }

    /// A file of a version, with its key.
    fn file(&self, digest: &str, file: &str, secret: &MacKey) -> (PathBuf, IndexKey) {
        let key = IndexKey::new(secret, &format!("{digest}:{file}"));
        (self.folder.join(digest).join(file), key)
    }

    /// Where a file is built, once nothing else is.
    async fn place(&self, digest: &str, file: &str) -> Result<Place> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains(digest) {
            let message = "the version was withdrawn or written anew meanwhile; ask again";
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        let (path, key) = self.file(digest, file, &self.secrets.current);
        let folder = self.folder.join(digest);
        private(&folder).map_err(Error::internal)?;
        Ok(Place { folder, path, key, _turn: turn })
    }
}

impl About {
    fn file(&self) -> String {
        match self {
            Self::Key => KEY.to_owned(),
            Self::Profile(profile) => format!("{profile}.index"),
        }
    }
}

/// What is there and whole.
fn whole<T>(found: Result<T, IndexError>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(IndexError::Damaged(_)) => Ok(None),
        Err(IndexError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::internal(error)),
    }
}

/// Names and paths in a folder; none where it is not there.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found.map_err(Error::internal)?,
    };
    let named = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.map_err(Error::internal)?;
        Ok((entry.file_name().to_string_lossy().into_owned(), entry.path()))
    };
    found.map(named).collect()
}

/// The folder, readable by its owner alone: it holds rows.
fn private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
