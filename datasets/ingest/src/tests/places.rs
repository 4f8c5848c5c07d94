//! Rows that stand by where they lie.

use catalog_core::dataset::ChangeKind;
use catalog_core::directory::{Sharing, ValueFormat};
use catalog_core::policy::TypedLiteral;
use catalog_core::services::DueErasure;
use datasets_store::{Bounds, Places, STRETCH_ROWS, Shape};

use super::*;

fn next(previous: &Prepared, change: ChangeKind) -> IngestOptions {
    let manifest = Some(previous.manifest.clone());
    let number = previous.manifest.version + 1;
    IngestOptions { change, previous: manifest, max_bad_share: 0.5, ..IngestOptions::new(number, NOW) }
}

/// `id` (key), `city` (sort), coordinates.
fn stops() -> Resource {
    let id = item("id", "编号", ItemType::sized(ItemKind::C, 20));
    let city = item("city", "城市", ItemType::sized(ItemKind::C, 10));
    let mut longitude = item("x", "经度", ItemType::plain(ItemKind::B));
    longitude.format = Some(ValueFormat::Longitude);
    let mut latitude = item("y", "纬度", ItemType::plain(ItemKind::F));
    latitude.format = Some(ValueFormat::Latitude);
    resource(vec![id, city, longitude, latitude], &["id"], &["city"])
}

/// Points on a grid of so many columns and rows, a thousandth of a degree apart, in an order of their own.
fn grid(columns: usize, rows: usize) -> String {
    let all = columns * rows;
    let row = |number: usize| {
        // A number that shares no factor with the others goes through all of them.
        let place = number * 7919 % all;
        let (x, y) = (place % columns, place / columns);
        format!("s{place},九江,{:.3},{:.3}\n", 115.0 + x as f64 / 1000.0, 29.0 + y as f64 / 1000.0)
    };
    format!("id,city,x,y\n{}", (0..all).map(row).collect::<String>())
}

fn boxes(manifest: &Manifest, part: usize) -> Vec<Option<Bounds>> {
    manifest.places.as_ref().unwrap().boxes[&manifest.parts[part].path].clone()
}

fn all_boxes(manifest: &Manifest) -> usize {
    manifest.places.as_ref().unwrap().boxes.len()
}

#[tokio::test]
async fn neighbours_stand_together_and_boxes_tell_where() {
    let desk = Desk::new();
    let made = desk.lenient(&stops(), "a.csv", grid(256, 256)).await.manifest;
    let stretches = boxes(&made, 0);
    assert_eq!(stretches.len() as u64, made.rows.div_ceil(STRETCH_ROWS));
    let area = |[west, south, east, north]: Bounds| (east - west) * (north - south);
    let whole = 255_000 * 255_000;
    let covered: i64 = stretches.iter().flatten().map(|bounds| area(*bounds)).sum();
    assert!(covered < whole * 2, "boxes of four stretches hardly overlap: {stretches:?}");
    for (number, row) in desk.rows(&made).iter().enumerate() {
        let [west, south, east, north] = stretches[number / STRETCH_ROWS as usize].unwrap();
        let part = |place: usize| (row[place].parse::<f64>().unwrap() * 1e6) as i64;
        // Floats of single precision are written with fewer digits than they have.
        assert!(west - 10 <= part(2) && part(2) <= east + 10, "{row:?}");
        assert!(south - 10 <= part(3) && part(3) <= north + 10, "{row:?}");
    }
    let again = desk.lenient(&stops(), "b.csv", grid(256, 256)).await.manifest;
    assert_eq!(desk.rows(&made), desk.rows(&again));
    assert_eq!(made.places.unwrap().columns.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
}

/// What not everybody sees orders nothing, and no manifest tells of it.
#[tokio::test]
async fn hidden_places_order_nothing() {
    let desk = Desk::new();
    let content = "id,city,x,y\na,九江,115,29\nb,九江,116,30\n";
    for hide in [(|item: &mut InformationItem| item.personal = true) as fn(&mut InformationItem), |item| {
        item.sharing = Sharing::Conditional { condition: "办案".to_owned() }
    }] {
        let mut hidden = stops();
        hide(&mut hidden.items[3]);
        let made = desk.lenient(&hidden, "a.csv", content).await;
        assert_eq!(made.manifest.places, None);
    }
    // An order that parts have, they keep: new ones go without.
    let one = desk.lenient(&stops(), "a.csv", content).await;
    let mut hidden = stops();
    hidden.items[3].personal = true;
    let more = "id,city,x,y\nc,九江,117,31\n";
    let two = desk.ingest(&hidden, "b.csv", more, &next(&one, ChangeKind::Append)).await.unwrap().manifest;
    assert_eq!((two.parts.len(), all_boxes(&two)), (2, 1));
    assert_eq!(boxes(&two, 0), [Some([115_000_000, 29_000_000, 116_000_000, 30_000_000])]);
    // And where they have none, none is begun.
    let mut plain = one.clone();
    plain.manifest.places = None;
    let three = desk.ingest(&stops(), "c.csv", more, &next(&plain, ChangeKind::Append)).await.unwrap();
    assert_eq!(three.manifest.places, None);
}

#[tokio::test]
async fn boxes_go_with_their_parts() {
    let desk = Desk::new();
    let row = |id: &str, x: i32| format!("id,city,x,y\n{id},九江,{x},29\n");
    let one = desk.lenient(&stops(), "a.csv", row("a", 115)).await;
    let two = desk.ingest(&stops(), "b.csv", row("b", 116), &next(&one, ChangeKind::Append)).await.unwrap();
    let at = |x: i64| vec![Some([x * 1_000_000, 29_000_000, x * 1_000_000, 29_000_000])];
    assert_eq!((boxes(&two.manifest, 0), boxes(&two.manifest, 1)), (at(115), at(116)));
    let three = desk.ingest(&stops(), "c.csv", row("b", 117), &next(&two, ChangeKind::Upsert)).await.unwrap();
    assert_eq!(all_boxes(&three.manifest), 2, "what is replaced is told of no more");
    assert_eq!((boxes(&three.manifest, 0), boxes(&three.manifest, 1)), (at(115), at(117)));
    let due = DueErasure {
        version: three.version(NOW, "steward"),
        records: [(vec![ColumnName::new("id").unwrap()], vec![vec![TypedLiteral::Text("b".to_owned())]])]
            .into(),
        through: "an act".to_owned(),
    };
    let erased =
        Eraser::new(&desk.store, &desk.signing_key).erase(&due, NOW).await.unwrap().unwrap().manifest;
    assert_eq!((erased.parts.len(), all_boxes(&erased), boxes(&erased, 0)), (1, 1, at(115)));
}

#[tokio::test]
async fn geometries_are_put_by_their_middle() {
    let desk = Desk::new();
    let mut shape = item("shape", "范围", ItemType::plain(ItemKind::G));
    shape.format = Some(ValueFormat::Geometry);
    let id = item("id", "编号", ItemType::sized(ItemKind::C, 6));
    let places = resource(vec![id, shape], &["id"], &[]);
    let line = |id: &str, geometry: &str| format!("{{\"id\":\"{id}\",\"shape\":{geometry}}}\n");
    let content = line("far", r#"{"type":"Point","coordinates":[-100,-40]}"#)
        + &line("one", r#"{"type":"Point","coordinates":[115,29]}"#)
        + &line("none", "null")
        + &line("two", r#"{"type":"LineString","coordinates":[[114,28],[116.5,30.5]]}"#);
    let made = desk.lenient(&places, "a.jsonl", content).await.manifest;
    let ids: Vec<String> = desk.rows(&made).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!((ids[0].as_str(), ids.len()), ("none", 4), "what lies nowhere comes first: {ids:?}");
    let place = |id: &str| ids.iter().position(|found| found == id).unwrap();
    assert_eq!(place("one").abs_diff(place("two")), 1, "{ids:?}");
    assert_eq!(boxes(&made, 0), [Some([-100_000_000, -40_000_000, 116_500_000, 30_500_000])]);
    assert_eq!(made.places.as_ref().and_then(Places::shape), Some(Shape::Column("shape".to_owned())));
}
