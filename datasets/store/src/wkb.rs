//! Geometries: GeoJSON (RFC 7946) to little-endian WKB, a check of WKB, and its bounds.

use serde_json::Value;

use crate::geo::GEOMETRY_TYPES;

/// The WKB code of a collection.
const COLLECTION: u32 = 7;
/// Collections may nest this deep.
const MAX_DEPTH: usize = 8;

/// The WKB of a GeoJSON geometry object written as text; `None` where it is no geometry in lon/lat.
pub fn wkb_of_geojson(text: &str) -> Option<Vec<u8>> {
    let geometry: Value = serde_json::from_str(text).ok()?;
    let mut out = Vec::with_capacity(text.len() / 2);
    write(&geometry, MAX_DEPTH, &mut out)?;
    Some(out)
}

fn write(geometry: &Value, depth: usize, out: &mut Vec<u8>) -> Option<()> {
    let name = geometry.get("type")?.as_str()?;
    let (_, code) = GEOMETRY_TYPES.into_iter().find(|(known, _)| *known == name)?;
    if code == COLLECTION {
        let members = geometry.get("geometries")?.as_array()?;
        let depth = depth.checked_sub(1)?;
        header(code, members.len(), out)?;
        return members.iter().try_for_each(|member| write(member, depth, out));
    }
    write_coordinates(code, geometry.get("coordinates")?, out)
}

fn write_coordinates(code: u32, coordinates: &Value, out: &mut Vec<u8>) -> Option<()> {
    if code == 1 {
        out.push(1);
        out.extend_from_slice(&code.to_le_bytes());
        return position(coordinates, out);
    }
    let members = coordinates.as_array()?;
    header(code, members.len(), out)?;
    match code {
        2 if members.len() >= 2 => members.iter().try_for_each(|member| position(member, out)),
        3 => members.iter().try_for_each(|member| ring(member, out)),
        4..=6 => members.iter().try_for_each(|member| write_coordinates(code - 3, member, out)),
        _ => None,
    }
}

fn header(code: u32, members: usize, out: &mut Vec<u8>) -> Option<()> {
    out.push(1);
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&u32::try_from(members).ok()?.to_le_bytes());
    Some(())
}

/// A closed ring of four positions or more.
fn ring(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    let positions = value.as_array()?;
    if positions.len() < 4 || positions.first() != positions.last() {
        return None;
    }
    out.extend_from_slice(&u32::try_from(positions.len()).ok()?.to_le_bytes());
    positions.iter().try_for_each(|member| position(member, out))
}

/// Longitude and latitude; a height is dropped.
fn position(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    let numbers = value.as_array()?;
    let longitude = numbers.first()?.as_f64()?;
    let latitude = numbers.get(1)?.as_f64()?;
    if !(-180.0..=180.0).contains(&longitude) || !(-90.0..=90.0).contains(&latitude) {
        return None;
    }
    out.extend_from_slice(&longitude.to_le_bytes());
    out.extend_from_slice(&latitude.to_le_bytes());
    Some(())
}

/// Whether the bytes are one whole two-dimensional WKB geometry, of either byte order.
pub fn is_wkb(bytes: &[u8]) -> bool {
    walk(bytes, None, MAX_DEPTH, &mut |_, _| {}).is_some_and(<[u8]>::is_empty)
}

/// West, south, east and north of positions.
pub(crate) type Corners = [f64; 4];

/// The bounds of one WKB geometry; `None` where it has no position. What is no number bounds nothing.
pub(crate) fn bounds_of_wkb(bytes: &[u8]) -> Option<Corners> {
    let (least, greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    let [mut west, mut south, mut east, mut north] = [least, least, greatest, greatest];
    walk(bytes, None, MAX_DEPTH, &mut |positions, little| {
        let (numbers, _) = positions.as_chunks::<8>();
        let number =
            |bytes: [u8; 8]| if little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) };
        for [x, y] in numbers.as_chunks::<2>().0 {
            let (x, y) = (number(*x), number(*y));
            (west, south, east, north) = (west.min(x), south.min(y), east.max(x), north.max(y));
        }
    })?;
    (west <= east && south <= north).then_some([west, south, east, north])
}

/// The bounds of both.
pub(crate) fn joined(one: Option<Corners>, other: Option<Corners>) -> Option<Corners> {
    match (one, other) {
        (Some(a), Some(b)) => Some([a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]),
        (one, other) => one.or(other),
    }
}

/// Goes through a geometry, whose type must be `wanted` where that is given: `each` is handed the bytes of positions that
/// stand together, and whether they are little-endian. Answers what follows it.
fn walk<'a>(
    bytes: &'a [u8],
    wanted: Option<u32>,
    depth: usize,
    each: &mut dyn FnMut(&[u8], bool),
) -> Option<&'a [u8]> {
    let depth = depth.checked_sub(1)?;
    let (&order, rest) = bytes.split_first()?;
    if order > 1 {
        return None;
    }
    let little = order == 1;
    let (code, rest) = number(rest, little)?;
    if wanted.is_some_and(|wanted| wanted != code) {
        return None;
    }
    if code == 1 {
        return positions(rest, 1, little, each);
    }
    let (members, mut rest) = number(rest, little)?;
    if code == 2 {
        return positions(rest, members, little, each);
    }
    for _ in 0..members {
        rest = match code {
            3 => {
                let (members, rest) = number(rest, little)?;
                positions(rest, members, little, each)?
            }
            4..=6 => walk(rest, Some(code - 3), depth, each)?,
            COLLECTION => walk(rest, None, depth, each)?,
            _ => return None,
        };
    }
    (3..=COLLECTION).contains(&code).then_some(rest)
}

fn positions<'a>(
    bytes: &'a [u8],
    number: u32,
    little: bool,
    each: &mut dyn FnMut(&[u8], bool),
) -> Option<&'a [u8]> {
    let (positions, rest) = bytes.split_at_checked((number as usize).checked_mul(16)?)?;
    each(positions, little);
    Some(rest)
}

fn number(bytes: &[u8], little: bool) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((if little { u32::from_le_bytes(*head) } else { u32::from_be_bytes(*head) }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_all_positions() {
        let shape = r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[-3,4]},
            {"type":"MultiPolygon","coordinates":[[[[0,0],[5,0],[5,9.5],[0,0]]]]},{"type":"LineString","coordinates":[[1,-2],[0,0]]}]}"#;
        let bytes = wkb_of_geojson(shape).unwrap();
        assert_eq!(bounds_of_wkb(&bytes), Some([-3.0, -2.0, 5.0, 9.5]));
        let big = [vec![0], 1_u32.to_be_bytes().to_vec(), 1_f64.to_be_bytes().repeat(2)].concat();
        assert_eq!(bounds_of_wkb(&big), Some([1.0; 4]));
        let far = [&[1, 1, 0, 0, 0][..], &f64::INFINITY.to_le_bytes(), &0_f64.to_le_bytes()].concat();
        assert_eq!(bounds_of_wkb(&far), Some([f64::INFINITY, 0.0, f64::INFINITY, 0.0]));
        let endless = [vec![1], 2_u32.to_le_bytes().to_vec(), u32::MAX.to_le_bytes().to_vec()].concat();
        for none in [&[][..], &[1, 2, 0, 0, 0, 0, 0, 0, 0], &bytes[..20], &endless] {
            assert_eq!(bounds_of_wkb(none), None, "{none:?}");
        }
    }
}
