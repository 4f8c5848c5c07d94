//! Coordinate reference systems. The directory knows of none but degrees of longitude and latitude, so they differ in the
//! order of their axes alone.

use catalog_core::policy::{Filter, Literal, Operand};
use exchange_query::{Area, Condition, Located, Relation, Shape};

use super::collection::Collection;
use crate::extract::invalid;
use crate::problem::Refusal;

/// A coordinate reference system that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crs {
    /// WGS 84, longitude first.
    Crs84,
    /// WGS 84, latitude first.
    Epsg4326,
}

impl Crs {
    pub(super) const ALL: [Self; 2] = [Self::Crs84, Self::Epsg4326];

    pub(super) fn uri(self) -> &'static str {
        match self {
            Self::Crs84 => "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            Self::Epsg4326 => "http://www.opengis.net/def/crs/EPSG/0/4326",
        }
    }

    /// The system that a parameter names; CRS84 where there is none.
    pub(super) fn named(parameter: &str, uri: Option<&str>) -> Result<Self, Refusal> {
        let Some(uri) = uri else { return Ok(Self::Crs84) };
        let found = Self::ALL.into_iter().find(|crs| crs.uri() == uri);
        found.ok_or_else(|| {
            let offered = Self::ALL.map(Self::uri).join(" or ");
            invalid(&format!("`{parameter}` is {offered}"))
        })
    }

    pub(super) fn latitude_first(self) -> bool {
        self == Self::Epsg4326
    }
}

/// Rows that meet a box, `least, least, greatest, greatest` in the order of the axes, with heights between or without.
pub(super) fn meets_box(text: &str, crs: Crs, collection: &Collection) -> Result<Condition, Refusal> {
    let wrong = || invalid("`bbox` is four numbers, or six with heights: the least coordinates first");
    let numbers = text.split(',').map(|number| number.trim().parse::<f64>().ok());
    let numbers = numbers.collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    let boxes = boxes(&numbers, crs).ok_or_else(wrong)?;
    let parts = boxes.into_iter().map(|corners| within(corners, collection));
    parts.collect::<Result<Vec<_>, _>>().map(Condition::Or)
}

/// A box of numbers as boxes of longitude and latitude: two where it lies across the antimeridian.
pub(super) fn boxes(numbers: &[f64], crs: Crs) -> Option<Vec<[f64; 4]>> {
    let corners = match numbers {
        [a, b, c, d] => [*a, *b, *c, *d],
        [a, b, low, c, d, high] if low <= high => [*a, *b, *c, *d],
        _ => return None,
    };
    let [west, south, east, north] = match crs.latitude_first() {
        true => [corners[1], corners[0], corners[3], corners[2]],
        false => corners,
    };
    let is_finite = corners.iter().all(|number| number.is_finite());
    match is_finite && south <= north {
        false => None,
        true if west <= east => Some(vec![[west, south, east, north]]),
        true if west <= 180.0 && east >= -180.0 => {
            Some(vec![[west, south, 180.0, north], [-180.0, south, east, north]])
        }
        true => None,
    }
}

/// Numbers of double precision are compared as they are, which leaves out parts of files; all else by its geometry.
fn within(corners: [f64; 4], collection: &Collection) -> Result<Condition, Refusal> {
    let [west, south, east, north] = corners;
    let between = |column: &String, low: f64, high: f64| {
        let number = |value| Operand::Literal(Literal::Float(value));
        Filter::Between(column.clone(), number(low), number(high))
    };
    match &collection.shape {
        Shape::Point { longitude, latitude } if collection.is_double => {
            let parts = vec![between(longitude, west, east), between(latitude, south, north)];
            Ok(Condition::Values(Filter::And(parts)))
        }
        shape => {
            let area = Area::of_box(corners)?;
            Ok(Condition::Located(Located { shape: shape.clone(), relation: Relation::Intersects, area }))
        }
    }
}
