//! The disk that extracts take: beyond their budget those that nobody has used for longest give way to new ones.
//!
//! How much there is says the object store once, and again where nothing would fit or `gc` has erased some; in between it is
//! counted object by object as it is written, so that what is under way takes its room, too. What happens while the object store
//! lists its objects is in its answer or not, so it counts as it was counted here. When each was last used is kept in memory;
//! before that it counts as used when it was written.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::extract::{Extracts, manifest_path, unreadable};
use crate::app::App;

/// Where all of them lie.
const FOLDER: &str = "extracts";
/// Seconds after its last use in which an extract stays: addresses of its files may have been handed out.
const IN_USE: i64 = 3600;
/// Of the budget one resource may take this part: the old versions of one drive nobody else's out.
const OF_ONE: u64 = 4;
/// And strangers write no more as soon as this part of it is taken: nothing but what is of the same resource gives way to
/// them.
const OF_STRANGERS: u64 = 2;

/// When extracts were used, how large they are, and who clears away now.
#[derive(Default)]
pub(crate) struct Uses {
    used: Mutex<HashMap<String, Timestamp>>,
    sizes: Mutex<Sizes>,
    clearing: tokio::sync::Mutex<()>,
}

/// Extracts by their folders, whole or not.
#[derive(Default)]
struct Sizes {
    /// Whether those that were there before are among them.
    complete: bool,
    all: HashMap<String, Folder>,
    /// While the object store lists what it has: what its answer does not say, or not right.
    meanwhile: Option<Meanwhile>,
}

/// Objects of an extract, by their names, and when it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Folder {
    objects: HashMap<String, u64>,
    written: Timestamp,
}

impl Folder {
    fn kept(&self) -> Kept {
        Kept { bytes: self.objects.values().sum(), used: self.written }
    }

    fn add(&mut self, name: &str, bytes: u64, now: Timestamp) {
        let counted = self.objects.entry(name.to_owned()).or_default();
        *counted = counted.saturating_add(bytes);
        self.written = self.written.max(now);
    }
}

/// What goes on while objects are listed.
#[derive(Default)]
struct Meanwhile {
    /// Folders that are written into: objects of them that are counted may be missing in the list.
    written: HashSet<String>,
    /// Folders that were erased: what the list has of them may be gone.
    erased: HashSet<String>,
    /// Whether others have erased some.
    is_outdated: bool,
}

fn parts_of(path: &Path) -> Option<(&str, &str)> {
    path.as_ref().rsplit_once('/')
}

impl Uses {
    /// Says that an extract is used now.
    pub(crate) fn note(&self, folder: &str, now: Timestamp) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned(), now);
    }

    /// When an extract was last used, as far as that is known.
    fn last(&self, folder: &str) -> Option<Timestamp> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).get(folder).copied()
    }

    /// Says that an object is written anew: nothing of it is there yet.
    pub(crate) fn start(&self, path: &Path, now: Timestamp) {
        self.forget_object(path);
        self.grow(path, 0, now);
    }

    /// Counts bytes of an object that is being written.
    pub(crate) fn grow(&self, path: &Path, bytes: usize, now: Timestamp) {
        let Some((folder, name)) = parts_of(path) else { return };
        let mut sizes = self.sizes();
        sizes.all.entry(folder.to_owned()).or_default().add(name, bytes as u64, now);
        if let Some(meanwhile) = &mut sizes.meanwhile {
            meanwhile.written.insert(folder.to_owned());
        }
    }

    /// Forgets an object that was not written to its end.
    pub(crate) fn forget_object(&self, path: &Path) {
        let Some((folder, name)) = parts_of(path) else { return };
        if let Some(folder) = self.sizes().all.get_mut(folder) {
            folder.objects.remove(name);
        }
    }

    /// Forgets an extract that was erased.
    fn forget(&self, folder: &str) {
        let mut sizes = self.sizes();
        sizes.all.remove(folder);
        if let Some(meanwhile) = &mut sizes.meanwhile {
            meanwhile.written.remove(folder);
            meanwhile.erased.insert(folder.to_owned());
        }
    }

    /// Has the object store asked again: others have erased some.
    pub(crate) fn ask_again(&self) {
        let mut sizes = self.sizes();
        sizes.complete = false;
        if let Some(meanwhile) = &mut sizes.meanwhile {
            meanwhile.is_outdated = true;
        }
    }

    /// What is known, where it is all that there is.
    fn known(&self) -> Option<HashMap<String, Kept>> {
        let sizes = self.sizes();
        sizes.complete.then(|| sizes.kept())
    }

    /// The object store begins to list what it has: from now on it is remembered what its answer may not say. One lists at a time.
    fn begin_listing(&self, is_being_written: impl Fn(&str) -> bool) {
        let mut sizes = self.sizes();
        let written = sizes.all.keys().filter(|folder| is_being_written(folder)).cloned().collect();
        sizes.meanwhile = Some(Meanwhile { written, ..Meanwhile::default() });
    }

    /// Takes over what the object store has, as far as nothing is known better.
    fn learn(&self, mut found: HashMap<String, Folder>) -> HashMap<String, Kept> {
        let mut sizes = self.sizes();
        let Meanwhile { written, erased, is_outdated } = sizes.meanwhile.take().unwrap_or_default();
        found.retain(|folder, _| !erased.contains(folder));
        for (name, counted) in sizes.all.drain().filter(|(folder, _)| written.contains(folder)) {
            let folder = found.entry(name).or_default();
            folder.objects.extend(counted.objects);
            folder.written = folder.written.max(counted.written);
        }
        (sizes.complete, sizes.all) = (!is_outdated, found);
        sizes.kept()
    }

    fn sizes(&self) -> MutexGuard<'_, Sizes> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the extracts when they were used, and forgets those that are gone.
    fn tell(&self, kept: &mut HashMap<String, Kept>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|folder, _| kept.contains_key(folder));
        for (folder, at) in used.iter() {
            if let Some(kept) = kept.get_mut(folder) {
                kept.used = kept.used.max(*at);
            }
        }
    }
}

impl Sizes {
    fn kept(&self) -> HashMap<String, Kept> {
        self.all.iter().map(|(name, folder)| (name.clone(), folder.kept())).collect()
    }
}

/// An extract as it lies there, whole or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kept {
    bytes: u64,
    used: Timestamp,
}

/// Makes room for an extract that is about to be written into a folder.
///
/// # Errors
/// `unavailable` where all that is there is in use.
pub(crate) async fn make_room(app: &App, ctx: &OpContext, folder: &str) -> Result<()> {
    let Extracts { uses, .. } = &app.extracts;
    let _one_at_a_time = uses.clearing.lock().await;
    let is_stranger = !ctx.principal.sees_whole_directory();
    let budget = (app.limits.extract_bytes, is_stranger);
    let is_unused = |name: &str, used: Timestamp| {
        used.plus_seconds(IN_USE) <= app.now() && !app.extracts.is_being_written(name)
    };
    let victims_of = |mut kept: HashMap<String, Kept>| {
        uses.tell(&mut kept);
        superfluous(&kept, resource(folder), budget, |name, kept| is_unused(name, kept.used))
    };
    let victims = match uses.known().and_then(victims_of) {
        Some(victims) => victims,
        // Before anybody is refused.
        None => victims_of(listed(app).await?).ok_or_else(too_much)?,
    };
    for victim in victims {
        // Erasing takes time: what somebody has come for meanwhile stays.
        if is_unused(&victim, uses.last(&victim).unwrap_or(Timestamp(0))) {
            erase(app, &victim).await?;
        }
    }
    Ok(())
}

fn too_much() -> Error {
    let message =
        "there is no room for further files now: those of other versions are being read; try again later";
    Error::new(ErrorCode::Unavailable, message)
}

/// Which of them give way, so that the resource and all together are below what of the budget is theirs, the whole of it or a
/// stranger's part; `None` where that can't be.
fn superfluous(
    kept: &HashMap<String, Kept>,
    of: &str,
    (budget, is_stranger): (u64, bool),
    is_unused: impl Fn(&str, &Kept) -> bool,
) -> Option<Vec<String>> {
    let is_own = |name: &str| resource(name) == of;
    let (most, most_own) = (budget / if is_stranger { OF_STRANGERS } else { 1 }, budget / OF_ONE);
    let mut all: u64 = kept.values().map(|kept| kept.bytes).sum();
    let mut own: u64 = kept.iter().filter(|(name, _)| is_own(name)).map(|(_, kept)| kept.bytes).sum();
    let mut oldest: Vec<_> = kept.iter().filter(|(name, kept)| is_unused(name, kept)).collect();
    oldest.sort_by(|one, other| (one.1.used, one.0).cmp(&(other.1.used, other.0)));
    let mut victims = Vec::new();
    for (name, kept) in oldest {
        let is_too_much = match is_own(name) {
            true => all >= most || own >= most_own,
            false => all >= most && !is_stranger,
        };
        if is_too_much {
            all -= kept.bytes;
            own -= if is_own(name) { kept.bytes } else { 0 };
            victims.push(name.clone());
        }
    }
    (all < most && own < most_own).then_some(victims)
}

/// The resource of an extract, by its folder.
fn resource(folder: &str) -> &str {
    folder.split('/').nth(1).unwrap_or_default()
}

/// All extracts, as the object store has them now.
async fn listed(app: &App) -> Result<HashMap<String, Kept>> {
    let uses = &app.extracts.uses;
    uses.begin_listing(|folder| app.extracts.is_being_written(folder));
    let mut found = HashMap::<String, Folder>::new();
    let mut objects = app.datasets.objects().list(Some(&Path::from(FOLDER)));
    while let Some(object) = objects.try_next().await.map_err(unreadable)? {
        let Some((folder, name)) = parts_of(&object.location) else { continue };
        let written = Timestamp(object.last_modified.timestamp_micros());
        found.entry(folder.to_owned()).or_default().add(name, object.size, written);
    }
    Ok(uses.learn(found))
}

/// Erases what is in a folder, its manifest first: without it nothing else counts.
pub(crate) async fn erase(app: &App, folder: &str) -> Result<()> {
    let objects = app.datasets.objects();
    let found: Vec<_> = objects.list(Some(&Path::from(folder))).try_collect().await.map_err(unreadable)?;
    let manifest = manifest_path(folder);
    let first = found.iter().filter(|object| object.location == manifest);
    let rest = found.iter().filter(|object| object.location != manifest);
    for object in first.chain(rest) {
        match objects.delete(&object.location).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    app.extracts.uses.forget(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(all: &[(&str, u64, i64)]) -> HashMap<String, Kept> {
        let one = |(name, bytes, used): &(&str, u64, i64)| {
            (format!("extracts/{name}"), Kept { bytes: *bytes, used: Timestamp(*used) })
        };
        all.iter().map(one).collect()
    }

    fn victims(all: &[(&str, u64, i64)], budget: u64, now: i64) -> Option<String> {
        let found = superfluous(&kept(all), "a", (budget, false), |_, kept| kept.used.0 < now);
        found.map(|names| names.join(" ").replace("extracts/", ""))
    }

    /// What a list of objects says: `folder/name` and bytes.
    fn list(all: &[(&str, u64)]) -> HashMap<String, Folder> {
        let mut found = HashMap::<String, Folder>::new();
        for (path, bytes) in all {
            let (folder, name) = path.rsplit_once('/').unwrap();
            found.entry(format!("extracts/{folder}")).or_default().add(name, *bytes, Timestamp(1));
        }
        found
    }

    fn path(object: &str) -> Path {
        Path::from(format!("extracts/{object}"))
    }

    /// Folders with their bytes, in order.
    fn bytes(kept: Option<HashMap<String, Kept>>) -> Option<String> {
        let mut all: Vec<_> =
            kept?.into_iter().map(|(name, kept)| format!("{name}={}", kept.bytes)).collect();
        all.sort();
        Some(all.join(" ").replace("extracts/", ""))
    }

    fn wrote(uses: &Uses, object: &str, bytes: usize) {
        uses.start(&path(object), Timestamp(7));
        uses.grow(&path(object), bytes, Timestamp(7));
    }

    #[test]
    fn what_is_written_counts_at_once_and_what_is_there_is_asked_for_once() {
        let uses = Uses::default();
        wrote(&uses, "a/1/x/data.csv", 10);
        assert!(uses.known().is_none(), "nobody has looked what was there before");
        uses.begin_listing(|folder| folder.contains("/a/"));
        let all = uses.learn(list(&[("a/1/x/old", 4), ("b/1/x/data.csv", 5)]));
        assert_eq!(
            bytes(Some(all)).as_deref(),
            Some("a/1/x=14 b/1/x=5"),
            "what is under way is known here alone"
        );
        uses.grow(&path("a/1/x/data.csv"), 10, Timestamp(8));
        uses.forget("extracts/b/1/x");
        assert_eq!(bytes(uses.known()).as_deref(), Some("a/1/x=24"));
        uses.ask_again();
        assert!(uses.known().is_none());
        uses.begin_listing(|_| false);
        uses.learn(list(&[("b/1/x/data.csv", 5)]));
        assert_eq!(bytes(uses.known()).as_deref(), Some("b/1/x=5"), "what is gone is gone");
    }

    #[test]
    fn what_is_finished_while_objects_are_listed_is_counted() {
        let uses = Uses::default();
        wrote(&uses, "a/1/x/data.csv", 10);
        // The list has passed its place before it is there; when the list ends, nobody writes any more.
        uses.begin_listing(|_| true);
        uses.learn(list(&[]));
        assert_eq!(bytes(uses.known()).as_deref(), Some("a/1/x=10"));
        uses.begin_listing(|_| false);
        wrote(&uses, "b/1/x/data.csv", 20);
        uses.learn(list(&[("a/1/x/data.csv", 10)]));
        assert_eq!(bytes(uses.known()).as_deref(), Some("a/1/x=10 b/1/x=20"), "begun and ended meanwhile");
    }

    #[test]
    fn what_is_erased_while_objects_are_listed_is_not_counted() {
        let uses = Uses::default();
        uses.begin_listing(|_| false);
        uses.forget("extracts/a/1/x");
        uses.learn(list(&[("a/1/x/data.csv", 10)]));
        assert_eq!(bytes(uses.known()).as_deref(), Some(""));
        uses.begin_listing(|_| false);
        uses.forget("extracts/a/1/x");
        wrote(&uses, "a/1/x/data.csv", 3);
        uses.learn(list(&[("a/1/x/data.csv", 10)]));
        assert_eq!(bytes(uses.known()).as_deref(), Some("a/1/x=3"), "and written anew");
    }

    #[test]
    fn a_list_that_others_outdate_is_asked_for_again() {
        let uses = Uses::default();
        uses.begin_listing(|_| false);
        uses.ask_again();
        let all = uses.learn(list(&[("a/1/x/data.csv", 10)]));
        assert_eq!(bytes(Some(all)).as_deref(), Some("a/1/x=10"));
        assert!(uses.known().is_none(), "it may be gone");
    }

    #[test]
    fn a_file_that_does_not_fit_takes_no_room() {
        let uses = Uses::default();
        wrote(&uses, "a/1/x/data.csv", 10);
        wrote(&uses, "a/1/x/data.xlsx", 900);
        uses.begin_listing(|_| true);
        uses.learn(list(&[("a/1/x/data.csv", 10)]));
        uses.forget_object(&path("a/1/x/data.xlsx"));
        assert_eq!(bytes(uses.known()).as_deref(), Some("a/1/x=10"));
        uses.begin_listing(|_| true);
        uses.learn(list(&[("a/1/x/data.csv", 10), ("a/1/x/data.jsonl", 50)]));
        wrote(&uses, "a/1/x/data.jsonl", 40);
        assert_eq!(
            bytes(uses.known()).as_deref(),
            Some("a/1/x=50"),
            "what lies there damaged is written over"
        );
    }

    #[test]
    fn strangers_drive_out_nothing_of_other_resources() {
        let all = kept(&[("a/1/x", 20, 2), ("b/1/x", 40, 1)]);
        let victims = |budget| superfluous(&all, "a", (budget, true), |_, _| true);
        assert_eq!(victims(122), Some(Vec::new()), "half of it is 61");
        assert_eq!(victims(120), Some(vec!["extracts/a/1/x".to_owned()]));
        assert_eq!(victims(80), None, "another's stay, however old");
    }

    #[test]
    fn the_longest_unused_give_way_until_there_is_room() {
        let all = [("b/1/x", 40, 3), ("b/2/x", 40, 1), ("c/1/x", 30, 2)];
        assert_eq!(victims(&all, 111, 9).as_deref(), Some(""), "there is room");
        assert_eq!(victims(&all, 110, 9).as_deref(), Some("b/2/x"));
        assert_eq!(victims(&all, 70, 9).as_deref(), Some("b/2/x c/1/x"));
        assert_eq!(victims(&all, 30, 3), None, "what is in use stays");
        assert_eq!(victims(&[], 0, 9), None, "nothing fits into no room");
    }

    #[test]
    fn a_resource_takes_its_part_of_the_room_and_no_more() {
        let all = [("a/1/x", 20, 2), ("a/2/x", 5, 1), ("b/1/x", 30, 0)];
        assert_eq!(victims(&all, 104, 9).as_deref(), Some(""), "a quarter of it is 26");
        assert_eq!(victims(&all, 100, 9).as_deref(), Some("a/2/x"), "another's stay, however old");
        assert_eq!(victims(&all, 80, 9).as_deref(), Some("a/2/x a/1/x"));
        assert_eq!(victims(&all, 100, 1), None, "its own are in use");
    }
}
