//! The one writer of GeoJSON geometries (RFC 7946).

use std::fmt::Write as _;

use geo::{Coord, CoordsIter, Geometry, LineString, Polygon};

/// The geometry as GeoJSON, its coordinates in the order in which they stand, written as JSON writes numbers of double
/// precision elsewhere; `None` where one is not finite, for which JSON has no word.
pub(crate) fn geojson(geometry: &Geometry) -> Option<String> {
    if !geometry.coords_iter().all(|coord| coord.x.is_finite() && coord.y.is_finite()) {
        return None;
    }
    let mut out = String::with_capacity(48);
    write(geometry, &mut out);
    Some(out)
}

fn write(geometry: &Geometry, out: &mut String) {
    match geometry {
        Geometry::Point(point) => object("Point", out, |out| position(point.0, out)),
        Geometry::LineString(line) => object("LineString", out, |out| positions(line, out)),
        Geometry::Polygon(polygon) => object("Polygon", out, |out| rings(polygon, out)),
        Geometry::MultiPoint(points) => {
            object("MultiPoint", out, |out| list(points.iter(), out, |point, out| position(point.0, out)));
        }
        Geometry::MultiLineString(lines) => {
            object("MultiLineString", out, |out| list(lines.iter(), out, positions));
        }
        Geometry::MultiPolygon(polygons) => {
            object("MultiPolygon", out, |out| list(polygons.iter(), out, rings));
        }
        Geometry::GeometryCollection(members) => {
            out.push_str("{\"type\":\"GeometryCollection\",\"geometries\":");
            list(members.iter(), out, write);
            out.push('}');
        }
        Geometry::Line(line) => {
            object("LineString", out, |out| list([line.start, line.end].into_iter(), out, position));
        }
        Geometry::Rect(rect) => object("Polygon", out, |out| rings(&rect.to_polygon(), out)),
        Geometry::Triangle(triangle) => object("Polygon", out, |out| rings(&triangle.to_polygon(), out)),
    }
}

fn object(kind: &str, out: &mut String, coordinates: impl FnOnce(&mut String)) {
    out.push_str("{\"type\":\"");
    out.push_str(kind);
    out.push_str("\",\"coordinates\":");
    coordinates(out);
    out.push('}');
}

fn list<T>(members: impl Iterator<Item = T>, out: &mut String, mut one: impl FnMut(T, &mut String)) {
    out.push('[');
    for (place, member) in members.enumerate() {
        if place > 0 {
            out.push(',');
        }
        one(member, out);
    }
    out.push(']');
}

fn positions(line: &LineString, out: &mut String) {
    list(line.coords().copied(), out, position);
}

fn rings(polygon: &Polygon, out: &mut String) {
    list(std::iter::once(polygon.exterior()).chain(polygon.interiors()), out, positions);
}

/// A finite number in this form is one of JSON, with a point or an exponent, and reads as the same again.
fn position(coord: Coord, out: &mut String) {
    // Writing into a text never fails.
    let _ = write!(out, "[{:?},{:?}]", coord.x, coord.y);
}
