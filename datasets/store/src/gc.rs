//! Erasing what no version needs.

use std::collections::{BTreeMap, BTreeSet};

use catalog_core::Timestamp;
use catalog_core::dataset::{Version, VersionState};
use exchange_crypto::Digest;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use crate::error::Error;
use crate::layout::VersionFolder;
use crate::materials::is_material;
use crate::store::DatasetStore;

/// Where the evidence log keeps its sealed segments, in the same object store. They are no garbage, whatever a catalogue
/// says.
const EVIDENCE: &str = "evidence/";

/// Where governed extracts lie, one folder each.
const EXTRACTS: &str = "extracts/";

/// Seconds for which a material stays that no version has named yet: registers are delivered after their materials.
const UNNAMED_SECONDS: i64 = 7 * 24 * 3600;

/// What to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Garbage {
    /// Only objects written before; younger ones may belong to a version that is being written.
    pub older_than: Timestamp,
    /// Only report.
    pub dry_run: bool,
}

/// What was erased, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Paths, in order.
    pub objects: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that stay.
    pub kept: u64,
}

impl DatasetStore {
    /// Erases every object that none of `versions`, which must be all of the catalogue's, needs. Nothing may be written
    /// or published from the reading of `versions` to the end.
    ///
    /// A withdrawn version keeps manifest and signature, so that old receipts still verify, and loses its parts
    /// unless a published version needs them. A version from which records were erased keeps the manifests that it had, and
    /// for as long as young objects are left alone the parts that these name: somebody may be reading them. An unreadable
    /// manifest stops the collection before anything is erased.
    ///
    /// A material stays as long as a published version names it; one that no version has named since it was brought last, for a
    /// week.
    pub async fn gc(&self, versions: &[Version], garbage: Garbage) -> Result<Collected, Error> {
        let live = self.live(versions, garbage.older_than).await?;
        let ended = self.once_named(versions).await?;
        let is_awaited = |object: &ObjectMeta| {
            let newer_than = ended.get(object.location.as_ref()).copied();
            is_material(&object.location)
                && newer_than.is_none_or(|ended| is_young(object, ended))
                && is_young(object, garbage.older_than.plus_seconds(-UNNAMED_SECONDS))
        };
        let mut collected = Collected::default();
        let mut listing = self.objects().list(None);
        let mut doomed = Vec::new();
        while let Some(object) = listing.try_next().await? {
            let is_evidence = object.location.as_ref().starts_with(EVIDENCE);
            if is_evidence
                || live.contains(object.location.as_ref())
                || is_young(&object, garbage.older_than)
                || is_awaited(&object)
            {
                collected.kept += 1;
            } else {
                collected.bytes += object.size;
                doomed.push(object.location);
            }
        }
        doomed.sort_by_cached_key(order);
        if !garbage.dry_run {
            self.erase(&doomed).await?;
        }
        collected.objects = doomed.into_iter().map(String::from).collect();
        collected.objects.sort();
        Ok(collected)
    }

    async fn live(&self, versions: &[Version], older_than: Timestamp) -> Result<BTreeSet<String>, Error> {
        let mut live = BTreeSet::new();
        for version in versions {
            let folder = VersionFolder::new(&version.resource, version.number);
            for digest in version.manifest_digests().flat_map(Digest::from_hex) {
                live.insert(String::from(folder.manifest(&digest)));
                live.insert(String::from(folder.signature(&digest)));
            }
            if version.state == VersionState::Published {
                let lately = version.replaced.iter().filter(|replaced| replaced.at >= older_than);
                let digests =
                    lately.map(|replaced| &replaced.manifest_digest).chain([&version.manifest_digest]);
                for digest in digests {
                    let named = Version { manifest_digest: digest.clone(), ..version.clone() };
                    let manifest = self.manifest(&named).await?;
                    live.extend(manifest.objects().into_iter().map(str::to_owned));
                    let materials = match self.materials_of(&manifest).await {
                        // An earlier collection, which left fewer young objects alone, may have erased a replaced list.
                        Err(Error::Missing(_)) if *digest != version.manifest_digest => Vec::new(),
                        materials => materials?,
                    };
                    live.extend(materials.into_iter().map(|material| material.path));
                }
            }
        }
        Ok(live)
    }

    /// The materials that a version names no more, as far as its list is still there, each with the time from which on none
    /// did. What was brought again after that waits for a register anew.
    async fn once_named(&self, versions: &[Version]) -> Result<BTreeMap<String, Timestamp>, Error> {
        let mut ended = BTreeMap::<String, Timestamp>::new();
        for version in versions {
            for (manifest, at) in ends(version) {
                let found = async { self.materials_of(&*self.manifest(&manifest).await?).await };
                match found.await {
                    Ok(materials) => materials.into_iter().for_each(|material| {
                        let known = ended.entry(material.path).or_insert(at);
                        *known = at.max(*known);
                    }),
                    // A withdrawn version has lost its list.
                    Err(Error::Missing(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(ended)
    }

    async fn erase(&self, paths: &[Path]) -> Result<(), Error> {
        for path in paths {
            match self.objects().delete(path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The manifests of a version that name nothing any more, each with the time at which it ended.
fn ends(version: &Version) -> impl Iterator<Item = (Version, Timestamp)> {
    let replaced = version.replaced.iter().map(|replaced| (replaced.manifest_digest.clone(), replaced.at));
    let withdrawn = version.tombstone.as_ref().filter(|_| version.state != VersionState::Published);
    let last = withdrawn.map(|tombstone| (version.manifest_digest.clone(), tombstone.at));
    replaced.chain(last).map(|(manifest_digest, at)| (Version { manifest_digest, ..version.clone() }, at))
}

/// The order of erasing. An extract is there as long as its manifest is: where the erasing is cut short, none is left
/// without its files.
fn order(path: &Path) -> (bool, Path) {
    let is_extract = path.as_ref().starts_with(EXTRACTS) && path.filename() == Some("manifest.json");
    (!is_extract, path.clone())
}

fn is_young(object: &ObjectMeta, older_than: Timestamp) -> bool {
    object.last_modified.timestamp_micros() >= older_than.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_of_extracts_are_erased_first() {
        let mut doomed =
            ["301001-000001/000001/part.parquet", "extracts/a/data.csv", "extracts/b/manifest.json"]
                .map(Path::from);
        doomed.sort_by_cached_key(order);
        assert_eq!(doomed[0].as_ref(), "extracts/b/manifest.json");
    }
}
