//! Geometries: GeoJSON (RFC 7946) to little-endian WKB, and a check of WKB.

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
    skip_geometry(bytes, None, MAX_DEPTH).is_some_and(<[u8]>::is_empty)
}

/// What follows the geometry, whose type must be `wanted` where that is given.
fn skip_geometry(bytes: &[u8], wanted: Option<u32>, depth: usize) -> Option<&[u8]> {
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
        return rest.get(16..);
    }
    let (members, mut rest) = number(rest, little)?;
    if code == 2 {
        return skip_positions(rest, members);
    }
    for _ in 0..members {
        rest = match code {
            3 => {
                let (positions, rest) = number(rest, little)?;
                skip_positions(rest, positions)?
            }
            4..=6 => skip_geometry(rest, Some(code - 3), depth)?,
            COLLECTION => skip_geometry(rest, None, depth)?,
            _ => return None,
        };
    }
    (3..=COLLECTION).contains(&code).then_some(rest)
}

fn skip_positions(bytes: &[u8], positions: u32) -> Option<&[u8]> {
    bytes.get((positions as usize).checked_mul(16)?..)
}

fn number(bytes: &[u8], little: bool) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((if little { u32::from_le_bytes(*head) } else { u32::from_be_bytes(*head) }, rest))
}
