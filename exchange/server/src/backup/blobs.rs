//! Contents named by their digest.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use catalog_core::{Error, ErrorCode, Result};
use exchange_crypto::{Digest, Hasher};
use futures::{Stream, StreamExt as _};
use tokio_util::io::ReaderStream;

use super::Stored;
use crate::folder::io;

/// A content that was kept.
pub(crate) struct Put {
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    /// Whether nothing had its name before.
    pub(crate) is_new: bool,
}

/// The folder of contents.
pub(crate) struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// Of a folder of backups, which may be there already.
    pub(crate) fn in_folder(backups: &Path) -> Self {
        Self { folder: backups.join("blobs") }
    }

    /// Makes the folders, for their owner alone.
    pub(crate) fn make(&self) -> Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| io(&self.folder, &error))
    }

    /// Where a content lies, or would.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(digest.to_hex())
    }

    /// Whether a content of that size is there.
    pub(crate) fn has(&self, digest: &Digest, bytes: u64) -> bool {
        fs::metadata(self.path(digest)).is_ok_and(|about| about.is_file() && about.len() == bytes)
    }

    /// Whether a content that is there is still what its name says. `count` is told of each piece read.
    pub(crate) async fn is_sound(&self, digest: &Digest, mut count: impl FnMut(u64)) -> Result<bool> {
        let path = self.path(digest);
        let file = tokio::fs::File::open(&path).await.map_err(|error| io(&path, &error))?;
        let mut pieces = ReaderStream::with_capacity(file, 1 << 18);
        let mut hasher = Hasher::new();
        while let Some(piece) = pieces.next().await {
            // A disk that can't give it back has lost it.
            let Ok(piece) = piece else { return Ok(false) };
            hasher.update(&piece);
            count(piece.len() as u64);
        }
        Ok(hasher.finish() == *digest)
    }

    /// Keeps what passes; it has its name when it is durable. `count` is told of each piece.
    pub(crate) async fn put(
        &self,
        mut content: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
        mut count: impl FnMut(u64),
    ) -> Result<Put> {
        let failed = |error: std::io::Error| io(&self.folder, &error);
        let part = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        let (mut hasher, mut bytes) = (Hasher::new(), 0);
        while let Some(piece) = content.next().await {
            let piece = piece.map_err(failed)?;
            hasher.update(&piece);
            part.as_file().write_all(&piece).map_err(failed)?;
            bytes += piece.len() as u64;
            count(piece.len() as u64);
        }
        part.as_file().sync_all().map_err(failed)?;
        let digest = hasher.finish();
        let is_new = !self.has(&digest, bytes);
        part.persist(self.path(&digest)).map_err(|error| failed(error.error))?;
        Ok(Put { digest, bytes, is_new })
    }

    /// Makes the names durable.
    pub(crate) fn sync(&self) -> Result<()> {
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| io(&self.folder, &error))
    }

    /// Copies a content into a new file, and proves on the way that it is what the backup says.
    pub(crate) fn copy(&self, stored: &Stored, to: &Path, mut count: impl FnMut(u64)) -> Result<()> {
        let damaged = |what: &str| {
            let message = format!("`{}` of the backup {what}: blobs/{}", stored.name, stored.sha256);
            Error::new(ErrorCode::Corrupt, message)
        };
        let digest = Digest::from_hex(&stored.sha256).map_err(|_| damaged("has no digest"))?;
        let mut from = File::open(self.path(&digest)).map_err(|_| damaged("is missing"))?;
        let mut into = new_file(to)?;
        let (mut hasher, mut piece, mut bytes) = (Hasher::new(), vec![0; 1 << 18], 0);
        loop {
            let read = from.read(&mut piece).map_err(|error| io(&self.path(&digest), &error))?;
            let Some(content) = piece.get(..read).filter(|content| !content.is_empty()) else { break };
            hasher.update(content);
            into.write_all(content).map_err(|error| io(to, &error))?;
            bytes += read as u64;
            count(read as u64);
        }
        if hasher.finish() != digest || bytes != stored.bytes {
            return Err(damaged("was changed"));
        }
        into.sync_all().map_err(|error| io(to, &error))
    }
}

/// A file that must not exist yet, mode 0600, in folders that are made.
pub(crate) fn new_file(path: &Path) -> Result<File> {
    let make = || {
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        File::options().write(true).create_new(true).mode(0o600).open(path)
    };
    make().map_err(|error| io(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rotten_content_is_known_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path());
        blobs.make().unwrap();
        let put = async || {
            let content = futures::stream::iter([Ok(Bytes::from_static(b"content"))]);
            blobs.put(content, |_| ()).await.unwrap()
        };
        let Put { digest, is_new, .. } = put().await;
        let mut read = 0;
        assert!(is_new && blobs.is_sound(&digest, |more| read += more).await.unwrap());
        assert_eq!(read, 7);
        fs::write(blobs.path(&digest), b"c0ntent").unwrap();
        assert!(blobs.has(&digest, 7) && !blobs.is_sound(&digest, |_| ()).await.unwrap());
        put().await;
        assert!(blobs.is_sound(&digest, |_| ()).await.unwrap());
    }
}
