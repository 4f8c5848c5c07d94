//! Answers as they run: revocation, limits, names, versions.

use std::sync::Arc;

use catalog_core::ports::{Cut, Cutter as _};
use catalog_core::{ErrorCode, GrantId, ResourceCode};
use futures::StreamExt;

use super::fixture::penalties;
use super::world::{GRANT, Memory, WAYS, Way, World, context, stored};
use crate::{EngineParts, Limits, QueryEngine, QueryRequest, Revocations};

const BIG: &str = "select a.id, b.name, c.county from city.penalties a, city.penalties b, city.penalties c";

fn sql(text: &str) -> QueryRequest {
    QueryRequest::Sql(text.to_owned())
}

async fn code(engine: &QueryEngine, text: &str) -> ErrorCode {
    let answer = match engine.run(&context("rows"), sql(text)).await {
        Err(error) => return error.code,
        Ok(answer) => answer,
    };
    let errors = answer.records.filter_map(|batch| async { batch.err() });
    errors.collect::<Vec<_>>().await.pop().unwrap().code
}

#[tokio::test]
async fn a_revocation_cuts_a_running_answer() {
    let world = World::new(400);
    let cuts = [
        Cut::Grant(GrantId::new(GRANT).unwrap()),
        Cut::Version(ResourceCode::new("301001/000001").unwrap(), 1),
        Cut::Resource(ResourceCode::new("301001/000001").unwrap()),
    ];
    for (way, cut) in WAYS.into_iter().flat_map(|way| cuts.clone().map(|cut| (way, cut))) {
        let revocations = Revocations::default();
        let parts = EngineParts { revocations: revocations.clone(), ..world.parts(&world.governed, way, 2) };
        let engine = QueryEngine::new(parts).unwrap();
        let mut answer = engine.run(&context("rows"), sql(BIG)).await.unwrap();
        assert!(answer.records.next().await.unwrap().is_ok());
        revocations.cut(Cut::Resource(ResourceCode::new("301001/000009").unwrap()));
        assert!(answer.records.next().await.unwrap().is_ok(), "another resource's end is not this answer's");
        revocations.cut(cut);
        let last = answer.records.next().await.unwrap();
        assert_eq!(last.unwrap_err().code, ErrorCode::Revoked);
        assert!(answer.records.next().await.is_none());
    }
}

/// Tells when the place of a query is given back.
struct Told(Option<tokio::sync::oneshot::Sender<()>>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.take().map(|sender| sender.send(()));
    }
}

/// Whoever reads one batch and no more keeps a query until its deadline, or until the access is revoked.
#[tokio::test]
async fn a_reader_that_takes_nothing_keeps_no_query() {
    let world = World::new(400);
    let hour = std::time::Duration::from_secs(3600);
    let soon = std::time::Duration::from_millis(300);
    for (time, cut, code) in [(soon, false, ErrorCode::LimitTime), (hour, true, ErrorCode::Revoked)] {
        let revocations = Revocations::default();
        let limits = Limits { time, ..Limits::default() };
        let parts = world.parts(&world.governed, Way::Pushdown, 2);
        let engine =
            QueryEngine::new(EngineParts { limits, revocations: revocations.clone(), ..parts }).unwrap();
        let (sender, given_back) = tokio::sync::oneshot::channel();
        let place = Arc::new(Told(Some(sender)));
        let mut answer = engine.run_at(place, &context("rows"), sql(BIG)).await.unwrap();
        assert!(answer.records.next().await.unwrap().is_ok());
        if cut {
            revocations.cut(Cut::Grant(GrantId::new(GRANT).unwrap()));
        }
        given_back.await.unwrap();
        let errors = answer.records.filter_map(|batch| async { batch.err() });
        assert_eq!(errors.collect::<Vec<_>>().await.pop().unwrap().code, code);
    }
}

#[tokio::test]
async fn a_place_is_held_no_longer_than_the_work() {
    let world = World::new(30);
    let engine = world.engine(Way::Pushdown, 2);
    let (sender, given_back) = tokio::sync::oneshot::channel();
    let place = Arc::new(Told(Some(sender)));
    let unread = engine.run_at(place, &context("rows"), sql("select id from city.penalties")).await.unwrap();
    given_back.await.unwrap();
    let rows: Vec<_> = unread.records.map(|batch| batch.unwrap().num_rows()).collect().await;
    assert_eq!(rows.iter().sum::<usize>(), 20);
}

#[tokio::test]
async fn limits_abort_with_a_code_of_their_own() {
    let world = World::new(400);
    let with = |limits: Limits| {
        QueryEngine::new(EngineParts { limits, ..world.parts(&world.governed, Way::Pushdown, 2) }).unwrap()
    };
    let default = Limits::default();
    assert_eq!(code(&with(Limits { rows: 1000, ..default }), BIG).await, ErrorCode::LimitRows);
    assert_eq!(code(&with(Limits { bytes: 10_000, ..default }), BIG).await, ErrorCode::LimitBytes);
    let in_time = Limits { time: std::time::Duration::from_millis(400), rows: u64::MAX, ..default };
    assert_eq!(code(&with(in_time), BIG).await, ErrorCode::LimitTime);
    let sort = "select a.id, b.id from city.penalties a, city.penalties b, city.penalties c order by a.name, b.day, c.id";
    assert_eq!(
        code(&with(Limits { memory: 1 << 20, spill: 1 << 20, ..default }), sort).await,
        ErrorCode::LimitMemory
    );
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_whole() {
    let world = World::new(90);
    let limits = Limits { rows: 60, ..Limits::default() };
    let engine =
        QueryEngine::new(EngineParts { limits, ..world.parts(&world.governed, Way::Pushdown, 2) }).unwrap();
    let answer = engine.run(&context("rows"), sql("select id from city.penalties")).await.unwrap();
    let batches: Vec<_> = answer.records.collect().await;
    assert_eq!(batches.iter().map(|batch| batch.as_ref().unwrap().num_rows()).sum::<usize>(), 60);
}

async fn answer(engine: &QueryEngine, text: &str) -> String {
    super::attacks::outcome(engine, "rows", text, false).await.unwrap()
}

#[tokio::test]
async fn chinese_names_work_and_answer_as_asked() {
    let world = World::new(90);
    let engine = world.engine(Way::Pushdown, 2);
    let by_machine =
        answer(&engine, "select name, count(*) as n from city.penalties where amt > 20 group by name").await;
    let by_title =
        answer(&engine, "select 姓名, count(*) as n from 市局.处罚 where 数量 > 20 group by 姓名").await;
    assert!(by_title.contains("姓名") && !by_title.contains("name"), "{by_title}");
    let counts = |text: &str| text.matches("李娜").count();
    assert_eq!(counts(&by_machine), counts(&by_title));
    let qualified = answer(&engine, "select 处罚.姓名 from 市局.处罚 where 市局.处罚.序号 = 1").await;
    assert!(qualified.contains("李娜"), "{qualified}");
    let own = answer(&engine, "select amt as 姓名 from city.penalties where 序号 = 1").await;
    assert!(own.contains("姓名") && !own.contains("李娜"), "the query's own name wins: {own}");
}

#[tokio::test]
async fn old_versions_are_read_as_of_number_and_time() {
    let world = World::new(90);
    let mut tables = Memory::default();
    let older = stored(&world.folder, "older", &penalties(10), "penalties");
    let mut newer = stored(&world.folder, "newer", &penalties(20), "penalties");
    newer.dataset.version.number = 2;
    newer.dataset.version.published_at = catalog_core::Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    tables.add("rows", "penalties", older);
    tables.add("rows", "penalties", newer);
    let engine = QueryEngine::new(world.parts(&Arc::new(tables), Way::Pushdown, 1)).unwrap();
    let rows = async |version: &str| {
        let text = answer(&engine, &format!("select count(*) as n from city.penalties {version}")).await;
        if text.contains("| 10 |") {
            10
        } else if text.contains("| 20 |") {
            20
        } else {
            0
        }
    };
    assert_eq!(rows("").await, 20);
    assert_eq!(rows("version as of 1").await, 10);
    assert_eq!(rows("timestamp as of '2026-05-31'").await, 10);
    assert_eq!(rows("timestamp as of '2026-06-01'").await, 20);
    assert_eq!(
        rows("for system_time as of '2026-06-01T07:59:59'").await,
        10,
        "times without zone are China's"
    );
    let both = "select count(*) from city.penalties a join city.penalties version as of 1 b on a.id = b.id";
    assert!(answer(&engine, both).await.contains("| 10 "));
    assert_eq!(code(&engine, "select 1 from city.penalties version as of 7").await, ErrorCode::UnknownTable);
    assert_eq!(
        code(&engine, "select 1 from city.penalties timestamp as of now()").await,
        ErrorCode::SqlUnsupported
    );
}

#[tokio::test]
async fn the_answer_names_what_it_read() {
    let world = World::new(30);
    let engine = world.engine(Way::Pushdown, 1);
    let text = "select p.id from city.penalties p join city.counties c on p.county = c.code";
    let answer = engine.run(&context("both"), sql(text)).await.unwrap();
    let grants: Vec<_> =
        answer.sources.iter().map(|source| source.grant.as_ref().map(ToString::to_string)).collect();
    assert_eq!(grants, [Some(GRANT.to_owned()), None]);
    assert!(answer.sources.iter().all(|source| source.policy_digest.len() == 64));
}

#[tokio::test]
async fn a_damaged_or_missing_object_is_corrupt_and_no_failure_of_the_query() {
    let text = "select id, name from city.penalties where amt > 20 order by id";
    for way in [Way::Files, Way::Pushdown] {
        let world = World::new(400);
        let path = world.folder.path().join("all/part-0.parquet");
        let engine = || QueryEngine::new(world.parts(&world.governed, way, 2)).unwrap();
        let wrong = "select 1 / (amt - amt) from city.penalties";
        assert_eq!(code(&engine(), wrong).await, ErrorCode::QueryFailed);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4..24].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(code(&engine(), text).await, ErrorCode::Corrupt);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(code(&engine(), text).await, ErrorCode::Corrupt);
    }
}
