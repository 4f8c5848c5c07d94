//! Where rows lie: by which columns, within which bounds, and how near to each other.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use catalog_core::directory::{InformationItem, Opening, Resource, Sharing, ValueFormat};
use catalog_core::{ColumnName, Result};
use serde::{Deserialize, Serialize};

use crate::Part;
use crate::wkb::{Corners, bounds_of_wkb, joined};

type Arrow<T> = std::result::Result<T, ArrowError>;

/// Rows of a part that share a [`Bounds`].
pub const STRETCH_ROWS: u64 = 1 << 14;
/// Bounds are told in so many parts of a degree, or of whatever coordinates count.
const PARTS: f64 = 1e6;
/// The greatest number whose neighbours JSON can tell apart.
const GREATEST: f64 = 9_007_199_254_740_991.0;

/// West, south, east and north of some rows in millionths, rounded outwards, each from -(2^53 - 1) to 2^53 - 1.
pub type Bounds = [i64; 4];

/// The bounds of each [`STRETCH_ROWS`] of a part's rows; `None` where none of them lies anywhere.
pub type Boxes = Vec<Option<Bounds>>;

/// How the rows of a version stand by where they lie: among those with equal sort columns along a curve on which neighbours
/// are near to each other, and only then by the hash of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The column of geometries, or those of longitude and latitude.
    pub columns: Vec<ColumnName>,
    /// By the path of the part.
    pub boxes: BTreeMap<String, Boxes>,
}

impl Places {
    /// Rows that lie so; nothing is told of any part yet.
    pub fn new(shape: &Shape) -> Result<Self> {
        let columns = shape.columns().into_iter().map(ColumnName::new).collect::<Result<_>>()?;
        Ok(Self { columns, boxes: BTreeMap::new() })
    }

    /// Where rows lie.
    pub fn shape(&self) -> Option<Shape> {
        match self.columns.as_slice() {
            [geometry] => Some(Shape::Column(geometry.to_string())),
            [longitude, latitude] => {
                Some(Shape::Point { longitude: longitude.to_string(), latitude: latitude.to_string() })
            }
            _ => None,
        }
    }

    /// The same with what is known of these parts alone.
    pub fn of_parts(&self, parts: &[Part]) -> Self {
        let known = parts.iter().filter_map(|part| self.boxes.get_key_value(&part.path));
        let boxes = known.map(|(path, boxes)| (path.clone(), boxes.clone())).collect();
        Self { columns: self.columns.clone(), boxes }
    }
}

/// Where a row lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Shape {
    /// In a column of geometries.
    Column(String),
    /// In two columns of numbers.
    Point {
        /// Degrees east.
        longitude: String,
        /// Degrees north.
        latitude: String,
    },
}

impl Shape {
    /// Where rows with these items lie: in the first geometry, else at the first longitude and latitude.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a InformationItem>) -> Option<Self> {
        let items: Vec<&InformationItem> = items.into_iter().collect();
        let of = |format| {
            items.iter().find(|item| item.format == Some(format)).map(|item| item.column.to_string())
        };
        of(ValueFormat::Geometry).map(Self::Column).or_else(|| {
            let (longitude, latitude) = of(ValueFormat::Longitude).zip(of(ValueFormat::Latitude))?;
            Some(Self::Point { longitude, latitude })
        })
    }

    /// The places along which a resource's rows may stand, and of which its manifests may tell: those that a sort column may
    /// hold, open or shared without condition and not personal.
    pub fn shared(resource: &Resource) -> Option<Self> {
        let is_shared = |item: &&InformationItem| {
            let shared = item.sharing == Sharing::Unconditional || item.opening == Opening::Open;
            shared && !item.personal && resource.subject.as_ref() != Some(&item.column)
        };
        Self::of(resource.items.iter().filter(is_shared))
    }

    /// Its columns.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Column(name) => vec![name],
            Self::Point { longitude, latitude } => vec![longitude, latitude],
        }
    }

    /// The corners of each row; `None` where it lies nowhere.
    fn corners(&self, batch: &RecordBatch) -> Arrow<Vec<Option<Corners>>> {
        let column = |name: &String, data_type| -> Arrow<ArrayRef> {
            let missing = || ArrowError::SchemaError("rows lack a column of places".to_owned());
            cast(batch.column_by_name(name).ok_or_else(missing)?, data_type)
        };
        Ok(match self {
            Self::Column(name) => {
                let values = column(name, &DataType::Binary)?;
                values.as_binary::<i32>().iter().map(|bytes| bytes.and_then(bounds_of_wkb)).collect()
            }
            Self::Point { longitude, latitude } => {
                let (x, y) = (column(longitude, &DataType::Float64)?, column(latitude, &DataType::Float64)?);
                let numbers = |column: &ArrayRef| column.as_primitive::<Float64Type>().clone();
                let (x, y) = (numbers(&x), numbers(&y));
                let corners = |row| {
                    let is_there = x.is_valid(row) && y.is_valid(row);
                    let (x, y) = (x.value(row), y.value(row));
                    (is_there && x.is_finite() && y.is_finite()).then_some([x, y, x, y])
                };
                (0..batch.num_rows()).map(corners).collect()
            }
        })
    }

    /// Where each row stands on a curve through all degrees on which neighbours are near to each other; NULL where it lies
    /// nowhere.
    pub fn along_curve(&self, batch: &RecordBatch) -> Arrow<UInt64Array> {
        let corners = self.corners(batch)?.into_iter();
        Ok(corners.map(|corners| corners.map(middle).map(|(x, y)| on_curve(x, y))).collect())
    }
}

/// The bounds of the rows of one part, stretch by stretch.
#[derive(Debug, Clone)]
pub struct Stretches {
    shape: Shape,
    rows: u64,
    open: Option<Corners>,
    done: Boxes,
}

impl Stretches {
    /// Of rows that lie so, nothing written yet.
    pub fn new(shape: Shape) -> Self {
        Self { shape, rows: 0, open: None, done: Vec::new() }
    }

    /// Notes the next rows.
    pub fn note(&mut self, batch: &RecordBatch) -> Arrow<()> {
        for corners in self.shape.corners(batch)? {
            self.open = joined(self.open, corners);
            self.rows += 1;
            if self.rows.is_multiple_of(STRETCH_ROWS) {
                self.done.push(self.open.take().map(bounds));
            }
        }
        Ok(())
    }

    /// The bounds of all stretches.
    pub fn finish(mut self) -> Boxes {
        if !self.rows.is_multiple_of(STRETCH_ROWS) {
            self.done.push(self.open.take().map(bounds));
        }
        self.done
    }
}

/// Corners as bounds. What meets as corners meets as bounds: multiplying and rounding keep the order of numbers.
pub fn bounds([west, south, east, north]: [f64; 4]) -> Bounds {
    let part = |number: f64| number.clamp(-GREATEST, GREATEST) as i64;
    let (least, greatest) =
        (|number: f64| part((number * PARTS).floor()), |number: f64| part((number * PARTS).ceil()));
    [least(west), least(south), greatest(east), greatest(north)]
}

/// Whether two bounds have a point in common.
pub fn meet([west, south, east, north]: Bounds, other: Bounds) -> bool {
    west <= other[2] && south <= other[3] && other[0] <= east && other[1] <= north
}

/// The middle as parts of all degrees.
fn middle([west, south, east, north]: Corners) -> (u32, u32) {
    let part = |degrees: f64, all: f64| ((degrees / all + 0.5) * f64::from(u32::MAX)) as u32;
    (part(west.midpoint(east), 360.0), part(south.midpoint(north), 180.0))
}

/// The place of a point on Hilbert's curve of order 32.
fn on_curve(mut x: u32, mut y: u32) -> u64 {
    let mut place = 0;
    for bit in (0..32).rev() {
        let (right, upper) = ((x >> bit) & 1, (y >> bit) & 1);
        place = (place << 2) | u64::from((3 * right) ^ upper);
        if upper == 0 {
            if right == 1 {
                (x, y) = (!x, !y);
            }
            (x, y) = (y, x);
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BinaryArray, Decimal128Array, Float64Array};
    use proptest::prelude::*;

    use super::*;

    /// A walk along the curve takes each cell once, and steps from one to the next.
    #[test]
    fn the_curve_goes_from_neighbour_to_neighbour() {
        let cells = (0..64_u32).map(|number| (number % 8, number / 8));
        let mut walk: Vec<_> = cells.map(|(x, y)| (on_curve(x << 29, y << 29), x, y)).collect();
        walk.sort_unstable();
        for pair in walk.windows(2) {
            let ((one, x, y), (other, to_x, to_y)) = (pair[0], pair[1]);
            assert!(one < other && x.abs_diff(to_x) + y.abs_diff(to_y) == 1, "{pair:?}");
        }
        assert_eq!((on_curve(0, 0), on_curve(u32::MAX, 0)), (0, u64::MAX));
        assert_eq!(middle([-180.0, -90.0, -180.0, -90.0]), (0, 0));
        assert_eq!(middle([1e300, f64::INFINITY, 1e300, f64::INFINITY]), (u32::MAX, u32::MAX));
    }

    proptest! {
        #[test]
        fn what_meets_as_corners_meets_as_bounds(
            one in prop::array::uniform4(-400.0..400.0_f64),
            other in prop::array::uniform4(-400.0..400.0_f64),
        ) {
            let ordered = |[a, b, c, d]: Corners| [a.min(c), b.min(d), a.max(c), b.max(d)];
            let (one, other) = (ordered(one), ordered(other));
            let touching = [one[2], one[3], one[2] + other[2].abs(), one[3] + other[3].abs()];
            prop_assert!(meet(bounds(one), bounds(touching)));
            let meets = one[0] <= other[2] && one[1] <= other[3] && other[0] <= one[2] && other[1] <= one[3];
            prop_assert!(!meets || meet(bounds(one), bounds(other)));
        }
    }

    #[test]
    fn stretches_have_bounds_of_their_own() {
        let rows = STRETCH_ROWS as usize + 3;
        let x: ArrayRef = Arc::new(Float64Array::from_iter((0..rows).map(|row| match row {
            0 => Some(f64::NAN),
            row if row < STRETCH_ROWS as usize => Some(-1.5),
            row => (row % 2 == 0).then_some(2.0),
        })));
        let y: ArrayRef =
            Arc::new(Decimal128Array::from(vec![12_345_678; rows]).with_precision_and_scale(9, 7).unwrap());
        let batch = RecordBatch::try_from_iter([("x", x), ("y", y)]).unwrap();
        let shape = Shape::Point { longitude: "x".to_owned(), latitude: "y".to_owned() };
        let mut stretches = Stretches::new(shape.clone());
        stretches.note(&batch.slice(0, 5)).unwrap();
        stretches.note(&batch.slice(5, rows - 5)).unwrap();
        let expected =
            [[-1_500_000, 1_234_567, -1_500_000, 1_234_568], [2_000_000, 1_234_567, 2_000_000, 1_234_568]];
        assert_eq!(stretches.finish(), expected.map(Some));
        let places = shape.along_curve(&batch).unwrap();
        assert!(places.is_null(0) && places.value(1) < places.value(STRETCH_ROWS as usize));

        let empty = [&[1, 1, 0, 0, 0][..], &f64::NAN.to_le_bytes().repeat(2)].concat();
        let values: ArrayRef = Arc::new(BinaryArray::from(vec![None, Some(empty.as_slice())]));
        let batch = RecordBatch::try_from_iter([("shape", values)]).unwrap();
        let mut nowhere = Stretches::new(Shape::Column("shape".to_owned()));
        nowhere.note(&batch).unwrap();
        assert_eq!(nowhere.finish(), [None]);
        assert!(Stretches::new(Shape::Column("other".to_owned())).note(&batch).is_err());
    }
}
