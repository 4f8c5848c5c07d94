//! Requests that are small as text and heavy to plan or run: they end early, and nobody else waits.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use catalog_core::policy::Filter;
use catalog_core::{ColumnName, ErrorCode};
use futures::TryStreamExt;
use serde_json::json;

use super::world::{Memory, WAYS, Way, World, context};
use crate::{EngineParts, Limits, QueryEngine, QueryRequest, Selection, SortKey, TableName};

fn penalties() -> Selection {
    Selection::of(TableName::Sql { department: "city".to_owned(), name: "penalties".to_owned() })
}

async fn rows(engine: &QueryEngine, caller: &str, request: QueryRequest) -> Result<Vec<i64>, ErrorCode> {
    let answer = engine.run(&context(caller), request).await.map_err(|error| error.code)?;
    let batches: Vec<_> = answer.records.try_collect().await.map_err(|error| error.code)?;
    let values = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter());
    Ok(values.map(|value| value.unwrap_or(i64::MIN)).collect())
}

fn sql(text: impl Into<String>) -> QueryRequest {
    QueryRequest::Sql(text.into())
}

#[tokio::test]
async fn a_filter_of_many_parts_runs() {
    let world = World::new(90);
    let engine = world.engine(Way::Pushdown, 2);
    let compared = |name: &str| -> Vec<_> { (0..900).map(|n| json!({name: ["id", n]})).collect() };
    for (parts, found) in [(json!({"or": compared("=")}), 60), (json!({"and": compared("<>")}), 0)] {
        let filter: Filter = serde_json::from_value(parts).unwrap();
        let selection = Selection { filter: Some(filter), columns: vec!["id".to_owned()], ..penalties() };
        let rows = rows(&engine, "rows", QueryRequest::Selection(selection)).await.unwrap();
        assert_eq!(rows.len(), found);
    }
}

#[tokio::test]
async fn an_order_is_short_and_names_a_column_once() {
    let world = World::new(30);
    let engine = world.engine(Way::Pushdown, 1);
    let key = |column: &str| SortKey { column: column.to_owned(), descending: false };
    for sort in [vec![key("amt"), key("数量")], vec![key("amt"); 17], vec![key("amt"); 20_000]] {
        let selection = Selection { sort, ..penalties() };
        let refused = rows(&engine, "rows", QueryRequest::Selection(selection)).await;
        assert_eq!(refused, Err(ErrorCode::InvalidInput));
    }
}

#[tokio::test]
async fn a_window_is_gone_through_once() {
    let world = World::new(90);
    let engine = world.engine(Way::Pushdown, 1);
    for refused in [
        "median(amt) over (order by id rows 1000000 preceding)",
        "approx_percentile_cont(amt, 0.5) over (order by id)",
        "array_agg(amt) over (order by id)",
        "sum(distinct amt) over (order by id)",
    ] {
        let text = format!("select {refused} from city.penalties");
        assert_eq!(rows(&engine, "rows", sql(text)).await, Err(ErrorCode::SqlUnsupported), "{refused}");
    }
    for offered in ["sum(id)", "max(id)", "first_value(id)", "count(id)"] {
        let text = format!("select {offered} over (order by id rows 3 preceding) from city.penalties");
        assert_eq!(rows(&engine, "rows", sql(text)).await.unwrap().len(), 60, "{offered}");
    }
}

/// The caller's only thread must stay free while the engine plans: its clock goes on and ends the request.
#[tokio::test]
async fn planning_keeps_nobody_waiting() {
    let world = World::new(30);
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let engine =
        QueryEngine::new(EngineParts { limits, ..world.parts(&world.governed, Way::Pushdown, 2) }).unwrap();
    let tables: Vec<String> = (0..390).map(|n| format!("city.penalties t{n}")).collect();
    let heavy = format!("select count(*) from {}", tables.join(", "));
    let (answer, turns) = tokio::select! {
        biased;
        answer = rows(&engine, "rows", sql(heavy)) => (Some(answer), 0),
        turns = async {
            let mut turns = 0_u32;
            while turns < 100 {
                tokio::task::yield_now().await;
                turns += 1;
            }
            turns
        } => (None, turns),
    };
    assert_eq!((answer, turns), (None, 100));
}

/// WITH items in a row, each of which takes the column of the one before by this expression.
fn chain(items: usize, by: &str) -> String {
    let items: String =
        (1..=items).map(|n| format!(", c{n} as (select {by} as a from c{})", n - 1)).collect();
    format!("with c0 as (select id as a from city.penalties){items}")
}

/// WITH items, each of which takes the one before in a subquery of its column.
fn nested(items: usize) -> String {
    let each = |n: usize| format!(", c{n} as (select (select max(a) from c{}) as a)", n - 1);
    let all: String = (1..=items).map(each).collect();
    format!("with c0 as (select 1 as a){all} select a from c{items}")
}

/// WITH items, each of which takes the one before twice.
fn joined(items: usize) -> String {
    let each = |n: usize| format!(", c{n} as (select x.a from c{0} x join c{0} y on x.a = y.a)", n - 1);
    let all: String = (1..=items).map(each).collect();
    format!("with c0 as (select 1 as a){all} select a from c{items}")
}

#[tokio::test]
async fn what_doubles_in_the_optimizer_is_refused_before() {
    let world = World::new(30);
    let engine = world.engine(Way::Pushdown, 1);
    let doubling = chain(36, "a + a");
    for heavy in [
        format!("{doubling} select a from c36 where a > 1"),
        format!("explain {doubling} select a from c36"),
        format!("{} select a from c18", chain(18, "case when a > 1 then a else 1 end")),
        format!("{doubling} select id from city.penalties where id in (select a from c36)"),
        format!("{doubling} select c0.a from c0 join c36 on c0.a = c36.a"),
        format!("{doubling} select a from c36 union all select a from c0"),
        nested(30),
        joined(30),
    ] {
        assert_eq!(rows(&engine, "rows", sql(&heavy)).await, Err(ErrorCode::LimitSql), "{heavy}");
    }
    for (light, found) in [
        (nested(8), 1),
        (format!("{} select a from c36", chain(36, "a + 1")), 20),
        (format!("{} select a from c10", chain(10, "a + a")), 20),
        ("select count(*) from city.penalties where id in (select id from city.penalties)".to_owned(), 1),
        ("select count(*) from city.penalties group by rollup(id - id)".to_owned(), 2),
    ] {
        assert_eq!(rows(&engine, "rows", sql(&light)).await.map(|rows| rows.len()), Ok(found), "{light}");
    }
}

#[tokio::test]
async fn engines_come_and_go_anywhere() {
    let world = World::new(30);
    let engine = world.engine(Way::Pushdown, 1);
    let answer = engine.run(&context("rows"), sql("select id from city.penalties")).await.unwrap();
    drop(engine);
    drop(answer);
}

/// Rows stored in the order of a column that the caller may not see come in the order of what they show.
#[tokio::test]
async fn a_hidden_order_does_not_show() {
    let world = World::new(200);
    let sorted =
        async |engine: &QueryEngine, text: &str| rows(engine, "both", sql(text)).await.unwrap().is_sorted();
    let texts = [
        "select amt, name from city.penalties",
        "select amt from city.penalties where amt < 80",
        "select amt from (select amt, day from city.penalties limit 50) t",
    ];
    for way in WAYS {
        for text in texts {
            assert!(!sorted(&world.engine(way, 3), text).await, "{text}");
        }
    }
    let mut table = world.governed.table("both", "penalties");
    table.dataset.resource.sort = vec![ColumnName::new("dept").unwrap()];
    let mut tables = Memory::default();
    tables.add("both", "penalties", table);
    let tables = Arc::new(tables);
    let engine = |way| QueryEngine::new(world.parts(&tables, way, 3)).unwrap();
    for way in WAYS {
        for text in texts {
            assert!(sorted(&engine(way), text).await, "{way:?}: {text}");
        }
    }
    let engine = engine(Way::Pushdown);
    let selected = Selection { columns: vec!["amt".to_owned(), "name".to_owned()], ..penalties() };
    let selected = rows(&engine, "both", QueryRequest::Selection(selected)).await.unwrap();
    assert!(selected.is_sorted() && selected.len() == 133, "{selected:?}");
    let counted = rows(&engine, "both", sql("select count(*) from city.penalties")).await.unwrap();
    assert_eq!(counted, [133]);
}

/// What is built of a batch goes by what the query may use, however much of each row is asked for.
#[tokio::test]
async fn wide_rows_come_in_small_batches() {
    let world = World::new(30);
    let engine = world.engine(Way::Pushdown, 2);
    let page = "x".repeat(8000);
    let columns: Vec<String> = (0..25).map(|n| format!("'{page}' as c{n}")).collect();
    let text = format!("select value, {} from generate_series(1, 2000)", columns.join(", "));
    let answer = engine.run(&context("rows"), sql(text)).await.unwrap();
    let batches: Vec<_> = answer.records.try_collect().await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2000);
    let bytes = |batch: &arrow::array::RecordBatch| batch.num_rows() * 25 * page.len();
    assert!(batches.iter().all(|batch| bytes(batch) <= 64 << 20));
}

#[tokio::test]
async fn long_texts_of_honest_queries_are_built() {
    let world = World::new(30);
    let engine = world.engine(Way::Pushdown, 2);
    let line = "12345678".repeat(25);
    let built =
        "upper(concat(t, '，', t, value)) || replace(t, '1', '一') || regexp_replace(t, '[0-4]', 'x')";
    let text = format!(
        "select count(*) from (select {built} as b, concat_ws('-', t, value, t) as c \
         from (select '{line}' as t, value from generate_series(1, 8192))) where b like '%x%' and c ~ '^1.*8$'"
    );
    assert_eq!(rows(&engine, "rows", sql(text)).await, Ok(vec![8192]));
}
