//! Rows at hand: they are those of the version's objects, only of the version in effect, and gone when they have to go.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use catalog_core::services::VersionSelector;
use catalog_core::{OpContext, Result};

use super::attacks::outcome;
use super::world::{CALLERS, Memory, Way, World, context};
use crate::{EngineParts, OpenTable, QueryEngine, TableName, Tables};

const ALL: &str = "select * from city.penalties";

/// The rows that are kept of every version.
fn kept(world: &World) -> Vec<PathBuf> {
    let folders = fs::read_dir(world.folder.path().join("lookups")).into_iter().flatten();
    folders.map(|folder| folder.unwrap().path().join("records")).collect()
}

/// What a caller sees of all rows.
async fn seen(engine: &QueryEngine, caller: &str) -> std::result::Result<String, String> {
    outcome(engine, caller, ALL, false).await
}

/// A world whose rows are at hand, and what each caller sees.
async fn brought() -> (World, QueryEngine, Vec<std::result::Result<String, String>>) {
    let world = World::new(400);
    let engine = world.engine(Way::AtHand, 2);
    let mut all = Vec::new();
    for caller in CALLERS {
        all.push(seen(&engine, caller).await);
        assert_eq!(all.last(), Some(&seen(&world.engine(Way::Files, 2), caller).await));
        assert!(all.last().unwrap().is_ok());
    }
    (world, engine, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_at_hand_need_no_objects_and_are_those_of_the_version_in_effect_alone() {
    let (world, engine, all) = brought().await;
    assert_eq!(kept(&world).len(), 1, "one version, whoever asks");
    fs::remove_dir_all(world.folder.path().join("all")).unwrap();
    for (caller, all) in CALLERS.iter().zip(&all) {
        assert_eq!(&seen(&engine, caller).await, all);
        assert_eq!(&seen(&world.engine(Way::AtHand, 1), caller).await, all, "after a restart");
        assert!(seen(&world.engine(Way::Files, 2), caller).await.is_err());
    }
    let named = "select * from city.penalties version as of 1";
    assert!(
        outcome(&engine, "rows", named, false).await.is_err(),
        "a version that is named is read from its objects"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rows_none_are_brought_to_hand() {
    let world = World::new(400);
    for (most, count) in [(399, 0), (400, 1)] {
        let parts = EngineParts { rows_at_hand: most, ..world.parts(&world.governed, Way::AtHand, 2) };
        assert!(seen(&QueryEngine::new(parts).unwrap(), "rows").await.is_ok());
        assert_eq!(kept(&world).len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_rows_are_brought_to_hand_again() {
    let (world, _, all) = brought().await;
    let [path] = &kept(&world)[..] else { panic!("one version") };
    let whole = fs::read(path).unwrap();
    // Nobody reads the head of an Arrow file: its end says the same.
    for place in (whole.len() / 40..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x40;
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
        assert_eq!(seen(&world.engine(Way::AtHand, 2), "both").await, all[2]);
        assert!(fs::read(path).unwrap() == whole, "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_are_not_what_their_manifest_says_are_never_kept() {
    let world = World::new(400);
    // The other half of the same rows: a whole file, and not the one that was signed.
    fs::copy(world.folder.path().join("all/part-1.parquet"), world.folder.path().join("all/part-0.parquet"))
        .unwrap();
    let _ = seen(&world.engine(Way::AtHand, 2), "rows").await;
    assert!(kept(&world).iter().all(|path| !path.exists()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_takes_the_place_of_what_is_at_hand() {
    let (world, smaller) = (World::new(400), World::new(40));
    let tables = Arc::new(Published {
        before: Arc::clone(&world.governed),
        after: newer(&world, &smaller),
        revision: AtomicI64::new(1),
    });
    let parts = world.parts(&world.governed, Way::AtHand, 2);
    let engine = QueryEngine::new(EngineParts { tables: Arc::clone(&tables) as _, ..parts }).unwrap();
    let count =
        async || outcome(&engine, "rows", "select count(*) as n from city.penalties", false).await.unwrap();
    let before = count().await;
    assert_eq!((count().await, kept(&world).len()), (before.clone(), 1));
    tables.revision.store(2, Ordering::SeqCst);
    let expected =
        outcome(&smaller.engine(Way::Files, 2), "rows", "select count(*) as n from city.penalties", false)
            .await;
    assert_eq!(count().await, expected.unwrap());
    assert_eq!(kept(&world).len(), 2);
    assert_ne!(count().await, before);
}

/// Tables of one version, and of another from the second revision of the catalogue on.
struct Published {
    before: Arc<Memory>,
    after: OpenTable,
    revision: AtomicI64,
}

/// The table of another world, its objects copied beside those of this one.
fn newer(world: &World, other: &World) -> OpenTable {
    let mut open = other.governed.table("rows", "penalties");
    fs::create_dir(world.folder.path().join("newer")).unwrap();
    for file in &mut open.files {
        let path = file.path.replace("all/", "newer/");
        fs::copy(other.folder.path().join(&file.path), world.folder.path().join(&path)).unwrap();
        file.path = path;
    }
    open.dataset.version.manifest_digest = "11".repeat(32);
    open.dataset.version.number = 2;
    open
}

#[async_trait::async_trait]
impl Tables for Published {
    async fn open(&self, ctx: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable> {
        match self.revision.load(Ordering::SeqCst) {
            1 => self.before.open(ctx, table, version).await,
            _ => Ok(self.after.clone()),
        }
    }

    async fn revision(&self) -> Result<Option<i64>> {
        Ok(Some(self.revision.load(Ordering::SeqCst)))
    }

    async fn readable(&self, _: &OpContext) -> Result<Vec<OpenTable>> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_kept_are_read_from_their_objects() {
    let world = World::new(400);
    fs::write(world.folder.path().join("lookups"), "in the way").unwrap();
    assert!(seen(&world.engine(Way::AtHand, 2), "rows").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_have_to_go_are_not_at_hand() {
    let (world, engine, _) = brought().await;
    let table = TableName::Sql { department: "city".to_owned(), name: "penalties".to_owned() };
    let open = world.governed.open(&context("rows"), &table, VersionSelector::Latest).await.unwrap();
    engine.forget_prepared(&open.dataset.version.manifest_digest).unwrap();
    fs::remove_dir_all(world.folder.path().join("all")).unwrap();
    assert!(seen(&engine, "rows").await.is_err());
    assert_eq!(kept(&world), Vec::<PathBuf>::new());
}
