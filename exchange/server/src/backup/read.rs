//! Reading backups: nothing of one counts before its signature and its digests do.

use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode, Result, Timestamp};
use datasets_store::jws;
use exchange_crypto::{Digest, PublicKey};

use super::blobs::Blobs;
use super::{FORMAT, Manifest, SIGNATURE_TYPE, Stored, check_name};
use crate::folder::io;

/// A backup whose list is genuine.
pub(crate) struct Backup {
    pub(crate) manifest: Manifest,
    /// SHA-256 of the list, which names the backup in evidence.
    pub(crate) digest: Digest,
    blobs: Blobs,
}

/// The backups of a folder, oldest first. Only those that are asked for are looked at more closely.
pub(crate) struct Backups {
    folder: PathBuf,
    found: Vec<(Timestamp, PathBuf)>,
}

impl Backups {
    /// Of a folder, or of the folder of the one backup that is named.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (folder, paths) = match path.is_dir() {
            true => (path.to_owned(), lists(path)?),
            false => (path.parent().unwrap_or(Path::new(".")).to_owned(), vec![path.to_owned()]),
        };
        let mut found = Vec::new();
        for path in paths {
            found.push((read(&path)?.1.created_at, path));
        }
        found.sort();
        match found.is_empty() {
            true => Err(Error::not_found(format!("a backup in {}", folder.display()))),
            false => Ok(Self { folder, found }),
        }
    }

    /// The newest one not later than `at`.
    pub(crate) fn newest(&self, at: Option<Timestamp>, keys: &[PublicKey]) -> Result<Backup> {
        let is_early = |made: &Timestamp| at.is_none_or(|at| *made <= at);
        let (_, path) = self.found.iter().rfind(|(made, _)| is_early(made)).ok_or_else(|| {
            let oldest = self.found.first().map(|(made, _)| made.to_string()).unwrap_or_default();
            Error::not_found(format!("a backup that early: the oldest is of {oldest}"))
        })?;
        Backup::open(path, Blobs::in_folder(&self.folder), keys)
    }
}

fn lists(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in folder.read_dir().map_err(|error| io(folder, &error))? {
        let path = entry.map_err(|error| io(folder, &error))?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn read(path: &Path) -> Result<(Vec<u8>, Manifest)> {
    let document = std::fs::read(path).map_err(|error| io(path, &error))?;
    let manifest: Manifest = serde_json::from_slice(&document)
        .map_err(|_| Error::new(ErrorCode::Corrupt, format!("{} is no list of a backup", path.display())))?;
    Ok((document, manifest))
}

impl Backup {
    fn open(path: &Path, blobs: Blobs, keys: &[PublicKey]) -> Result<Self> {
        let (document, manifest) = read(path)?;
        let signature = path.with_extension("jws");
        let signature = std::fs::read_to_string(&signature).map_err(|error| io(&signature, &error))?;
        let is_signed =
            keys.iter().any(|key| jws::verify_detached(&signature, &document, SIGNATURE_TYPE, key).is_ok());
        if !is_signed {
            let message = format!(
                "{} is not signed by a key of the platform that the file of keys knows: it was changed, or the file of \
                 keys is older than the platform's key",
                path.display()
            );
            return Err(Error::new(ErrorCode::SignatureInvalid, message));
        }
        if manifest.format != FORMAT {
            let message = format!("the backup has format {}, this program knows {FORMAT}", manifest.format);
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        manifest.files.iter().try_for_each(|file| check_name(&file.name))?;
        Ok(Self { manifest, digest: Digest::of(&document), blobs })
    }

    /// Copies files into a data folder; each is what the list says, or nothing is restored.
    pub(crate) fn unpack(
        &self,
        root: &Path,
        wanted: impl Fn(&Stored) -> bool,
        mut count: impl FnMut(u64),
    ) -> Result<()> {
        for file in self.manifest.files.iter().filter(|file| wanted(file)) {
            self.blobs.copy(file, &root.join(&file.name), &mut count)?;
        }
        Ok(())
    }
}
