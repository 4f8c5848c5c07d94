//! Pages in the stored order, boxes that leave out files, and geometries that would take too much.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::util::pretty::pretty_format_batches;
use catalog_core::directory::ValueFormat;
use catalog_core::policy::Filter;
use catalog_core::{ColumnName, ErrorCode};
use datasets_store::{Places, bounds, wkb_of_geojson};
use futures::TryStreamExt;
use serde_json::{Value, json};

use super::world::{CALLERS, Memory, Way, World, context, stored};
use crate::{
    Area, Condition, Located, OpenTable, QueryAnswer, QueryEngine, QueryRequest, Relation, Selection, Shape,
    TableName,
};

/// Points of the table: the first half lies in the west, in a file of its own.
const POINTS: i64 = 400;
const WEST: [f64; 4] = [100.0, 20.0, 110.0, 30.0];
const EAST: [f64; 4] = [120.0, 20.0, 130.0, 30.0];

fn table() -> Selection {
    Selection::of(TableName::Sql { department: "city".to_owned(), name: "penalties".to_owned() })
}

fn over(world: &World, caller: &str, table: OpenTable, partitions: usize) -> QueryEngine {
    let mut tables = Memory::default();
    tables.add(caller, "penalties", table);
    QueryEngine::new(world.parts(&Arc::new(tables), Way::Files, partitions)).unwrap()
}

/// Rows with ids and geometries.
fn shapes(world: &World, name: &str, shapes: &[Vec<u8>]) -> OpenTable {
    let ids = Int64Array::from_iter_values(0..i64::try_from(shapes.len()).unwrap());
    let shapes = BinaryArray::from_iter_values(shapes);
    let columns: Vec<(&str, ArrayRef)> = vec![("id", Arc::new(ids)), ("shape", Arc::new(shapes))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut table = stored(&world.folder, name, &batch, "penalties");
    table.dataset.resource.items[1].format = Some(ValueFormat::Geometry);
    table
}

fn points(world: &World) -> OpenTable {
    let point = |id: i64| {
        let west = if id < POINTS / 2 { 105.0 } else { 125.0 };
        let numbers = [west + (id % 10) as f64 / 10.0, 25.0_f64];
        [vec![1, 1, 0, 0, 0], numbers.iter().flat_map(|number| number.to_le_bytes()).collect()].concat()
    };
    let mut table = shapes(world, "points", &(0..POINTS).map(point).collect::<Vec<_>>());
    let mut places = Places::new(&Shape::Column("shape".to_owned())).unwrap();
    for (file, corners) in table.files.iter().zip([WEST, EAST]) {
        places.boxes.insert(file.path.clone(), vec![Some(bounds(corners))]);
    }
    table.places = Some(Arc::new(places));
    table
}

fn lies(relation: Relation, area: Area) -> Condition {
    Condition::Located(Located { shape: Shape::Column("shape".to_owned()), relation, area })
}

fn meets(corners: [f64; 4]) -> Condition {
    lies(Relation::Intersects, Area::of_box(corners).unwrap())
}

fn values(filter: Value) -> Condition {
    Condition::Values(serde_json::from_value(filter).unwrap())
}

async fn batches(answer: QueryAnswer) -> Result<Vec<RecordBatch>, ErrorCode> {
    answer.records.try_collect().await.map_err(|error| error.code)
}

/// The ids of a page, and the next cursor.
async fn ids(engine: &QueryEngine, selection: Selection) -> Result<(Vec<i64>, Option<String>), ErrorCode> {
    let request = QueryRequest::Selection(selection);
    let answer = engine.run(&context("rows"), request).await.map_err(|error| error.code)?;
    let next = answer.next.clone();
    let rows = batches(answer).await?;
    let ids = rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    Ok((ids.collect(), next))
}

/// All rows as lines, page after page, in the order in which they come.
async fn lines(engine: &QueryEngine, caller: &str, mut selection: Selection) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let request = QueryRequest::Selection(selection.clone());
        let answer = engine.run(&context(caller), request).await.unwrap();
        let next = answer.next.clone();
        let rows: Vec<RecordBatch> = batches(answer).await.unwrap();
        let rows: Vec<RecordBatch> = rows.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        let cells = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = pretty_format_batches(&rows).unwrap().to_string();
        lines.extend(text.lines().filter(|line| line.starts_with('|')).skip(1).map(cells));
        match next {
            Some(next) => selection.cursor = Some(next),
            None => return lines,
        }
    }
}

/// Whoever asks, and however: the same rows as by key, each once, and none that is hidden.
#[tokio::test(flavor = "multi_thread")]
async fn pages_in_the_stored_order_hold_each_row_once() {
    let world = World::new(300);
    for (way, partitions) in [(Way::Files, 1), (Way::Pushdown, 3), (Way::AtHand, 2)] {
        let engine = world.engine(way, partitions);
        let oracle = world.oracle(way, partitions);
        for caller in CALLERS {
            for filter in [None, Some(json!({">": ["id", 120]}))] {
                let filter: Option<Filter> = filter.map(|filter| serde_json::from_value(filter).unwrap());
                let by_key = Selection { filter, limit: Some(17), ..table() };
                let as_stored = Selection { as_stored: true, ..by_key.clone() };
                let mut expected = lines(&oracle, caller, by_key).await;
                let mut found = lines(&engine, caller, as_stored).await;
                expected.sort_unstable();
                found.sort_unstable();
                assert_eq!(found, expected, "{caller} {way:?}");
            }
        }
    }
}

/// An order that tells of what is hidden is no order of pages.
#[tokio::test]
async fn a_hidden_order_is_not_gone_by() {
    let world = World::new(200);
    let mut open = world.governed.table("both", "penalties");
    let selection = Selection { limit: Some(30), ..table() };
    let by_key = lines(&over(&world, "both", open.clone(), 2), "both", selection.clone()).await;
    let as_stored = Selection { as_stored: true, ..selection };
    open.dataset.resource.sort = vec![ColumnName::new("dept").unwrap()];
    assert_eq!(lines(&over(&world, "both", open.clone(), 2), "both", as_stored.clone()).await, by_key);
    open.dataset.resource.sort = Vec::new();
    open.places = Some(Arc::new(Places::new(&Shape::Column("dept".to_owned())).unwrap()));
    assert_eq!(lines(&over(&world, "both", open, 2), "both", as_stored).await, by_key);
}

/// A page reads from where the one before has ended: what lies before may be gone.
#[tokio::test]
async fn a_page_begins_where_the_one_before_has_ended() {
    // Whichever file the manifest names first, whatever the files are called.
    for reversed in [false, true] {
        let world = World::new(1);
        let mut open = points(&world);
        let mut expected: Vec<i64> = (0..POINTS).collect();
        if reversed {
            open.files.reverse();
            expected.rotate_left(200);
        }
        let engine = over(&world, "rows", open.clone(), 3);
        let mut selection = Selection { limit: Some(150), as_stored: true, count: true, ..table() };
        let mut cursors = Vec::new();
        for rows in expected.chunks(150) {
            let (found, next) = ids(&engine, selection.clone()).await.unwrap();
            assert_eq!(found, rows, "{reversed}");
            cursors.push(next.clone());
            selection.cursor = next;
        }
        assert_eq!(cursors[2], None);
        std::fs::remove_file(world.folder.path().join(&open.files[0].path)).unwrap();
        let engine = over(&world, "rows", open.clone(), 3);
        let last = Selection { cursor: cursors[1].clone(), count: false, ..selection.clone() };
        assert_eq!(ids(&engine, last.clone()).await.unwrap().0, expected[300..]);
        let first = Selection { cursor: None, count: false, ..selection };
        assert_eq!(ids(&engine, first).await.unwrap_err(), ErrorCode::Corrupt);
        // Records that are erased move the others, so a place counts in one manifest alone.
        let mut erased = open;
        erased.dataset.version.manifest_digest = "11".to_owned();
        assert_eq!(ids(&over(&world, "rows", erased, 3), last).await.unwrap_err(), ErrorCode::Conflict);
    }
}

/// Files whose boxes say that nothing wanted is there are not opened.
#[tokio::test]
async fn boxes_leave_out_what_is_not_wanted() {
    let world = World::new(1);
    let open = points(&world);
    std::fs::remove_file(world.folder.path().join(&open.files[1].path)).unwrap();
    let engine = over(&world, "rows", open.clone(), 2);
    let few = || values(json!({"<": ["id", 3]}));
    let half: Vec<i64> = (0..POINTS / 2).collect();
    for (condition, expected) in [
        (meets(WEST), Ok(half.clone())),
        (lies(Relation::Within, Area::of_box(WEST).unwrap()), Ok(half.clone())),
        (Condition::And(vec![few(), Condition::Or(vec![meets(WEST), meets(WEST)])]), Ok(vec![0, 1, 2])),
        (meets([0.0, 0.0, 1.0, 1.0]), Ok(Vec::new())),
        (Condition::Or(Vec::new()), Ok(Vec::new())),
        (meets(EAST), Err(ErrorCode::Corrupt)),
        (lies(Relation::Disjoint, Area::of_box(EAST).unwrap()), Err(ErrorCode::Corrupt)),
        (Condition::Not(Box::new(meets(EAST))), Err(ErrorCode::Corrupt)),
        (Condition::Or(vec![meets(WEST), values(json!({">": ["id", 300]}))]), Err(ErrorCode::Corrupt)),
    ] {
        for (limit, count, as_stored) in
            [(None, false, false), (Some(1000), true, false), (Some(1000), true, true)]
        {
            let selection =
                Selection { condition: Some(condition.clone()), limit, count, as_stored, ..table() };
            let found = ids(&engine, selection).await.map(|(mut ids, _)| {
                ids.sort_unstable();
                ids
            });
            assert_eq!(found, expected, "{condition:?} {limit:?}");
        }
    }
    let mut unknown = open;
    unknown.places = None;
    let selection = Selection { condition: Some(meets(WEST)), ..table() };
    let all = ids(&over(&world, "rows", unknown, 2), selection).await;
    assert_eq!(all.unwrap_err(), ErrorCode::Corrupt, "without boxes all is read");
}

/// A ring that goes to and fro, each stroke across all others.
fn scribble(strokes: usize) -> Vec<u8> {
    let mut text = "{\"type\":\"Polygon\",\"coordinates\":[[".to_owned();
    for number in 0..strokes {
        let angle = number as f64 * (std::f64::consts::PI - 0.001);
        write!(text, "[{},{}],", angle.cos(), angle.sin()).unwrap();
    }
    text += "[1,0]]]}";
    wkb_of_geojson(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn geometries_that_take_too_much_are_refused() {
    let world = World::new(1);
    let engine = over(&world, "rows", shapes(&world, "scribbles", &[scribble(20_000), scribble(20)]), 2);
    let triangle = || Area::of_text("POLYGON((0 0,1 0,1 1,0 0))").unwrap();
    for (relation, expected) in [
        (Relation::Intersects, Ok(vec![0, 1])),
        (Relation::Within, Err(ErrorCode::LimitMemory)),
        (Relation::Touches, Err(ErrorCode::LimitMemory)),
    ] {
        let selection = Selection { condition: Some(lies(relation, triangle())), ..table() };
        let found = ids(&engine, selection).await.map(|(mut ids, _)| {
            ids.sort_unstable();
            ids
        });
        assert_eq!(found, expected, "{relation:?}");
    }
    for (sql, expected) in [
        (
            "select count(*) from city.penalties a, city.penalties b where st_intersects(a.shape, b.shape)",
            None,
        ),
        ("select st_contains(shape, shape) from city.penalties where id = 0", None),
        ("select st_distance(a.shape, b.shape) from city.penalties a, city.penalties b", None),
        ("select count(*) from city.penalties where st_intersects(shape, st_point(0, 0))", Some(())),
    ] {
        let answered = match engine.run(&context("rows"), QueryRequest::Sql(sql.to_owned())).await {
            Ok(answer) => batches(answer).await.map(drop),
            Err(error) => Err(error.code),
        };
        assert_eq!(answered, expected.ok_or(ErrorCode::LimitMemory), "{sql}");
    }
}
