//! Materials 附件: documents and images as objects of a resource, named by their digest. Rows of its versions name them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek as _;
use std::sync::Arc;

use bytes::Bytes;
use catalog_core::ResourceCode;
use exchange_crypto::{Digest, Hasher};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use tokio::io::AsyncReadExt as _;

use crate::durable::failed;
use crate::error::Error;
use crate::layout::VersionFolder;
use crate::manifest::{Manifest, Part};
use crate::store::DatasetStore;

/// The folder of a resource's materials, beside those of its versions.
const FOLDER: &str = "materials";
/// Bytes read of a file in one go.
const PIECE: usize = 1 << 20;

/// Digests with the sizes of the materials.
pub type Materials = BTreeMap<Digest, u64>;

/// Where a material of a resource lies.
pub fn material_path(resource: &ResourceCode, digest: &Digest) -> Path {
    Path::from(format!("{}/{FOLDER}/{digest}", resource.path_form()))
}

/// Whether an object is a material.
pub(crate) fn is_material(path: &Path) -> bool {
    path.parts().nth(1).is_some_and(|folder| folder.as_ref() == FOLDER)
}

impl DatasetStore {
    /// Keeps a file as a material; answers its digest and size. The same bytes are one object, however often they come.
    pub async fn put_material(&self, resource: &ResourceCode, file: File) -> Result<(Digest, u64), Error> {
        let (file, digest) = tokio::task::spawn_blocking(move || hashed(file)).await.map_err(failed)??;
        let path = material_path(resource, &digest);
        let mut writer = BufWriter::new(Arc::clone(self.objects()), path.clone());
        let (mut file, mut hasher, mut bytes) = (tokio::fs::File::from_std(file), Hasher::new(), 0);
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            (&mut file).take(PIECE as u64).read_to_end(&mut piece).await.map_err(failed)?;
            if piece.is_empty() {
                break;
            }
            hasher.update(&piece);
            bytes += piece.len() as u64;
            writer.put(Bytes::from(piece)).await?;
        }
        if hasher.finish() != digest {
            writer.abort().await?;
            return Err(Error::Corrupt { path: path.to_string(), what: "the file while it was read" });
        }
        tokio::io::AsyncWriteExt::shutdown(&mut writer).await.map_err(failed)?;
        Ok((digest, bytes))
    }

    /// All materials of a resource.
    pub async fn materials(&self, resource: &ResourceCode) -> Result<Materials, Error> {
        let folder = Path::from(format!("{}/{FOLDER}", resource.path_form()));
        let mut listing = self.objects().list(Some(&folder));
        let mut found = Materials::new();
        while let Some(object) = listing.try_next().await? {
            let digest = object.location.filename().and_then(|name| Digest::from_hex(name).ok());
            found.extend(digest.map(|digest| (digest, object.size)));
        }
        Ok(found)
    }

    /// Writes the list of the materials that the rows of a version name: a digest and a size each line.
    pub async fn write_materials(
        &self,
        folder: &VersionFolder,
        materials: &Materials,
    ) -> Result<Part, Error> {
        let attempt = VersionFolder::attempt().map_err(failed)?;
        let path = folder.materials(&attempt);
        let lines: String = materials.iter().map(|(digest, bytes)| format!("{digest} {bytes}\n")).collect();
        let part = Part {
            path: path.to_string(),
            rows: materials.len() as u64,
            bytes: lines.len() as u64,
            sha256: Digest::of(lines.as_bytes()).to_hex(),
        };
        self.objects().put(&path, lines.into()).await?;
        Ok(part)
    }

    /// The materials of a version, as objects.
    pub async fn materials_of(&self, manifest: &Manifest) -> Result<Vec<Part>, Error> {
        let Some(list) = &manifest.materials else { return Ok(Vec::new()) };
        let lines = self.objects().get(&Path::from(list.path.as_str())).await?.bytes().await?;
        let corrupt = |what| Error::Corrupt { path: list.path.clone(), what };
        if Digest::of(&lines).to_hex() != list.sha256 {
            return Err(corrupt("digest"));
        }
        let text = std::str::from_utf8(&lines).map_err(|_| corrupt("not a list of materials"))?;
        let material = |line: &str| {
            let (digest, bytes) = line.split_once(' ')?;
            let (digest, bytes) = (Digest::from_hex(digest).ok()?, bytes.parse().ok()?);
            let path = material_path(&manifest.resource, &digest).to_string();
            Some(Part { path, rows: 0, bytes, sha256: digest.to_hex() })
        };
        text.lines().map(|line| material(line).ok_or_else(|| corrupt("not a list of materials"))).collect()
    }
}

/// The file, at its beginning again, and its digest.
fn hashed(mut file: File) -> Result<(File, Digest), Error> {
    let mut hasher = Hasher::new();
    file.rewind().map_err(failed)?;
    std::io::copy(&mut file, &mut hasher).map_err(failed)?;
    file.rewind().map_err(failed)?;
    Ok((file, hasher.finish()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::local_objects;

    fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[tokio::test]
    async fn the_same_bytes_are_one_object_of_their_resource() {
        let folder = tempfile::tempdir().unwrap();
        let store = DatasetStore::new(local_objects(folder.path()).unwrap());
        let [one, other] = ["301001/000001", "301001/000002"].map(|code| ResourceCode::new(code).unwrap());
        for text in ["abc", "abc", ""] {
            let kept = store.put_material(&one, file(text)).await.unwrap();
            assert_eq!(kept, (Digest::of(text.as_bytes()), text.len() as u64));
        }
        let all = store.materials(&one).await.unwrap();
        assert_eq!(all, Materials::from([(Digest::of(b"abc"), 3), (Digest::of(b""), 0)]));
        assert_eq!(store.materials(&other).await.unwrap(), Materials::new());
        let path = material_path(&one, &Digest::of(b"abc"));
        assert!(is_material(&path) && !is_material(&VersionFolder::new(&one, 1).part("a", 0)));
        let list = store.write_materials(&VersionFolder::new(&one, 1), &all).await.unwrap();
        assert!(list.rows == 2 && !is_material(&Path::from(list.path.as_str())));
        store.verify_part(&list).await.unwrap();
    }
}
