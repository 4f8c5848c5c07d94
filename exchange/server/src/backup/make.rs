//! Making a backup while everything goes on.
//!
//! The catalogue comes first, at rest for a moment and at a known place of the log. What is read after it can only know
//! more: the objects that it names never change, and the log only grows. Garbage is not collected meanwhile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use catalog_core::dataset::VersionState;
use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::policy::{Action, decide_action};
use catalog_core::ports::{DirectoryStore as _, VersionStore as _};
use catalog_core::{Error, ErrorCode, OpContext, Result};
use catalog_store::CatalogStore;
use datasets_store::{VersionFolder, jws};
use exchange_crypto::Digest;
use exchange_ledger::{Content, LogFile, SignedCheckpoint};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::ObjectStoreExt as _;
use openapi_http::App;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;

use super::blobs::Blobs;
use super::{CATALOGUE, FILES, FORMAT, Manifest, SIGNATURE_TYPE, Stored};
use crate::folder::io;

/// What is backed up: an open data folder.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) root: PathBuf,
    pub(crate) store: Arc<CatalogStore>,
    pub(crate) app: Arc<App>,
}

/// A backup that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    /// The signed list.
    pub(crate) backup: PathBuf,
    /// Files in it.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Bytes that no earlier backup in the folder had.
    pub(crate) written: u64,
    /// Names of files whose content from an earlier backup was no longer what it was, and was written anew: the disk rots.
    pub(crate) repaired: Vec<String>,
    /// Records of evidence in its newest epoch.
    pub(crate) records: u64,
}

/// Who is told how many of how many bytes are done.
pub(crate) type Follow<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// A content on its way into the backup.
enum From {
    File { path: PathBuf, bytes: u64, sha256: Option<String> },
    Bytes(Vec<u8>),
    Object { path: object_store::path::Path, bytes: u64, sha256: String },
}

/// Makes a backup in a folder that may hold earlier ones. That it begins, and what it came to, is evidence.
pub(crate) async fn make(
    source: &Source,
    ctx: &OpContext,
    target: &Path,
    follow: Follow<'_>,
) -> Result<Made> {
    decide_action(&ctx.principal, Action::MaintainStorage, None).into_permission()?;
    check_target(&source.root, target)?;
    let name = ctx.now.to_string().replace(':', "");
    let blobs = Blobs::in_folder(target);
    blobs.make()?;
    let _nothing_is_erased = source.app.no_erasing().await;
    record(source, ctx, "backup.begun", &name, &Digest::of(target.as_os_str().as_encoded_bytes())).await?;
    // Beside uploads: a database needs a local disk, and backups may lie elsewhere.
    let spool = source.root.join("spool");
    let temp = tempfile::tempdir_in(&spool).map_err(|error| io(&spool, &error))?;
    let copy = temp.path().join(CATALOGUE);
    let catalogue = catalogue(source, &copy).await?;
    let mut wanted = objects(source, &copy).await?;
    let size = std::fs::metadata(&copy).map_err(|error| io(&copy, &error))?.len();
    wanted.insert(CATALOGUE.to_owned(), From::File { path: copy, bytes: size, sha256: None });
    let log = {
        let evidence = Arc::clone(&source.app.evidence);
        tokio::task::spawn_blocking(move || evidence.copy()).await.map_err(Error::internal)??
    };
    for LogFile { name, content } in log.files.into_iter().chain(source.app.vault.copy()?) {
        let from = match content {
            Content::Stored { path, bytes, sha256 } => From::File { path, bytes, sha256 },
            Content::Bytes(bytes) => From::Bytes(bytes),
        };
        wanted.insert(name, from);
    }
    settings(&source.root, &mut wanted)?;
    let Kept { files, written, repaired } = keep(source, &blobs, wanted, follow).await?;
    blobs.sync()?;
    let bytes = files.iter().map(|file| file.bytes).sum();
    let manifest = Manifest {
        format: FORMAT,
        created_at: ctx.now,
        origin: origin(&source.root)?,
        catalogue: catalogue.note.to_string(),
        log: log.signed.note.to_string(),
        files,
    };
    let (backup, digest) = sign(source, target, &name, &manifest)?;
    record(source, ctx, "backup.made", &name, &digest).await?;
    let records = log.signed.checkpoint.size;
    Ok(Made { backup, files: manifest.files.len() as u64, bytes, written, repaired, records })
}

/// Refuses a place in the folder itself, with which the backup would be lost.
fn check_target(root: &Path, target: &Path) -> Result<()> {
    let real = |path: &Path| path.canonicalize().map_err(|error| io(path, &error));
    let there = target.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match real(there)?.starts_with(real(root)?) {
        true => {
            let message =
                "the backup would lie in the data folder: name another place, best on another machine's disk";
            Err(Error::new(ErrorCode::InvalidInput, message))
        }
        false => Ok(()),
    }
}

/// Copies the catalogue, and answers the checkpoint of the log that holds all of its changes and no later one.
async fn catalogue(source: &Source, copy: &Path) -> Result<SignedCheckpoint> {
    let resting = source.store.rest().await?;
    for event in &resting.pending {
        source.app.services.evidence().append(event.clone()).await?;
    }
    let evidence = Arc::clone(&source.app.evidence);
    let signed =
        tokio::task::spawn_blocking(move || evidence.checkpoint()).await.map_err(Error::internal)??;
    resting.copy_into(copy).await?;
    Ok(signed)
}

/// The objects that the copied catalogue names. Of a withdrawn version manifest and signature stay, as `gc` leaves them, and of
/// one from which records were erased those that it had.
async fn objects(source: &Source, copy: &Path) -> Result<BTreeMap<String, From>> {
    let copied = CatalogStore::connect(&format!("sqlite://{}", copy.display())).await?;
    let datasets = &source.app.datasets;
    let mut wanted = BTreeMap::new();
    for entry in copied.entries(None).await? {
        for version in copied.versions(&entry.draft.code).await? {
            let folder = VersionFolder::new(&version.resource, version.number);
            for named in version.by_manifest() {
                let digest = Digest::from_hex(&named.manifest_digest).map_err(Error::internal)?;
                let document = datasets.manifest_bytes(&named).await?.to_vec();
                wanted.insert(format!("objects/{}", folder.manifest(&digest)), From::Bytes(document));
                let signature = datasets.signature(&named).await?.into_bytes();
                wanted.insert(format!("objects/{}", folder.signature(&digest)), From::Bytes(signature));
            }
            if version.state == VersionState::Withdrawn {
                continue;
            }
            let manifest = datasets.manifest(&version).await?;
            let materials = datasets.materials_of(&manifest).await?;
            for part in manifest.stored().cloned().chain(materials) {
                let path = object_store::path::Path::from(part.path.as_str());
                let object = From::Object { path, bytes: part.bytes, sha256: part.sha256 };
                wanted.insert(format!("objects/{}", part.path), object);
            }
        }
    }
    copied.close().await;
    Ok(wanted)
}

/// Single files, calendars and access logs.
fn settings(root: &Path, wanted: &mut BTreeMap<String, From>) -> Result<()> {
    let mut add = |name: String, path: PathBuf| {
        let about = std::fs::metadata(&path).map_err(|error| io(&path, &error))?;
        if about.is_file() {
            wanted.insert(name, From::File { bytes: about.len(), path, sha256: None });
        }
        Ok::<_, Error>(())
    };
    for name in FILES.into_iter().filter(|name| *name != CATALOGUE) {
        let path = root.join(name);
        if path.exists() {
            add(name.to_owned(), path)?;
        }
    }
    for folder in ["calendar", "notices", "access"] {
        for entry in root.join(folder).read_dir().into_iter().flatten() {
            let path = entry.map_err(|error| io(root, &error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.'));
            if let Some(name) = name {
                add(format!("{folder}/{name}"), path.clone())?;
            }
        }
    }
    Ok(())
}

/// What was kept.
#[derive(Default)]
struct Kept {
    files: Vec<Stored>,
    written: u64,
    repaired: Vec<String>,
}

/// Keeps the contents. One that an earlier backup has is read again, for a backup is no better than what it relies on.
async fn keep(
    source: &Source,
    blobs: &Blobs,
    wanted: BTreeMap<String, From>,
    follow: Follow<'_>,
) -> Result<Kept> {
    let total = wanted.values().map(From::bytes).sum();
    let (mut kept, mut done) = (Kept::default(), 0);
    for (name, from) in wanted {
        super::check_name(&name)?;
        let expected = from.known();
        let from_here = |mut done: u64| {
            move |more| {
                done += more;
                follow(done, total);
            }
        };
        if let Some((digest, bytes)) = expected.filter(|(digest, bytes)| blobs.has(digest, *bytes)) {
            if blobs.is_sound(&digest, from_here(done)).await? {
                done += bytes;
                kept.files.push(Stored { name, sha256: digest.to_hex(), bytes });
                continue;
            }
            kept.repaired.push(name.clone());
        }
        let put = blobs.put(from.content(source).await?, from_here(done)).await?;
        done += put.bytes;
        if expected.is_some_and(|(digest, _)| digest != put.digest) {
            let message = format!("`{name}` is not what it was: run `shuqiao audit` before a backup");
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
        kept.written += if put.is_new { put.bytes } else { 0 };
        kept.files.push(Stored { name, sha256: put.digest.to_hex(), bytes: put.bytes });
    }
    Ok(kept)
}

impl From {
    fn bytes(&self) -> u64 {
        match self {
            Self::File { bytes, .. } | Self::Object { bytes, .. } => *bytes,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// Digest and size, where they are known without reading.
    fn known(&self) -> Option<(Digest, u64)> {
        match self {
            Self::Bytes(content) => Some((Digest::of(content), content.len() as u64)),
            Self::Object { bytes, sha256, .. } => Some((Digest::from_hex(sha256).ok()?, *bytes)),
            Self::File { bytes, sha256, .. } => Some((Digest::from_hex(sha256.as_ref()?).ok()?, *bytes)),
        }
    }

    async fn content(self, source: &Source) -> Result<BoxStream<'static, std::io::Result<Bytes>>> {
        match self {
            Self::Bytes(content) => Ok(stream::iter([Ok(Bytes::from(content))]).boxed()),
            Self::File { path, bytes, .. } => {
                let file = tokio::fs::File::open(&path).await.map_err(|error| io(&path, &error))?;
                Ok(tokio_util::io::ReaderStream::with_capacity(file.take(bytes), 1 << 18).boxed())
            }
            Self::Object { path, .. } => {
                let object =
                    source.app.datasets.objects().get(&path).await.map_err(datasets_store::Error::from)?;
                Ok(datasets_store::in_pieces(object).map_err(std::io::Error::other).boxed())
            }
        }
    }
}

fn origin(root: &Path) -> Result<String> {
    let path = root.join("evidence-origin");
    std::fs::read_to_string(&path).map_err(|error| io(&path, &error))
}

/// Writes the signature and then the list: with it, the backup is there.
fn sign(source: &Source, target: &Path, name: &str, manifest: &Manifest) -> Result<(PathBuf, Digest)> {
    let document = serde_json::to_vec_pretty(manifest).map_err(Error::internal)?;
    let signature = jws::sign_detached(&document, SIGNATURE_TYPE, &source.app.signer);
    let path = target.join(format!("{name}.json"));
    exchange_auth::write_secret_file(&path.with_extension("jws"), signature.as_bytes())?;
    exchange_auth::write_secret_file(&path, &document)?;
    Ok((path, Digest::of(&document)))
}

/// What becomes evidence of a backup.
pub(crate) async fn record(
    source: &Source,
    ctx: &OpContext,
    action: &str,
    name: &str,
    digest: &Digest,
) -> Result<()> {
    let event = Event::Changed {
        action: action.to_owned(),
        entity: format!("backup {name}"),
        entity_digest: digest.to_hex(),
    };
    source.app.services.evidence().append(EvidenceRecord::new(ctx, event)).await.map(drop)
}
