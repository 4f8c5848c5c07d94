//! County polygons of the three prefectures, under their present codes.

use serde_json::{Value, json};

use crate::divisions::Divisions;
use crate::error::Error;

/// Prefecture code and GeoJSON of its counties.
const FILES: [(&str, &str); 3] = [
    ("360400", include_str!("../data/boundaries/jiujiang-360400.geojson")),
    ("420200", include_str!("../data/boundaries/huangshi-420200.geojson")),
    ("450400", include_str!("../data/boundaries/wuzhou-450400.geojson")),
];

/// One county's outline.
#[derive(Debug, Clone, PartialEq)]
pub struct Boundary {
    /// County code in force.
    pub code: String,
    /// The county's present name.
    pub name: &'static str,
    /// Code under which the outline was drawn, of its own year.
    pub outline_code: String,
    /// A point that stands for the county: longitude and latitude in degrees.
    pub centre: [f64; 2],
    /// Polygon or MultiPolygon as GeoJSON, longitude before latitude, datum not stated.
    pub geometry: Value,
    rings: Vec<Vec<[f64; 2]>>,
}

/// The counties of a prefecture in order of codes; none for prefectures other than 360400, 420200 and 450400.
///
/// # Errors
/// [`Error::Boundaries`] if the embedded file is damaged.
pub fn boundaries(prefecture: &str) -> Result<Vec<Boundary>, Error> {
    let Some((_, text)) = FILES.iter().find(|(code, _)| *code == prefecture) else { return Ok(Vec::new()) };
    let file: Value = serde_json::from_str(text).map_err(|error| Error::Boundaries(error.to_string()))?;
    let features = file["features"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut all = features.iter().map(boundary).collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|one, other| one.code.cmp(&other.code));
    Ok(all)
}

/// The same as a GeoJSON FeatureCollection whose properties are the items of the boundary dataset.
///
/// # Errors
/// As [`boundaries`].
pub fn boundaries_geojson(prefecture: &str) -> Result<String, Error> {
    let features: Vec<Value> = boundaries(prefecture)?
        .into_iter()
        .map(|county| {
            json!({
                "type": "Feature",
                "id": county.code,
                "properties": {
                    "code": county.code,
                    "name": county.name,
                    "prefecture_code": prefecture,
                    "outline_code": county.outline_code,
                    "longitude": county.centre[0],
                    "latitude": county.centre[1],
                },
                "geometry": county.geometry,
            })
        })
        .collect();
    Ok(json!({ "type": "FeatureCollection", "features": features }).to_string())
}

fn boundary(feature: &Value) -> Result<Boundary, Error> {
    let missing = |what: &str| Error::Boundaries(format!("a feature has no {what}"));
    let outline_code = feature["id"].as_str().ok_or_else(|| missing("id"))?;
    let divisions = Divisions::load();
    let code = divisions.present_code(outline_code);
    let name = divisions.get(code).ok_or_else(|| missing("county in force"))?.name;
    let centre = &feature["properties"]["cp"];
    let degrees = |axis: usize| centre[axis].as_f64().ok_or_else(|| missing("centre"));
    Ok(Boundary {
        code: code.to_owned(),
        name,
        outline_code: outline_code.to_owned(),
        centre: [degrees(0)?, degrees(1)?],
        geometry: feature["geometry"].clone(),
        rings: rings(&feature["geometry"]),
    })
}

impl Boundary {
    /// Whether a point lies inside: the even-odd rule over all rings.
    pub fn contains(&self, [x, y]: [f64; 2]) -> bool {
        let mut inside = false;
        for ring in &self.rings {
            for side in ring.windows(2) {
                let ([x1, y1], [x2, y2]) = (side[0], side[1]);
                if (y1 > y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 {
                    inside = !inside;
                }
            }
        }
        inside
    }
}

/// All rings of a Polygon or MultiPolygon.
fn rings(geometry: &Value) -> Vec<Vec<[f64; 2]>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let polygons = match geometry["type"].as_str() {
        Some("MultiPolygon") => list(&geometry["coordinates"]),
        _ => vec![geometry["coordinates"].clone()],
    };
    let corner = |corner: &Value| Some([corner[0].as_f64()?, corner[1].as_f64()?]);
    let ring = |ring: Value| list(&ring).iter().filter_map(corner).collect();
    polygons.iter().flat_map(list).map(ring).collect()
}
