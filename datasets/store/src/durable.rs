//! Objects in local files that survive a power cut once they are written.
//!
//! The local store of `object_store` syncs nothing. Here every write ends with the file and its folders on the disk,
//! so whatever a catalogue then records about an object is true after a crash too.

use std::fmt;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use catalog_core::Timestamp;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use crate::gc::{Collected, Garbage};

/// The objects below a folder of this machine, each durable when its write has ended.
pub fn local_objects(root: &FilePath) -> Result<Arc<dyn ObjectStore>> {
    let root = root.canonicalize().map_err(failed)?;
    Ok(Arc::new(Durable { files: LocalFileSystem::new_with_prefix(&root)?, root }))
}

/// Adds to what is collected the files of writes that were cut short, which the store neither lists nor erases.
pub fn collect_unfinished(
    root: &FilePath,
    garbage: Garbage,
    collected: &mut Collected,
) -> std::io::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let (path, about) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if about.is_dir() {
                folders.push(path);
            } else if is_unfinished(&path) && written_at(&about)? < garbage.older_than {
                if !garbage.dry_run {
                    fs::remove_file(&path)?;
                }
                let name = path.strip_prefix(root).unwrap_or(&path);
                collected.objects.push(name.to_string_lossy().into_owned());
                collected.bytes += about.len();
            }
        }
    }
    collected.objects.sort();
    Ok(())
}

fn written_at(about: &fs::Metadata) -> std::io::Result<Timestamp> {
    let since = about.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
}

/// The local store writes to `name#1` before it renames.
fn is_unfinished(path: &FilePath) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let suffix = name.rsplit_once('#').map_or("", |(_, suffix)| suffix);
    !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Debug)]
struct Durable {
    files: LocalFileSystem,
    root: PathBuf,
}

impl Durable {
    /// What must reach the disk after a write: the object, then the folders from its own up to the root.
    fn written(&self, location: &Path) -> Result<Written> {
        Ok(Written { file: self.files.path_to_filesystem(location)?, root: self.root.clone() })
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "durable {}", self.files)
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let done = self.files.put_opts(location, payload, options).await?;
        self.written(location)?.sync().await?;
        Ok(done)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let written = self.written(location)?;
        let upload = self.files.put_multipart_opts(location, options).await?;
        Ok(Box::new(DurableUpload { upload, written }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await?;
        self.written(to)?.sync().await
    }
}

#[derive(Debug)]
struct DurableUpload {
    upload: Box<dyn MultipartUpload>,
    written: Written,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let done = self.upload.complete().await?;
        self.written.sync().await?;
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

#[derive(Debug, Clone)]
struct Written {
    file: PathBuf,
    root: PathBuf,
}

impl Written {
    async fn sync(&self) -> Result<()> {
        let Self { file, root } = self.clone();
        let sync = move || {
            File::open(&file)?.sync_all()?;
            let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(&root));
            folders.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
        };
        tokio::task::spawn_blocking(sync).await.map_err(failed)?.map_err(failed)
    }
}

/// A failure of the disk, or of what was to be written to it.
pub(crate) fn failed(error: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic { store: "local files", source: Box::new(error) }
}
