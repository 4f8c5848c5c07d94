//! Reading and writing the objects of versions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use catalog_core::ResourceCode;
use catalog_core::dataset::{Shape, Version};
use catalog_core::ports::Shapes;
use exchange_crypto::{Digest, Hasher, PublicKey, SigningKey};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::error::Error;
use crate::layout::VersionFolder;
use crate::manifest::{Manifest, Part};
use crate::pieces::in_pieces;

/// Objects remembered as proven; beyond that half of them are proven again.
const PROVEN: usize = 65_536;
/// Parts of the manifests that are remembered, all together; beyond that all are read again.
const REMEMBERED_PARTS: usize = 200_000;
/// Boxes that take as much memory as a part, whose path and digest are texts.
const BOXES_OF_A_PART: usize = 5;

/// The objects of all datasets in one object store: local files, or S3.
#[derive(Debug, Clone)]
pub struct DatasetStore {
    objects: Arc<dyn ObjectStore>,
    /// The state in which each object was found to have its digest.
    proven: Arc<Mutex<HashMap<Path, (ObjectMeta, String)>>>,
    /// Objects that are being proven, so that one reader reads what all wait for.
    proving: Arc<Mutex<HashMap<Path, Turn>>>,
    /// Manifests that were read: a reader of a thousand files opens the same version a thousand times.
    manifests: Arc<Mutex<HashMap<Path, Remembered>>>,
}

/// What one holds at a time, whatever others do meanwhile.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// A manifest in the state in which it had the digest of its name.
type Remembered = (ObjectMeta, Arc<Manifest>);

impl DatasetStore {
    /// The datasets below the root of an object store.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, proven: Arc::default(), proving: Arc::default(), manifests: Arc::default() }
    }

    /// The object store itself, for readers and writers of Parquet.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// Writes manifest and signature, and answers the manifest's digest, which the catalogue must then record.
    pub async fn write_manifest(&self, manifest: &Manifest, key: &SigningKey) -> Result<Digest, Error> {
        let document = manifest.canonical()?;
        let digest = Digest::of(&document);
        let folder = manifest.folder();
        self.objects.put(&folder.manifest(&digest), document.into()).await?;
        self.objects.put(&folder.signature(&digest), manifest.sign(key)?.into()).await?;
        Ok(digest)
    }

    /// The manifest of a version, proven to be the one that the catalogue recorded. It is read once, and again when its time,
    /// size or entity tag in the object store have changed.
    pub async fn manifest(&self, version: &Version) -> Result<Arc<Manifest>, Error> {
        let (folder, digest) = located(version)?;
        let path = folder.manifest(&digest);
        let remembered = || self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        let known = remembered().get(&path).cloned();
        if let Some((state, manifest)) = known
            && self.objects.head(&path).await? == state
        {
            return Ok(manifest);
        }
        let (state, manifest) = self.read_manifest(version).await?;
        let manifest = Arc::new(manifest);
        let mut remembered = remembered();
        let parts = remembered.values().map(|(_, manifest)| weight(manifest)).sum::<usize>();
        if parts + weight(&manifest) > REMEMBERED_PARTS {
            remembered.clear();
        }
        remembered.insert(path, (state, Arc::clone(&manifest)));
        Ok(manifest)
    }

    /// The digests of the manifests that lie in a version's folder, the newest first: of the version that the catalogue knows, and of
    /// attempts that nobody has published.
    pub async fn manifests(&self, resource: &ResourceCode, version: i64) -> Result<Vec<Digest>, Error> {
        let mut listing = self.objects.list(Some(&VersionFolder::new(resource, version).prefix()));
        let mut found = Vec::new();
        while let Some(object) = listing.try_next().await? {
            found.extend(
                VersionFolder::digest_of(&object.location).map(|digest| (object.last_modified, digest)),
            );
        }
        found.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
        Ok(found.into_iter().map(|(_, digest)| digest).collect())
    }

    /// The manifest's canonical bytes as stored, proven to be those that the catalogue recorded.
    pub async fn manifest_bytes(&self, version: &Version) -> Result<Bytes, Error> {
        Ok(self.manifest_document(version).await?.1)
    }

    async fn read_manifest(&self, version: &Version) -> Result<(ObjectMeta, Manifest), Error> {
        let (state, document) = self.manifest_document(version).await?;
        let manifest = serde_json::from_slice(&document)
            .map_err(|_| Error::Corrupt { path: state.location.to_string(), what: "not a manifest" })?;
        Ok((state, manifest))
    }

    async fn manifest_document(&self, version: &Version) -> Result<(ObjectMeta, Bytes), Error> {
        let (folder, digest) = located(version)?;
        let path = folder.manifest(&digest);
        let found = self.objects.get(&path).await?;
        let state = found.meta.clone();
        let document = found.bytes().await?;
        if Digest::of(&document) != digest {
            return Err(Error::Corrupt { path: path.to_string(), what: "digest" });
        }
        Ok((state, document))
    }

    /// The detached signature of a version's manifest.
    pub async fn signature(&self, version: &Version) -> Result<String, Error> {
        let (folder, digest) = located(version)?;
        let path = folder.signature(&digest);
        let bytes = self.objects.get(&path).await?.bytes().await?;
        String::from_utf8(bytes.into())
            .map_err(|_| Error::Corrupt { path: path.to_string(), what: "not a signature" })
    }

    /// Checks signature and every object of a version. Reads all of it.
    pub async fn verify(&self, version: &Version, key: &PublicKey) -> Result<Manifest, Error> {
        let (_, manifest) = self.read_manifest(version).await?;
        manifest.verify(&self.signature(version).await?, key)?;
        for part in manifest.stored() {
            self.verify_part(part).await?;
        }
        for material in self.materials_of(&manifest).await? {
            self.verify_part(&material).await?;
        }
        Ok(manifest)
    }

    /// Checks size and digest of one object, as a stream.
    pub async fn verify_part(&self, part: &Part) -> Result<(), Error> {
        let (digest, bytes) = self.digest(&Path::from(part.path.as_str())).await?;
        if bytes != part.bytes {
            return Err(Error::Corrupt { path: part.path.clone(), what: "size" });
        }
        if digest.to_hex() != part.sha256 {
            return Err(Error::Corrupt { path: part.path.clone(), what: "digest" });
        }
        Ok(())
    }

    /// Proves that an object has its size and digest before any of it is sent. It is read once, and again when its
    /// time, size or entity tag in the object store have changed; its size is looked at every time.
    ///
    /// # Errors
    /// [`Error::Corrupt`] and [`Error::Missing`] name the object.
    pub async fn prove(&self, part: &Part) -> Result<(), Error> {
        let path = Path::from(part.path.as_str());
        let found = (self.objects.head(&path).await?, part.sha256.clone());
        if found.0.size != part.bytes {
            return Err(Error::Corrupt { path: part.path.clone(), what: "size" });
        }
        let proven = || self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        let is_proven = || proven().get(&path) == Some(&found);
        if is_proven() {
            return Ok(());
        }
        let turn = self.turn(&path);
        let _alone = turn.lock().await;
        if is_proven() {
            return Ok(());
        }
        self.verify_part(part).await?;
        let mut proven = proven();
        if proven.len() >= PROVEN {
            let mut goes = false;
            proven.retain(|_, _| {
                goes = !goes;
                goes
            });
        }
        proven.insert(path, found);
        Ok(())
    }

    /// What whoever proves that object holds meanwhile. Those that nobody holds any more are forgotten.
    fn turn(&self, path: &Path) -> Turn {
        let mut proving = self.proving.lock().unwrap_or_else(PoisonError::into_inner);
        proving.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(proving.entry(path.clone()).or_default())
    }

    /// Digest and size of a stored object, as a stream.
    pub async fn digest(&self, path: &Path) -> Result<(Digest, u64), Error> {
        let mut stream = in_pieces(self.objects.get(path).await?);
        let mut hasher = Hasher::new();
        let mut size = 0;
        while let Some(bytes) = stream.try_next().await? {
            hasher.update(&bytes);
            size += bytes.len() as u64;
        }
        Ok((hasher.finish(), size))
    }
}

#[async_trait]
impl Shapes for DatasetStore {
    async fn shape(&self, version: &Version) -> catalog_core::Result<Shape> {
        Ok(self.manifest(version).await?.shape())
    }
}

/// What a manifest takes of memory, in parts.
fn weight(manifest: &Manifest) -> usize {
    let boxes = manifest.places.iter().flat_map(|places| places.boxes.values());
    let boxes = boxes.map(|boxes| 1 + boxes.len() / BOXES_OF_A_PART).sum::<usize>();
    manifest.parts.len() + manifest.columns.len() + boxes
}

fn located(version: &Version) -> Result<(VersionFolder, Digest), Error> {
    let folder = VersionFolder::new(&version.resource, version.number);
    let digest = Digest::from_hex(&version.manifest_digest)
        .map_err(|_| Error::Corrupt { path: format!("{folder:?}"), what: "the catalogue's digest" })?;
    Ok((folder, digest))
}
