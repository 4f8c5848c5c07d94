//! Pages of features from a dataset with places, brought in as any delivery is: half of them points, half small areas.
//!
//! `places [FEATURES] [FOLDER]`: 5,000,000 features in a folder of their own, which later runs use again.

#[path = "places/city.rs"]
mod city;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog_core::policy::{BoundFilter, BoundPolicy, Filter, GrantKind, GrantedPolicy, TypedLiteral};
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Channel, OpContext, Role, Timestamp};
use datasets_store::DatasetStore;
use exchange_crypto::MacKey;
use exchange_query::{
    Area, Condition, EngineParts, Features, IndexSecrets, Limits, Located, OpenTable, QueryEngine,
    QueryRequest, Relation, Revocations, Selection, Shape, StoredFile, TableName, Tables,
};
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Each question is asked so often, at other places as far as it has any.
const TIMES: usize = 20;
/// Features of a page.
const PAGE: u32 = 100;
/// What a page shall take at most.
const GOAL: Duration = Duration::from_millis(300);
/// Pages of 10,000 features before a deep one.
const DEEP: usize = 100;

/// The one table.
struct One(OpenTable);

#[async_trait::async_trait]
impl Tables for One {
    async fn open(
        &self,
        _: &OpContext,
        _: &TableName,
        _: VersionSelector,
    ) -> catalog_core::Result<OpenTable> {
        Ok(self.0.clone())
    }

    async fn readable(&self, _: &OpContext) -> catalog_core::Result<Vec<OpenTable>> {
        Ok(vec![self.0.clone()])
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let features: usize = arguments.next().as_deref().unwrap_or("5000000").parse()?;
    let folder = arguments.next().map_or_else(|| std::env::temp_dir().join("shuqiao-places"), PathBuf::from);
    let store = folder.join(format!("store-{features}"));
    std::fs::create_dir_all(&store)?;
    let objects = Arc::new(LocalFileSystem::new_with_prefix(&store)?);
    let version = city::version(features, &folder, &DatasetStore::new(Arc::clone(&objects) as _)).await?;
    let manifest = DatasetStore::new(Arc::clone(&objects) as _).manifest(&version).await?;
    println!("{} features, {} parts, {} MB", manifest.rows, manifest.parts.len(), manifest.bytes >> 20);
    let resource = city::resource()?;
    let everything = BoundPolicy::everything(&resource);
    let some = BoundPolicy {
        filter: Some(BoundFilter::Ne("kind".to_owned(), TypedLiteral::Text("kind0".to_owned()))),
        ..everything.clone()
    };
    println!(
        "| page of {PAGE} | policy | caller | p50 ms | p95 ms | features |\n|---|---|---|---:|---:|---:|"
    );
    let mut slow = false;
    for (policy, bound) in [("all of it", everything), ("nine rows of ten", some)] {
        let granted = GrantedPolicy { grant: None, kind: GrantKind::Own, policy: bound };
        let files = manifest.parts.iter().map(|part| StoredFile {
            path: part.path.clone(),
            bytes: part.bytes,
            rows: part.rows,
            sha256: part.sha256.clone(),
        });
        let table = OpenTable {
            dataset: Dataset { resource: resource.clone(), granted, version: version.clone(), until: None },
            schema: Arc::new(manifest.arrow_schema()),
            files: files.collect(),
            places: manifest.places.clone().map(Arc::new),
        };
        let engine = QueryEngine::new(EngineParts {
            tables: Arc::new(One(table)),
            objects: Arc::clone(&objects) as _,
            mask_key: MacKey::ephemeral()?,
            cursor_key: MacKey::ephemeral()?,
            limits: Limits::default(),
            revocations: Revocations::default(),
            partitions: None,
            parquet_pushdown: false,
            rows_at_hand: 0,
            lookups: folder.join("lookups"),
            index_secrets: IndexSecrets { current: MacKey::ephemeral()?, retired: None },
        })?;
        for (caller, ctx) in callers() {
            for question in questions() {
                let (mut times, rows) = asked(&engine, &ctx, &question).await?;
                times.sort_unstable();
                let (half, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
                let (half_ms, most_ms) = (half.as_secs_f64() * 1e3, most.as_secs_f64() * 1e3);
                let name = question.name;
                println!("| {name} | {policy} | {caller} | {half_ms:.0} | {most_ms:.0} | {rows} |");
                slow |= most > GOAL && question.has_goal;
            }
        }
    }
    println!("pages over {} ms: {}", GOAL.as_millis(), if slow { "yes" } else { "none" });
    Ok(())
}

/// The public, who gets one core, and an analyst.
fn callers() -> [(&'static str, OpContext); 2] {
    let analyst = BTreeSet::from([Role::Analyst]);
    let now = Timestamp::now();
    [
        ("public", exchange_auth::public_context("bench".to_owned(), Channel::Api, now)),
        ("analyst", exchange_auth::operator_context("bench", None, analyst, "bench".to_owned(), now)),
    ]
}

struct Question {
    name: &'static str,
    /// The condition at the place of a number.
    condition: fn(usize) -> Option<Condition>,
    /// Pages that are left behind first.
    behind: usize,
    count: bool,
    /// A count reads all that it counts.
    has_goal: bool,
}

fn questions() -> [Question; 8] {
    let page = |name, condition| Question { name, condition, behind: 0, count: false, has_goal: true };
    [
        page("first", |_| None),
        Question { behind: DEEP, ..page("after a million", |_| None) },
        page("in a box of 1 km", |number| meets(number, 0.01)),
        page("in a box of 100 km", |number| meets(number, 1.0)),
        page("in a box and of a kind", |number| {
            Some(Condition::And(vec![meets(number, 0.1)?, is("kind", &format!("kind{}", number % 10))]))
        }),
        page("of a kind", |number| Some(is("kind", &format!("kind{}", number % 10)))),
        page("with a rare value", |number| Some(is("code", &format!("c{}", number * 37)))),
        Question { count: true, has_goal: false, ..page("in a box of 10 km, counted", |n| meets(n, 0.1)) },
    ]
}

fn meets(number: usize, degrees: f64) -> Option<Condition> {
    let [x, y] = city::centre(number);
    let area = Area::of_box([x, y, x + degrees, y + degrees]).ok()?;
    let (shape, relation) = (Shape::Column("shape".to_owned()), Relation::Intersects);
    Some(Condition::Located(Located { shape, relation, area }))
}

fn is(column: &str, value: &str) -> Condition {
    Condition::Values(Filter::Eq(column.to_owned(), city::literal(value)))
}

/// How long its pages took, written as features, and how many features the last had.
async fn asked(engine: &QueryEngine, ctx: &OpContext, question: &Question) -> Result<(Vec<Duration>, usize)> {
    let mut cursor = None;
    for _ in 0..question.behind {
        let selection = Selection { limit: Some(10_000), cursor: cursor.take(), ..pages(None) };
        let answer = engine.run(ctx, QueryRequest::Selection(selection)).await?;
        cursor = answer.next.clone();
        answer.records.try_collect::<Vec<_>>().await?;
    }
    let (mut times, mut rows) = (Vec::new(), 0);
    for number in 0..=TIMES {
        let selection = Selection {
            limit: Some(PAGE),
            count: question.count,
            cursor: cursor.clone(),
            ..pages((question.condition)(number))
        };
        let began = Instant::now();
        let answer = engine.run(ctx, QueryRequest::Selection(selection)).await?;
        let shape = Shape::Column("shape".to_owned());
        let features = Features { shape, key: vec!["id".to_owned()], swapped: false };
        let found: Vec<Vec<_>> = features.of(answer).try_collect().await?;
        rows = found.iter().map(Vec::len).sum();
        // The first warms up.
        times.extend((number > 0).then(|| began.elapsed()));
    }
    Ok((times, rows))
}

fn pages(condition: Option<Condition>) -> Selection {
    let code = city::CODE.parse().map(TableName::Code);
    let name = || TableName::Sql { department: "city".to_owned(), name: "places".to_owned() };
    Selection { as_stored: true, condition, ..Selection::of(code.unwrap_or_else(|_| name())) }
}
