//! Geometries as GeoJSON (RFC 7946) from the WKB in which they are stored.

use std::fmt::Write as _;

use crate::GEOMETRY_TYPES;

/// The WKB code of a collection.
const COLLECTION: u32 = 7;
/// Collections may nest this deep.
const MAX_DEPTH: usize = 8;

/// The GeoJSON geometry object of one whole two-dimensional WKB geometry, of either byte order; `None` where it is none.
pub fn geojson_of_wkb(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len() * 2 + 32);
    let mut reader = Reader { bytes, little: true };
    reader.geometry(None, MAX_DEPTH, &mut out)?;
    reader.bytes.is_empty().then_some(out)
}

struct Reader<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl Reader<'_> {
    /// A geometry with its head. As a member of a geometry of type `member_of` it is written as its coordinates alone.
    fn geometry(&mut self, member_of: Option<u32>, depth: usize, out: &mut String) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.little = match self.take::<1>()? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let code = self.number()?;
        if member_of.is_some() {
            return (member_of == Some(code + 3))
                .then_some(())
                .and_then(|()| self.coordinates(code, depth, out));
        }
        let (name, _) = GEOMETRY_TYPES.into_iter().find(|(_, known)| *known == code)?;
        if code == COLLECTION {
            write!(out, "{{\"type\":\"{name}\",\"geometries\":").ok()?;
            self.list(out, |reader, out| reader.geometry(None, depth, out))?;
        } else {
            write!(out, "{{\"type\":\"{name}\",\"coordinates\":").ok()?;
            self.coordinates(code, depth, out)?;
        }
        out.push('}');
        Some(())
    }

    fn coordinates(&mut self, code: u32, depth: usize, out: &mut String) -> Option<()> {
        match code {
            1 => self.position(out),
            2 => self.list(out, Self::position),
            3 => self.list(out, |reader, out| reader.list(out, Self::position)),
            4..=6 => self.list(out, |reader, out| reader.geometry(Some(code), depth, out)),
            _ => None,
        }
    }

    fn list(
        &mut self,
        out: &mut String,
        mut member: impl FnMut(&mut Self, &mut String) -> Option<()>,
    ) -> Option<()> {
        out.push('[');
        for place in 0..self.number()? {
            if place > 0 {
                out.push(',');
            }
            member(self, out)?;
        }
        out.push(']');
        Some(())
    }

    fn position(&mut self, out: &mut String) -> Option<()> {
        let (longitude, latitude) = (self.float()?, self.float()?);
        write!(out, "[{longitude},{latitude}]").ok()
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take()?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// JSON has no word for what is no number.
    fn float(&mut self) -> Option<f64> {
        let bytes = self.take()?;
        let float = if self.little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) };
        float.is_finite().then_some(float)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(code: u32, rest: &[Vec<u8>]) -> Vec<u8> {
        [vec![1], code.to_le_bytes().to_vec(), rest.concat()].concat()
    }

    fn position(longitude: f64, latitude: f64) -> Vec<u8> {
        [longitude.to_le_bytes(), latitude.to_le_bytes()].concat()
    }

    fn list(members: &[Vec<u8>]) -> Vec<u8> {
        [(members.len() as u32).to_le_bytes().to_vec(), members.concat()].concat()
    }

    #[test]
    fn each_type_is_written_as_the_standard_has_it() {
        let point = geometry(1, &[position(115.9, 29.75)]);
        let ring = list(&[position(0.0, 0.0), position(1.0, 0.0), position(0.0, 1.0), position(0.0, 0.0)]);
        let polygon = geometry(3, &[list(&[ring])]);
        let line = geometry(2, &[list(&[position(0.0, 0.0), position(-1.5, 2.0)])]);
        let written = |wkb: &[u8]| geojson_of_wkb(wkb).unwrap_or_default();
        assert_eq!(written(&point), r#"{"type":"Point","coordinates":[115.9,29.75]}"#);
        assert_eq!(written(&line), r#"{"type":"LineString","coordinates":[[0,0],[-1.5,2]]}"#);
        assert_eq!(written(&polygon), r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,1],[0,0]]]}"#);
        let several = geometry(6, &[list(&[polygon.clone(), polygon])]);
        assert_eq!(
            written(&several),
            r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[0,1],[0,0]]],[[[0,0],[1,0],[0,1],[0,0]]]]}"#
        );
        let all = geometry(7, &[list(&[point.clone(), line])]);
        let members = [written(&point), r#"{"type":"LineString","coordinates":[[0,0],[-1.5,2]]}"#.to_owned()];
        assert_eq!(
            written(&all),
            format!("{{\"type\":\"GeometryCollection\",\"geometries\":[{}]}}", members.join(","))
        );
        assert_eq!(written(&geometry(7, &[list(&[])])), r#"{"type":"GeometryCollection","geometries":[]}"#);
        let big = [vec![0], 1_u32.to_be_bytes().to_vec(), 1_f64.to_be_bytes().repeat(2)].concat();
        assert_eq!(written(&big), r#"{"type":"Point","coordinates":[1,1]}"#);
    }

    #[test]
    fn what_is_no_geometry_is_none() {
        let point = geometry(1, &[position(1.0, 2.0)]);
        let nested = (0..20).fold(point.clone(), |inner, _| geometry(7, &[list(&[inner])]));
        let wrong_member = geometry(4, &[list(&[geometry(2, &[list(&[])])])]);
        let endless = [vec![1], 2_u32.to_le_bytes().to_vec(), u32::MAX.to_le_bytes().to_vec()].concat();
        for wrong in [
            &[][..],
            &[7],
            &point[..10],
            &[point.clone(), vec![0]].concat(),
            &geometry(1, &[position(f64::NAN, 0.0)]),
            &geometry(9, &[]),
            &nested,
            &wrong_member,
            &endless,
        ] {
            assert_eq!(geojson_of_wkb(wrong), None, "{wrong:?}");
        }
    }
}
