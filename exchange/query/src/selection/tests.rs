use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use catalog_core::policy::Filter;
use catalog_core::{ErrorCode, Result};
use futures::TryStreamExt;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::tests::world::{CALLERS, World, context};
use crate::{QueryEngine, QueryRequest};

fn penalties() -> Selection {
    Selection::of(TableName::Sql { department: "city".to_owned(), name: "penalties".to_owned() })
}

fn filter(filter: serde_json::Value) -> Option<Filter> {
    Some(serde_json::from_value(filter).unwrap())
}

/// The rows as lines of text, and the next cursor.
async fn page(
    engine: &QueryEngine,
    caller: &str,
    selection: Selection,
) -> Result<(Vec<String>, Option<String>)> {
    let answer = engine.run(&context(caller), QueryRequest::Selection(selection)).await?;
    let batches: Vec<RecordBatch> = answer.records.try_collect().await?;
    let batches: Vec<RecordBatch> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let cells = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1).map(cells);
    Ok((lines.collect(), answer.next))
}

async fn pages(engine: &QueryEngine, caller: &str, mut selection: Selection) -> Vec<String> {
    let mut rows = Vec::new();
    loop {
        let (lines, next) = page(engine, caller, selection.clone()).await.unwrap();
        assert!(lines.len() <= selection.limit.unwrap() as usize);
        rows.extend(lines);
        match next {
            Some(next) => selection.cursor = Some(next),
            None => return rows,
        }
    }
}

fn sort(column: &str, descending: bool) -> SortKey {
    SortKey { column: column.to_owned(), descending }
}

#[test]
fn pages_together_are_the_whole_answer() {
    let world = World::new(120);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = world.engine(true, 2);
    let columns = proptest::sample::subsequence(vec!["id", "secret", "amt", "name", "day", "county"], 1..4);
    let orders = proptest::sample::subsequence(vec!["county", "amt", "name", "secret", "day"], 0..3);
    let cases = (
        columns,
        orders.prop_shuffle(),
        any::<bool>(),
        1..50_u32,
        proptest::sample::select(CALLERS.to_vec()),
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let checked = runner.run(&cases, |(columns, order, descending, rows, caller)| {
        let mut selection = penalties();
        selection.columns = columns.into_iter().map(str::to_owned).collect();
        selection.sort = order.into_iter().map(|column| sort(column, descending)).collect();
        let (mut whole, next) = runtime.block_on(page(&engine, caller, selection.clone())).unwrap();
        prop_assert!(next.is_none());
        selection.limit = Some(rows);
        let mut paged = runtime.block_on(pages(&engine, caller, selection));
        whole.sort_unstable();
        paged.sort_unstable();
        prop_assert_eq!(paged, whole);
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

#[tokio::test]
async fn order_is_kept_across_pages_and_nulls_come_last() {
    let world = World::new(120);
    let engine = world.engine(false, 2);
    for descending in [false, true] {
        let mut selection = penalties();
        selection.columns = vec!["数量".to_owned()];
        selection.sort = vec![sort("amt", descending)];
        let (whole, _) = page(&engine, "rows", selection.clone()).await.unwrap();
        selection.limit = Some(7);
        let paged = pages(&engine, "rows", selection).await;
        assert_eq!(paged, whole);
        let numbers: Vec<Option<i64>> =
            paged.iter().map(|line| line.trim_matches(['|', ' ']).parse().ok()).collect();
        assert!(numbers.last().unwrap().is_none() && numbers[0].is_some());
        let mut known: Vec<i64> = numbers.iter().flatten().copied().collect();
        let shown = known.clone();
        known.sort_unstable();
        if descending {
            known.reverse();
        }
        assert_eq!(shown, known);
    }
}

#[tokio::test]
async fn filters_see_what_the_caller_sees() {
    let world = World::new(300);
    let engine = world.engine(true, 2);
    let oracle = world.oracle(true, 2);
    let filters = [
        json!({"=": ["secret", "31"]}),
        json!({"=": ["secret", "5"]}),
        json!({"like": ["name", "李%"]}),
        json!({"like": ["name", "%娜"]}),
        json!({"not": {"=": ["county", "360481"]}}),
        json!({"is_null": "amt"}),
        json!({"or": [{"between": ["amt", 40, 43]}, {"in": ["id", [1, 2, 3]]}]}),
        json!({"and": [{">=": ["county", "36"]}, {"<": ["id", 40]}]}),
    ];
    for caller in CALLERS {
        for rows in &filters {
            let selection =
                Selection { filter: filter(rows.clone()), sort: vec![sort("id", false)], ..penalties() };
            let seen = page(&engine, caller, selection.clone()).await.unwrap();
            assert_eq!(seen, page(&oracle, caller, selection).await.unwrap(), "{caller} {rows}");
        }
    }
    for wrong in
        [json!({"=": ["dept", "B"]}), json!({"=": ["id", "x"]}), json!({"=": ["id", {"subject": "level"}]})]
    {
        let selection = Selection { filter: filter(wrong), ..penalties() };
        assert_eq!(page(&engine, "rows", selection).await.unwrap_err().code, ErrorCode::InvalidInput);
    }
}

#[tokio::test]
async fn a_record_is_found_by_its_key() {
    let world = World::new(60);
    let engine = world.engine(true, 1);
    let of = |id: i64| {
        let TableName::Sql { department, name } = penalties().table else { panic!("not by name") };
        Selection::record(
            TableName::Sql { department, name },
            BTreeMap::from([("id".to_owned(), Literal::Int(id))]),
        )
    };
    assert_eq!(page(&engine, "rows", of(1)).await.unwrap().0.len(), 1);
    assert_eq!(page(&engine, "rows", of(3)).await.unwrap().0.len(), 0, "a hidden row is no row");
}

#[tokio::test]
async fn a_cursor_serves_one_selection_of_one_policy() {
    let world = World::new(60);
    let engine = world.engine(true, 1);
    let first = Selection { limit: Some(5), ..penalties() };
    let cursor = page(&engine, "rows", first.clone()).await.unwrap().1.unwrap();
    let next = Selection { cursor: Some(cursor.clone()), ..first.clone() };
    assert_eq!(page(&engine, "rows", next.clone()).await.unwrap().0.len(), 5);
    assert_eq!(page(&engine, "both", next.clone()).await.unwrap_err().code, ErrorCode::Conflict);
    let other = Selection { sort: vec![sort("name", true)], ..next.clone() };
    assert_eq!(page(&engine, "rows", other).await.unwrap_err().code, ErrorCode::Conflict);
    let texts = BTreeSet::from([String::new(), "x.y".to_owned(), flipped(&cursor), format!("{cursor}A")]);
    for forged in texts {
        let forged = Selection { cursor: Some(forged), ..first.clone() };
        assert_eq!(page(&engine, "rows", forged).await.unwrap_err().code, ErrorCode::InvalidInput);
    }
    for (limit, code) in [(0, ErrorCode::InvalidInput), (10_001, ErrorCode::LimitRows)] {
        let page = page(&engine, "rows", Selection { limit: Some(limit), ..penalties() }).await;
        assert_eq!(page.unwrap_err().code, code);
    }
    let hidden = Selection { columns: vec!["dept".to_owned()], ..penalties() };
    assert_eq!(page(&engine, "rows", hidden).await.unwrap_err().code, ErrorCode::UnknownColumn);
    let twice = Selection { columns: vec!["name".to_owned(), "姓名".to_owned()], ..penalties() };
    assert_eq!(page(&engine, "rows", twice).await.unwrap_err().code, ErrorCode::InvalidInput);
}

/// The cursor with one of its letters changed.
fn flipped(cursor: &str) -> String {
    let (first, rest) = cursor.split_at(1);
    format!("{}{rest}", if first == "A" { "B" } else { "A" })
}

#[test]
fn cursors_survive_their_text() {
    let key = MacKey::from_bytes(&[3; 32]).unwrap();
    let values = [
        ScalarValue::Utf8View(Some("李".to_owned())),
        ScalarValue::Int64(None),
        ScalarValue::Decimal128(Some(i128::MIN + 1), 38, 2),
        ScalarValue::Date32(Some(-719_000)),
        ScalarValue::TimestampMicrosecond(Some(-1), Some(Arc::from("UTC"))),
        ScalarValue::Boolean(Some(true)),
    ];
    let values = values.iter().map(|value| cursor::literal(value).unwrap()).collect();
    let cursor = Cursor { digest: "d".to_owned(), version: 3, values, delivered: 2 };
    assert_eq!(Cursor::open(&cursor.seal(&key).unwrap(), &key).unwrap(), cursor);
    assert!(cursor::literal(&ScalarValue::Binary(Some(vec![1]))).is_err());
}
