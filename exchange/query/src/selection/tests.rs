use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringArray};
use arrow::util::pretty::pretty_format_batches;
use catalog_core::directory::ValueFormat;
use catalog_core::policy::Filter;
use catalog_core::{ErrorCode, Result};
use futures::TryStreamExt;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::export::{Format, encode};
use crate::tests::world::{CALLERS, Memory, Way, World, context, stored};
use crate::{Area, Features, Located, OpenTable, QueryEngine, QueryRequest, Relation, Shape};

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
    let engine = world.engine(Way::Pushdown, 2);
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
    let engine = world.engine(Way::Files, 2);
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
    let engine = world.engine(Way::Pushdown, 2);
    let oracle = world.oracle(Way::Pushdown, 2);
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
    let engine = world.engine(Way::Pushdown, 1);
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
    let engine = world.engine(Way::Pushdown, 1);
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
    let named = Selection { version: VersionSelector::Number(1), ..next.clone() };
    assert_eq!(page(&engine, "rows", named).await.unwrap().0.len(), 5);
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
    let cursor = Cursor { digest: "d".to_owned(), version: 3, values, cut: true, delivered: 2 };
    assert_eq!(Cursor::open(&cursor.seal(&key).unwrap(), &key).unwrap(), cursor);
    assert!(cursor::literal(&ScalarValue::Binary(Some(vec![1]))).is_err());
}

#[tokio::test]
async fn a_page_keeps_the_version_of_its_cursor() {
    let world = World::new(60);
    let mut tables = Memory::default();
    for number in [1, 2] {
        let mut table = world.governed.table("rows", "penalties");
        table.dataset.version.number = number;
        tables.add("rows", "penalties", table);
    }
    let engine = QueryEngine::new(world.parts(&Arc::new(tables), Way::Pushdown, 1)).unwrap();
    let first = Selection { limit: Some(5), version: VersionSelector::Number(1), ..penalties() };
    let cursor = page(&engine, "rows", first.clone()).await.unwrap().1.unwrap();
    assert_eq!(engine.version_of(&cursor).unwrap(), 1);
    for (version, fits) in [
        (VersionSelector::Latest, true),
        (VersionSelector::Number(1), true),
        (VersionSelector::Number(2), false),
        (VersionSelector::At(catalog_core::Timestamp::parse("2026-11-01T00:00:00Z").unwrap()), false),
    ] {
        let next = Selection { cursor: Some(cursor.clone()), version, ..first.clone() };
        let answered = page(&engine, "rows", next).await.map(|_| ()).map_err(|error| error.code);
        assert_eq!(answered, if fits { Ok(()) } else { Err(ErrorCode::InvalidInput) }, "{version:?}");
    }
}

/// An engine over one table of the caller's own.
fn over(table: OpenTable, world: &World) -> QueryEngine {
    let mut tables = Memory::default();
    tables.add("rows", "penalties", table);
    QueryEngine::new(world.parts(&Arc::new(tables), Way::Pushdown, 2)).unwrap()
}

/// Rows that differ late in their texts, or not at all, and no key that tells them apart.
#[tokio::test]
async fn cursors_over_long_texts_are_short() {
    let world = World::new(1);
    let text = |n: i64| {
        (n % 7 != 3).then(|| "长".repeat(usize::try_from(28 + n % 9).unwrap()) + &"x\u{1}".repeat(400))
    };
    let names: Vec<_> = (0..90).map(|n| text(n).map(|text| format!("{text}{}", n % 4))).collect();
    let mut columns: Vec<(String, ArrayRef, bool)> = vec![
        ("name".to_owned(), Arc::new(StringArray::from(names)), true),
        (
            "secret".to_owned(),
            Arc::new((0..90).map(|n| Some(format!("{}长", n % 2))).collect::<StringArray>()),
            true,
        ),
        ("amt".to_owned(), Arc::new((0..90).map(|n| n % 11).collect::<Int64Array>()), true),
    ];
    for n in 0..60 {
        let short = StringArray::from(vec!["short\u{1}\u{2}\u{3}".repeat(2); 90]);
        columns.push((format!("c{n}"), Arc::new(short), true));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut table = stored(&world.folder, "long", &batch, "penalties");
    table.dataset.resource.key.clear();
    let engine = over(table, &world);
    for (column, descending) in [("name", false), ("name", true), ("secret", false), ("amt", true)] {
        let by = vec![sort(column, descending)];
        let all =
            Selection { sort: by.clone(), columns: vec!["name".to_owned(), "amt".to_owned()], ..penalties() };
        let (mut whole, _) = page(&engine, "rows", all.clone()).await.unwrap();
        let (mut paged, mut cursor) = (Vec::new(), None);
        for _ in 0..100 {
            let next = Selection { limit: Some(4), cursor, ..all.clone() };
            let (rows, next) = page(&engine, "rows", next).await.unwrap();
            paged.extend(rows);
            cursor = next;
            match &cursor {
                Some(cursor) => assert!(cursor.len() <= 2048, "{} bytes", cursor.len()),
                None => break,
            }
        }
        let firsts = |rows: &[String]| {
            rows.iter().map(|row| row.split('|').nth(1).unwrap().to_owned()).collect::<Vec<_>>()
        };
        if column == "name" {
            assert_eq!(firsts(&paged), firsts(&whole), "the order is kept");
        }
        whole.sort_unstable();
        paged.sort_unstable();
        assert_eq!(paged, whole, "{column} {descending}");
    }
}

/// A table of two points and nothing.
fn points(world: &World) -> OpenTable {
    let mut point = vec![1, 1, 0, 0, 0];
    point.extend([115.9_f64, 29.7].iter().flat_map(|number| number.to_le_bytes()));
    let shapes = BinaryArray::from_opt_vec(vec![Some(&point), Some(&point), None]);
    let columns: Vec<(&str, ArrayRef)> =
        vec![("id", Arc::new(Int64Array::from(vec![1, 2, 3]))), ("shape", Arc::new(shapes))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut table = stored(&world.folder, "points", &batch, "penalties");
    table.dataset.resource.items[1].format = Some(ValueFormat::Geometry);
    table
}

#[tokio::test]
async fn mistakes_about_columns_are_the_callers() {
    let world = World::new(30);
    let engine = over(points(&world), &world);
    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let wrong = [
        Selection { columns: columns(&["id", "id"]), ..penalties() },
        Selection { columns: columns(&["id", "序号"]), limit: Some(1), ..penalties() },
        Selection { sort: vec![sort("shape", false)], limit: Some(1), ..penalties() },
        Selection { sort: vec![sort("shape", true)], ..penalties() },
    ];
    for selection in wrong {
        let error = page(&engine, "rows", selection).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
    }
    let pages = pages(&engine, "rows", Selection { limit: Some(1), ..penalties() }).await;
    assert_eq!(pages.len(), 3, "geometries break no ties");
}

#[tokio::test]
async fn parquet_says_which_columns_are_geometries() {
    let world = World::new(30);
    let engine = over(points(&world), &world);
    for (columns, limit, has_key) in [
        (vec![], None, true),
        (vec!["shape".to_owned()], Some(2), true),
        (vec!["id".to_owned()], None, false),
    ] {
        let selection = Selection { columns, limit, ..penalties() };
        let answer = engine.run(&context("rows"), QueryRequest::Selection(selection)).await.unwrap();
        let file: Vec<_> = encode(answer, Format::Parquet).try_collect().await.unwrap();
        let file = SerializedFileReader::new(bytes::Bytes::from(file.concat())).unwrap();
        let pairs = file.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let geo = pairs.into_iter().find(|pair| pair.key == "geo").and_then(|pair| pair.value);
        let geo: Option<serde_json::Value> = geo.map(|text| serde_json::from_str(&text).unwrap());
        let expected = json!({"version": "1.1.0", "primary_column": "shape",
            "columns": {"shape": {"encoding": "WKB", "geometry_types": ["Point"], "crs": null,
                "bbox": [115.9, 29.7, 115.9, 29.7]}}});
        assert_eq!(geo, has_key.then_some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_are_the_rows_at_their_places() {
    let world = World::new(120);
    let engine = world.engine(Way::Pushdown, 2);
    let sorted = Selection { sort: vec![sort("county", true)], ..penalties() };
    let all = pages(&engine, "rows", Selection { limit: Some(50), ..sorted.clone() }).await;
    for (offset, rows) in [(0, 7), (7, 7), (5, 0), (0, 100_000), (3, 30_000), (25_000, 10), (0, u64::MAX)] {
        let selection = Selection { slice: Some(Slice { offset, rows }), count: true, ..sorted.clone() };
        let (lines, next) = page(&engine, "rows", selection).await.unwrap();
        let from = all.len().min(offset as usize);
        let until = all.len().min(offset.saturating_add(rows).min(1000) as usize);
        assert_eq!((lines.as_slice(), next), (&all[from..until.max(from)], None), "{offset} {rows}");
    }
    let both = Selection { limit: Some(1), slice: Some(Slice { offset: 0, rows: 1 }), ..sorted };
    assert_eq!(page(&engine, "rows", both).await.unwrap_err().code, ErrorCode::InvalidInput);
}

/// Where rows lie: what has no geometry is neither inside nor outside.
#[tokio::test]
async fn conditions_on_places() {
    let world = World::new(30);
    let engine = over(points(&world), &world);
    let shape = Shape::Column("shape".to_owned());
    let lies = |relation, area: &str| {
        let area = Area::of_text(area).unwrap();
        Condition::Located(Located { shape: shape.clone(), relation, area })
    };
    let in_box = |corners| {
        let (relation, area) = (Relation::Intersects, Area::of_box(corners).unwrap());
        Condition::Located(Located { shape: shape.clone(), relation, area })
    };
    let id = |number: i64| Condition::Values(serde_json::from_value(json!({"=": ["id", number]})).unwrap());
    for (condition, expected) in [
        (in_box([115.0, 29.0, 116.0, 30.0]), 2),
        (in_box([115.9, 29.7, 115.9, 29.7]), 2),
        (in_box([0.0, 0.0, 1.0, 1.0]), 0),
        (Condition::Not(Box::new(in_box([0.0, 0.0, 1.0, 1.0]))), 2),
        (lies(Relation::Within, "POLYGON((115 29,116 29,116 30,115 29))"), 2),
        (lies(Relation::Disjoint, "POINT(1 1)"), 2),
        (Condition::Or(vec![lies(Relation::Equals, "POINT(115.9 29.7)"), id(3)]), 3),
        (Condition::And(vec![lies(Relation::Equals, "POINT(115.9 29.7)"), id(2)]), 1),
        (Condition::And(Vec::new()), 3),
        (Condition::Or(Vec::new()), 0),
    ] {
        for (limit, count) in [(None, false), (Some(1), true), (Some(10), true)] {
            let selection = Selection { condition: Some(condition.clone()), limit, count, ..penalties() };
            let answer = engine.run(&context("rows"), QueryRequest::Selection(selection)).await.unwrap();
            assert_eq!(answer.total, count.then_some(expected as u64), "{condition:?}");
            let batches: Vec<RecordBatch> = answer.records.try_collect().await.unwrap();
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(rows, limit.map_or(expected, |limit| expected.min(limit as usize)), "{condition:?}");
        }
    }
    let deep = (0..100).fold(id(1), |inner, _| Condition::Not(Box::new(inner)));
    let of = |name: &str| {
        let (shape, relation) = (Shape::Column(name.to_owned()), Relation::Intersects);
        Condition::Located(Located { shape, relation, area: Area::of_text("POINT(1 1)").unwrap() })
    };
    for (condition, code) in [
        (deep, ErrorCode::InvalidInput),
        (of("id"), ErrorCode::UnknownColumn),
        (of("nothing"), ErrorCode::UnknownColumn),
    ] {
        let selection = Selection { condition: Some(condition), ..penalties() };
        let refused = page(&engine, "rows", selection).await.unwrap_err();
        assert_eq!(refused.code, code);
    }
}

#[tokio::test]
async fn features_of_rows() {
    let world = World::new(30);
    let engine = over(points(&world), &world);
    let selection = Selection { limit: Some(10), ..penalties() };
    let answer = engine.run(&context("rows"), QueryRequest::Selection(selection)).await.unwrap();
    let features =
        Features { shape: Shape::Column("shape".to_owned()), key: vec!["id".to_owned()], swapped: true };
    assert_eq!(features.properties(&answer), ["id"]);
    let found: Vec<Vec<_>> = features.of(answer).try_collect().await.unwrap();
    let found = found.concat();
    assert_eq!(found.len(), 3);
    assert_eq!(
        (found[0].key.as_slice(), found[0].properties.as_str(), found[0].cells.as_slice()),
        (&["1".to_owned()][..], "{\"id\":1}", &["1".to_owned()][..])
    );
    assert_eq!(found[0].geometry, "{\"type\":\"Point\",\"coordinates\":[29.7,115.9]}");
    assert_eq!(found[2].geometry, "null");
}

#[tokio::test]
async fn geometry_in_sql() {
    let world = World::new(30);
    let engine = over(points(&world), &world);
    let asked = |text: &str| QueryRequest::Sql(format!("select {text} from city.penalties where id = 1"));
    for (text, expected) in [
        ("st_x(shape)", "115.9"),
        ("st_astext(shape)", "POINT(115.9 29.7)"),
        ("st_asgeojson(st_point(1, 2.5))", "{\"type\":\"Point\",\"coordinates\":[1.0,2.5]}"),
        ("st_intersects(shape, st_geomfromtext('POLYGON((115 29,116 29,116 30,115 30,115 29))'))", "true"),
        ("st_within(st_geomfromtext('POLYGON((115 29,116 29,116 30,115 30,115 29))'), shape)", "false"),
        ("st_area(st_envelope(st_geomfromtext('LINESTRING(0 0,2 3)')))", "6.0"),
        ("st_distance(shape, st_point(115.9, 30.7))", "1.0"),
        ("round(st_area_spheroid(st_geomfromtext('POLYGON((0 0,0 1,1 1,1 0,0 0))')) / 1000000)", "12309.0"),
        ("st_area_spheroid(st_geomfromtext('POLYGON((0 0,999 1,1 1,0 0))')) is null", "true"),
        ("round(st_distance_spheroid(st_point(0, 0), st_point(1, 0)))", "111319.0"),
        ("st_x(st_geomfromtext('LINESTRING(0 0,2 3)')) is null", "true"),
        ("st_point(null, 1) is null", "true"),
        ("st_contains(null, shape) is null", "true"),
    ] {
        let answer = engine.run(&context("rows"), asked(text)).await.unwrap();
        let batches: Vec<RecordBatch> = answer.records.try_collect().await.unwrap();
        let found = arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap();
        assert_eq!(found, expected, "{text}");
    }
    for wrong in [
        "st_x('POINT(1 2)')",
        "st_area(1)",
        "st_point(1)",
        "st_distance(shape)",
        "st_geomfromtext('POINT(1')",
        "st_geomfromtext(shape)",
        "st_area(x'0101000000')",
        "st_buffer(shape, 1)",
        "related(shape)",
    ] {
        let failed = match engine.run(&context("rows"), asked(wrong)).await {
            Err(error) => Some(error),
            Ok(answer) => answer.records.try_collect::<Vec<_>>().await.err(),
        };
        let code = failed.unwrap_or_else(|| panic!("{wrong}")).code;
        assert_ne!(code.fault(), catalog_core::Fault::Server, "{wrong}: {code}");
    }
}
