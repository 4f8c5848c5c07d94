use geo::BoundingRect;
use serde_json::json;

use super::effort::Effort;
use super::*;

fn text(text: &str) -> Geometry {
    read_text(text).unwrap()
}

#[test]
fn geometries_come_back_as_they_were_written() {
    for shape in [
        "POINT(115.9 29.7)",
        "LINESTRING(0 0,1 1)",
        "POLYGON((0 0,4 0,4 4,0 0),(1 0.5,2 0.5,2 1,1 0.5))",
        "MULTIPOINT((1 2),(3 4))",
        "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))",
        "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))",
    ] {
        let geometry = text(shape);
        assert_eq!(read(&written(&geometry).unwrap()), Some(geometry.clone()), "{shape}");
        let written: Value = serde_json::from_str(&geojson(&geometry).unwrap()).unwrap();
        assert_eq!(Area::of_geojson(&written).unwrap(), Area(geometry), "{shape}");
    }
    let turned = swapped(&text("LINESTRING(1 2,3 4)"));
    assert_eq!(geojson(&turned).unwrap(), r#"{"type":"LineString","coordinates":[[2.0,1.0],[4.0,3.0]]}"#);
    let small = Geometry::Point(geo::Point::new(-1e-7, 1e300));
    assert_eq!(geojson(&small).unwrap(), r#"{"type":"Point","coordinates":[-1e-7,1e300]}"#);
    assert_eq!(geojson(&Geometry::Point(geo::Point::new(f64::INFINITY, 0.0))), None);
    let empty = geojson(&text("GEOMETRYCOLLECTION EMPTY")).unwrap();
    assert_eq!(empty, r#"{"type":"GeometryCollection","geometries":[]}"#);
}

#[test]
fn what_is_no_geometry_is_refused() {
    let deep = format!("{}POINT(1 2){}", "GEOMETRYCOLLECTION(".repeat(5000), ")".repeat(5000));
    for wrong in ["", "POINT", "POINT(1)", "POINT(1 2", "CIRCLE(1 2)", "POINT(1e999 2)", deep.as_str()] {
        assert_eq!(read_text(wrong), None, "{}", &wrong[..wrong.len().min(30)]);
    }
    assert_eq!(read_text("POINT EMPTY").map(|empty| empty.coords_count()), Some(0));
    // Collections in collections, each of one member: a header of nine bytes.
    let nested: Vec<u8> = [1, 7, 0, 0, 0, 1, 0, 0, 0].repeat(100_000);
    let point = written(&text("POINT(1 2)")).unwrap();
    for wrong in [&[][..], &[1], &nested, &point[..20], &[point.as_slice(), &[0]].concat()] {
        assert_eq!(read(wrong), None);
    }
    for wrong in [json!(null), json!({"type": "Point"}), json!({"type": "Point", "coordinates": ["1", 2]})] {
        assert!(Area::of_geojson(&wrong).is_err(), "{wrong}");
    }
    for wrong in [[1.0, 0.0, 0.0, 1.0], [f64::NAN, 0.0, 1.0, 1.0], [0.0, 0.0, f64::INFINITY, 1.0]] {
        assert!(Area::of_box(wrong).is_err());
    }
}

#[test]
fn relations_are_those_of_simple_features() {
    let square = text("POLYGON((0 0,4 0,4 4,0 4,0 0))");
    for (relation, other, holds) in [
        (Relation::Intersects, "POINT(4 4)", true),
        (Relation::Disjoint, "POINT(4 5)", true),
        (Relation::Disjoint, "POINT(4 4)", false),
        (Relation::Contains, "POINT(1 1)", true),
        (Relation::Contains, "POINT(4 4)", false),
        (Relation::Within, "POLYGON((-1 -1,5 -1,5 5,-1 5,-1 -1))", true),
        (Relation::Equals, "POLYGON((4 4,0 4,0 0,4 0,4 4))", true),
        (Relation::Touches, "POLYGON((4 0,8 0,8 4,4 4,4 0))", true),
        (Relation::Overlaps, "POLYGON((2 2,8 2,8 8,2 8,2 2))", true),
        (Relation::Crosses, "LINESTRING(-1 2,5 2)", true),
        (Relation::Touches, "POINT(9 9)", false),
    ] {
        let other = text(other);
        let mut effort = Effort::of(None);
        let found = relation.is_of(&square, &other, other.bounding_rect(), &mut effort).unwrap();
        assert_eq!(found, holds, "{relation:?}");
    }
}
