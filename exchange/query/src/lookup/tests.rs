use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::util::pretty::pretty_format_batches;
use catalog_core::identity::{canonical_identifier, canonical_name};
use catalog_core::ports::{Cut, Cutter as _};
use futures::TryStreamExt;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::tests::fixture::{cell, penalties};
use crate::tests::world::{CALLERS, Way, World, context};
use crate::{OpenTable, QueryRequest, Selection, SortKey};

const ROWS: i64 = 300;

fn table() -> TableName {
    TableName::Sql { department: "city".to_owned(), name: "penalties".to_owned() }
}

fn wanted(keys: impl IntoIterator<Item = i64>) -> LookUp {
    let keys = keys.into_iter().map(|id| vec![id.to_string()]).collect();
    LookUp { table: table(), keys, columns: Vec::new() }
}

async fn batch(answer: QueryAnswer) -> RecordBatch {
    let schema = Arc::clone(&answer.schema);
    let batches: Vec<_> = answer.records.try_collect().await.unwrap();
    concat_batches(&schema, &batches).unwrap()
}

fn shown(batch: &RecordBatch) -> String {
    pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string()
}

async fn verify(engine: &QueryEngine, caller: &str, pairs: Vec<Pair>) -> Result<Vec<Verdict>> {
    let profile = "secret+name".parse().unwrap();
    let wanted = Verification { table: table(), profile, pairs };
    engine.verify(&context(caller), wanted).await.map(|verified| verified.verdicts)
}

fn pair(identifier: &str, attribute: &str) -> Pair {
    Pair { identifier: identifier.to_owned(), attribute: attribute.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_up_is_what_the_policy_shows() {
    let world = World::new(ROWS);
    let (engine, oracle) = (world.engine(Way::Pushdown, 2), world.oracle(Way::Pushdown, 2));
    for caller in CALLERS {
        let ctx = context(caller);
        let all = Selection {
            sort: vec![SortKey { column: "id".to_owned(), descending: false }],
            ..Selection::of(table())
        };
        let copy = batch(oracle.run(&ctx, QueryRequest::Selection(all)).await.unwrap()).await;
        let found = batch(engine.look_up(&ctx, wanted(-3..ROWS + 3)).await.unwrap()).await;
        assert_eq!(shown(&found), shown(&copy), "{caller}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_chosen_by_either_name_and_hidden_ones_are_unknown() {
    let world = World::new(ROWS);
    let engine = world.engine(Way::Pushdown, 2);
    let named = |names: &[&str]| LookUp {
        columns: names.iter().map(|name| (*name).to_owned()).collect(),
        ..wanted([1])
    };
    let answer = engine.look_up(&context("rows"), named(&["姓名", "id"])).await.unwrap();
    let found = batch(answer).await;
    let names: Vec<_> = found.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!((names, found.num_rows()), (vec!["name".to_owned(), "id".to_owned()], 1));
    for hidden in ["dept", "nothing"] {
        let refused = engine.look_up(&context("rows"), named(&[hidden])).await.err().unwrap();
        assert_eq!(refused.code, ErrorCode::UnknownColumn);
        assert_eq!(refused.opened().len(), 1, "evidence names what was opened");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_do_not_fit_or_are_not_seen_are_refused() {
    let world = World::new(ROWS);
    let engine = world.engine(Way::Pushdown, 2);
    let two = LookUp { keys: vec![vec!["1".to_owned(), "2".to_owned()]], ..wanted([]) };
    let many = wanted(0..1_001);
    for wrong in [two, wanted([]), many] {
        let refused = engine.look_up(&context("rows"), wrong).await.err().unwrap();
        assert_eq!(refused.code, ErrorCode::InvalidInput);
    }
    let counties = LookUp {
        table: TableName::Sql { department: "city".to_owned(), name: "counties".to_owned() },
        ..wanted([1])
    };
    assert_eq!(engine.look_up(&context("rows"), counties).await.err().unwrap().code, ErrorCode::InvalidInput);
    for terms in [
        json!({"items": ["amt", "name"]}),
        json!({"items": ["id", "name"], "masks": {"id": {"mask": "bucket", "width": 10}}}),
    ] {
        let world = World::under(&terms, ROWS);
        let refused =
            world.engine(Way::Pushdown, 2).look_up(&context("rows"), wanted([1])).await.err().unwrap();
        assert_eq!(refused.code, ErrorCode::NotGranted, "{terms}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_agree_as_far_as_rows_are_shown() {
    let world = World::new(ROWS);
    let engine = world.engine(Way::Pushdown, 2);
    let verdicts = verify(
        &engine,
        "rows",
        vec![
            pair("62", "娜李"),
            pair("62", "李 娜"),
            pair("６２", "欧阳修"),
            pair("HIDDEN-3", "HIDDEN"),
            pair("HIDDEN-3", "x"),
            pair("nobody", "李娜"),
        ],
    );
    let naive = |id: &str, name: &str| naive(ROWS, id, name);
    assert_eq!(
        verdicts.await.unwrap(),
        [
            naive("62", "娜李"),
            naive("62", "李娜"),
            naive("62", "欧阳修"),
            Verdict::Unknown,
            Verdict::Unknown,
            Verdict::Unknown
        ]
    );
    for caller in ["masks", "both"] {
        let refused = verify(&engine, caller, vec![pair("62", "李娜")]).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::NotGranted, "{caller}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_declared_is_not_verified() {
    let world = World::new(ROWS);
    let profile = "name+secret".parse().unwrap();
    let wanted = Verification { table: table(), profile, pairs: vec![pair("1", "2")] };
    let refused = world.engine(Way::Pushdown, 2).verify(&context("rows"), wanted).await.unwrap_err();
    assert_eq!((refused.code, refused.opened().len()), (ErrorCode::InvalidInput, 1));
}

/// What the rows of department A say, one by one.
fn naive(rows: i64, identifier: &str, attribute: &str) -> Verdict {
    let batch = penalties(rows);
    let shown = (0..batch.num_rows()).filter(|row| cell(&batch, "dept", *row).as_deref() == Some("A"));
    let known: Vec<_> = shown
        .filter(|row| {
            cell(&batch, "secret", *row)
                .is_some_and(|id| canonical_identifier(&id) == canonical_identifier(identifier))
        })
        .map(|row| cell(&batch, "name", row))
        .collect();
    let agrees = |name: &Option<String>| {
        name.as_ref().is_some_and(|name| canonical_name(name) == canonical_name(attribute))
    };
    match (known.is_empty(), known.iter().any(agrees)) {
        (true, _) => Verdict::Unknown,
        (_, true) => Verdict::Match,
        (_, false) => Verdict::Mismatch,
    }
}

fn spelled() -> impl Strategy<Value = Pair> {
    let identifier = prop_oneof![
        (0..1_000_i64).prop_map(|n| n.to_string()),
        (0..1_000_i64).prop_map(|n| format!(" {n}\u{200b}")),
        (0..ROWS).prop_map(|n| format!("hidden-{n}")),
        "\\PC{0,8}",
    ];
    let names = ["王小明", "李娜", "欧阳修", "张伟", "王 小明", "張偉", "HIDDEN", ""];
    let attribute = proptest::sample::select(names.to_vec());
    (identifier, attribute).prop_map(|(identifier, attribute)| pair(&identifier, attribute))
}

#[test]
fn any_pairs_agree_as_far_as_rows_are_shown() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = World::new(ROWS);
    let engine = world.engine(Way::Pushdown, 2);
    let mut met = BTreeSet::new();
    let pairs = proptest::collection::vec(spelled(), 1..40);
    proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(64))
        .run(&pairs, |pairs| {
            let expected: Vec<_> = pairs.iter().map(|p| naive(ROWS, &p.identifier, &p.attribute)).collect();
            let verdicts = runtime.block_on(verify(&engine, "rows", pairs)).unwrap();
            prop_assert_eq!(verdicts, expected);
            Ok(())
        })
        .unwrap();
    for n in 0..1_000 {
        met.insert(format!("{:?}", naive(ROWS, &n.to_string(), "李娜")));
    }
    assert_eq!(met.len(), 3, "the pairs say all there is to say");
}

/// Every file of the look-ups, with its bytes.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_damaged_is_built_again() {
    let world = World::new(ROWS);
    let lookups = world.folder.path().join("lookups");
    let ids = || wanted(0..ROWS);
    let expected = {
        let engine = world.engine(Way::Pushdown, 2);
        assert_eq!(files(&lookups), Vec::<PathBuf>::new());
        assert_eq!(
            verify(&engine, "rows", vec![pair("62", "李娜")]).await.unwrap(),
            [naive(ROWS, "62", "李娜")]
        );
        shown(&batch(engine.look_up(&context("rows"), ids()).await.unwrap()).await)
    };
    let kept = files(&lookups);
    assert_eq!(kept.len(), 3, "{kept:?}");
    for path in kept {
        let whole = fs::read(&path).unwrap();
        let places = (0..whole.len()).step_by((whole.len() / 40).max(1));
        let mut damages: Vec<Option<Vec<u8>>> =
            vec![None, Some(Vec::new()), Some(whole[..whole.len() / 2].to_vec())];
        damages.extend(places.map(|place| {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x40;
            Some(bytes)
        }));
        for damage in damages {
            fs::remove_file(&path).unwrap();
            if let Some(bytes) = &damage {
                fs::write(&path, bytes).unwrap();
            }
            let engine = world.engine(Way::Pushdown, 2);
            let found = batch(engine.look_up(&context("rows"), ids()).await.unwrap()).await;
            assert_eq!(shown(&found), expected, "{}", path.display());
            let verdict = verify(&engine, "rows", vec![pair("62", "李娜")]).await.unwrap();
            assert_eq!(verdict, [naive(ROWS, "62", "李娜")], "{}", path.display());
        }
    }
}

/// An engine whose indexes stand under these secrets.
fn under(world: &World, current: u8, retired: Option<u8>) -> QueryEngine {
    let secret = |byte: u8| exchange_crypto::MacKey::from_bytes(&[byte; 32]).unwrap();
    let index_secrets = IndexSecrets { current: secret(current), retired: retired.map(secret) };
    let parts = world.parts(&world.governed, Way::Pushdown, 2);
    QueryEngine::new(crate::EngineParts { index_secrets, ..parts }).unwrap()
}

/// What stands in the files of the look-ups.
fn contents(world: &World) -> Vec<Vec<u8>> {
    let paths = files(&world.folder.path().join("lookups"));
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_new_secret_files_are_written_anew_while_the_old_ones_serve() {
    let world = World::new(ROWS);
    let ask = async |engine: &QueryEngine| {
        let verdicts = verify(engine, "rows", vec![pair("62", "李娜"), pair("nobody", "x")]).await.unwrap();
        let found = batch(engine.look_up(&context("rows"), wanted(0..ROWS)).await.unwrap()).await;
        (verdicts, shown(&found))
    };
    let before = ask(&under(&world, 1, None)).await;
    let old = contents(&world);
    let engine = under(&world, 2, Some(1));
    assert_eq!(ask(&engine).await, before);
    assert_eq!(contents(&world), old, "served as they are");
    let open = engine.tables().open(&context("rows"), &table(), VersionSelector::Latest).await.unwrap();
    let profiles = ["secret+name".parse().unwrap()];
    engine.renew(&StoredVersion::from(&open), &profiles).await.unwrap();
    let new = contents(&world);
    assert!(old.iter().zip(&new).all(|(old, new)| old != new) && old.len() == new.len());
    engine.renew(&StoredVersion::from(&open), &profiles).await.unwrap();
    assert_eq!(contents(&world), new, "what is new stays");
    assert_eq!((ask(&engine).await, ask(&under(&world, 2, None)).await), (before.clone(), before.clone()));
    assert_eq!(contents(&world), new);
    assert_eq!(ask(&under(&world, 3, None)).await, before);
    assert_ne!(contents(&world), new, "under another secret alone they are damaged, and built");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_where_its_rows_are_revoked() {
    let world = World::new(ROWS);
    let revocations = crate::Revocations::default();
    let parts = world.parts(&world.governed, Way::Pushdown, 2);
    let engine = QueryEngine::new(crate::EngineParts { revocations: revocations.clone(), ..parts }).unwrap();
    let mut answer = engine.look_up(&context("rows"), wanted(0..ROWS)).await.unwrap();
    assert!(answer.records.next().await.unwrap().is_ok());
    revocations.cut(Cut::Resource(answer.sources[0].resource.clone()));
    assert_eq!(answer.records.next().await.unwrap().unwrap_err().code, ErrorCode::Revoked);
    assert!(answer.records.next().await.is_none(), "nothing comes after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_half_the_rows_have_names_no_record() {
    let terms = json!({"items": ["id", "dept", "name"]});
    let ask = async |rows: i64| {
        let wanted = Verification {
            table: table(),
            profile: "dept+name".parse().unwrap(),
            pairs: vec![pair("A", "李娜"), pair("nobody", "李娜")],
        };
        World::under(&terms, rows).engine(Way::Pushdown, 2).verify(&context("rows"), wanted).await
    };
    assert_eq!(ask(ROWS).await.unwrap().verdicts, [Verdict::Match, Verdict::Unknown]);
    let refused = ask(30_000).await.unwrap_err();
    assert_eq!((refused.code, refused.opened().len()), (ErrorCode::InvalidInput, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_have_to_go_are_not_built_again() {
    let world = World::new(ROWS);
    let engine = world.engine(Way::Pushdown, 2);
    assert!(engine.look_up(&context("rows"), wanted([1])).await.is_ok());
    let open = engine.tables().open(&context("rows"), &table(), VersionSelector::Latest).await.unwrap();
    engine.forget_prepared(&open.dataset.version.manifest_digest).unwrap();
    let refused = engine.look_up(&context("rows"), wanted([1])).await.err().unwrap();
    assert_eq!(refused.code, ErrorCode::Unavailable);
    assert_eq!(files(&world.folder.path().join("lookups")), Vec::<PathBuf>::new());
}

/// Tables whose grant is revoked as soon as they were opened once.
struct Revoked(Arc<crate::tests::world::Memory>, AtomicI64);

#[async_trait::async_trait]
impl Tables for Revoked {
    async fn open(&self, ctx: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable> {
        match self.1.fetch_add(1, Ordering::SeqCst) {
            0 => self.0.open(ctx, table, version).await,
            _ => Err(Error::new(ErrorCode::NotGranted, "revoked")),
        }
    }

    async fn revision(&self) -> Result<Option<i64>> {
        Ok(Some(self.1.load(Ordering::SeqCst)))
    }

    async fn readable(&self, _: &OpContext) -> Result<Vec<OpenTable>> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_while_an_index_is_built_is_not_answered() {
    let world = World::new(ROWS);
    let tables = Arc::new(Revoked(Arc::clone(&world.governed), AtomicI64::new(0)));
    let parts = world.parts(&world.governed, Way::Pushdown, 2);
    let engine = QueryEngine::new(crate::EngineParts { tables, ..parts }).unwrap();
    let refused = engine.look_up(&context("rows"), wanted([1])).await.err().unwrap();
    assert_eq!(refused.code, ErrorCode::NotGranted);
}
