//! Rows at hand: they are those of the version's objects, only of the version in effect, and gone when they have to go.

use std::fs;
use std::path::PathBuf;

use catalog_core::services::VersionSelector;

use super::attacks::outcome;
use super::world::{CALLERS, Way, World, context};
use crate::{EngineParts, QueryEngine, TableName, Tables};

const ALL: &str = "select * from city.penalties";

/// The rows that are kept of every version.
fn kept(world: &World) -> Vec<PathBuf> {
    let folders = fs::read_dir(world.folder.path().join("lookups")).into_iter().flatten();
    folders.map(|folder| folder.unwrap().path().join("records")).collect()
}

/// What a caller sees of all rows.
async fn seen(engine: &QueryEngine, caller: &str) -> Result<String, String> {
    outcome(engine, caller, ALL, false).await
}

/// A world whose rows are at hand, and what each caller sees.
async fn brought() -> (World, QueryEngine, Vec<Result<String, String>>) {
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
    for place in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x40;
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
        assert_eq!(seen(&world.engine(Way::AtHand, 2), "both").await, all[2]);
        assert_eq!(fs::read(path).unwrap().len(), whole.len());
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
