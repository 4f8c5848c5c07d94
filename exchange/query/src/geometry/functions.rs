//! Geometry in SQL, by the names of the OGC's Simple Features. Geometries go in and out as they are stored.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewBuilder, BooleanBuilder, Float64Builder, StringViewBuilder,
};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err, resources_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use geo::orient::{Direction, Orient};
use geo::{
    Area as _, BoundingRect, Centroid, CoordsIter, Distance, Euclidean, Geodesic, GeodesicArea, Geometry,
    Length, Point,
};
use wkt::ToWkt;

use super::effort::Effort;
use super::place::Relation;
use super::{geojson, guarded, read, read_text, written};
use crate::bounded::TEXT_BYTES;
use crate::step::Step;

/// Rows after which the clock is looked at.
const ROWS: usize = 64;

/// What a function takes in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Geometry,
    Number,
    Text,
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Self::Geometry => DataType::BinaryView,
            Self::Number => DataType::Float64,
            Self::Text => DataType::Utf8View,
        }
    }

    fn takes(self, given: &DataType) -> bool {
        match self {
            Self::Geometry => {
                matches!(given, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
            }
            Self::Number => given.is_numeric(),
            Self::Text => matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
        }
    }
}

/// What a function makes of its arguments; NULL where one of them is NULL, or `None`.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// A number of a geometry.
    Measure(fn(&Geometry) -> Option<f64>),
    /// A number of two geometries.
    Between(fn(&Geometry, &Geometry) -> Option<f64>),
    /// How two geometries lie.
    Lies(Relation),
    /// A geometry of another.
    Shape(fn(&Geometry) -> Option<Geometry>),
    /// A text of a geometry.
    Write(fn(&Geometry) -> Option<String>),
    /// A geometry of a text.
    Read,
    /// A point of two numbers.
    Point,
}

impl Work {
    fn takes(self) -> &'static [Kind] {
        match self {
            Self::Measure(_) | Self::Shape(_) | Self::Write(_) => &[Kind::Geometry],
            Self::Between(_) | Self::Lies(_) => &[Kind::Geometry, Kind::Geometry],
            Self::Read => &[Kind::Text],
            Self::Point => &[Kind::Number, Kind::Number],
        }
    }

    fn gives(self) -> DataType {
        match self {
            Self::Measure(_) | Self::Between(_) => DataType::Float64,
            Self::Lies(_) => DataType::Boolean,
            Self::Shape(_) | Self::Read | Self::Point => DataType::BinaryView,
            Self::Write(_) => DataType::Utf8View,
        }
    }
}

/// Every function by its name.
const WORKS: [(&str, Work); 20] = [
    ("st_area", Work::Measure(|shape| Some(shape.unsigned_area()))),
    ("st_area_spheroid", Work::Measure(spheroid_area)),
    ("st_asgeojson", Work::Write(geojson)),
    ("st_astext", Work::Write(|shape| Some(shape.wkt_string()))),
    ("st_centroid", Work::Shape(|shape| shape.centroid().map(Geometry::Point))),
    ("st_contains", Work::Lies(Relation::Contains)),
    ("st_crosses", Work::Lies(Relation::Crosses)),
    ("st_disjoint", Work::Lies(Relation::Disjoint)),
    ("st_distance", Work::Between(|one, other| Some(Euclidean.distance(one, other)))),
    ("st_distance_spheroid", Work::Between(spheroid_distance)),
    ("st_envelope", Work::Shape(|shape| shape.bounding_rect().map(|rect| rect.to_polygon().into()))),
    ("st_equals", Work::Lies(Relation::Equals)),
    ("st_geomfromtext", Work::Read),
    ("st_intersects", Work::Lies(Relation::Intersects)),
    ("st_length", Work::Measure(length)),
    ("st_overlaps", Work::Lies(Relation::Overlaps)),
    ("st_point", Work::Point),
    ("st_within", Work::Lies(Relation::Within)),
    ("st_x", Work::Measure(|shape| point(shape).map(|point| point.x()))),
    ("st_y", Work::Measure(|shape| point(shape).map(|point| point.y()))),
];

pub(super) fn all() -> impl Iterator<Item = Arc<ScalarUDF>> {
    (0..WORKS.len()).map(|place| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::from(Spatial { place, signature }))
    })
}

fn point(shape: &Geometry) -> Option<Point> {
    match shape {
        Geometry::Point(point) => Some(*point),
        _ => None,
    }
}

fn is_in_degrees(shape: &Geometry) -> bool {
    shape.coords_iter().all(|coord| coord.x.abs() <= 180.0 && coord.y.abs() <= 90.0)
}

/// Square metres on the ellipsoid WGS 84. A ring is turned as it must be: the library means by one that is wound the
/// other way all the rest of the earth.
fn spheroid_area(shape: &Geometry) -> Option<f64> {
    if !is_in_degrees(shape) {
        return None;
    }
    Some(match shape {
        Geometry::Polygon(polygon) => polygon.orient(Direction::Default).geodesic_area_unsigned(),
        Geometry::MultiPolygon(polygons) => polygons.orient(Direction::Default).geodesic_area_unsigned(),
        Geometry::GeometryCollection(members) => members.iter().filter_map(spheroid_area).sum(),
        _ => 0.0,
    })
}

/// Metres between two points on the ellipsoid WGS 84.
fn spheroid_distance(one: &Geometry, other: &Geometry) -> Option<f64> {
    let is_on_earth = is_in_degrees(one) && is_in_degrees(other);
    let (one, other) = (point(one)?, point(other)?);
    is_on_earth.then(|| Geodesic.distance(one, other))
}

/// Of lines; other geometries have none.
fn length(shape: &Geometry) -> Option<f64> {
    Some(match shape {
        Geometry::LineString(line) => Euclidean.length(line),
        Geometry::MultiLineString(lines) => Euclidean.length(lines),
        Geometry::Line(line) => Euclidean.length(line),
        _ => 0.0,
    })
}

/// One function of [`WORKS`].
#[derive(Debug, PartialEq, Eq, Hash)]
struct Spatial {
    place: usize,
    signature: Signature,
}

impl ScalarUDFImpl for Spatial {
    fn name(&self) -> &str {
        WORKS[self.place].0
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let takes = WORKS[self.place].1.takes();
        let fits = |(kind, given): (&Kind, &DataType)| given.is_null() || kind.takes(given);
        if takes.len() != given.len() || !takes.iter().zip(given).all(fits) {
            return plan_err!("{} does not take these arguments", self.name());
        }
        Ok(takes.iter().map(|kind| kind.data_type()).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(WORKS[self.place].1.gives())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let values = args.args.iter().map(Values::of).collect::<Result<Vec<_>>>()?;
        let calls = Calls { name: self.name(), rows, values, step: Step::of(&args.config_options) };
        let found = guarded(|| calls.run(WORKS[self.place].1))?;
        match is_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?)),
            false => Ok(ColumnarValue::Array(found)),
        }
    }
}

/// The values of one argument. A constant geometry is read once.
enum Values {
    Same(Option<Geometry>),
    Each(ArrayRef),
}

impl Values {
    fn of(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Scalar(ScalarValue::BinaryView(bytes)) => {
                Self::Same(bytes.as_deref().map(stored).transpose()?)
            }
            ColumnarValue::Scalar(scalar) => Self::Each(scalar.to_array_of_size(1)?),
            ColumnarValue::Array(array) => Self::Each(Arc::clone(array)),
        })
    }

    /// The place of a row's value in an array of all rows, or of one for all of them.
    fn place(array: &ArrayRef, row: usize) -> Option<usize> {
        let place = if array.len() == 1 { 0 } else { row };
        array.is_valid(place).then_some(place)
    }

    fn geometry(&self, row: usize) -> Result<Option<Geometry>> {
        match self {
            Self::Same(geometry) => Ok(geometry.clone()),
            Self::Each(array) => {
                Self::place(array, row).map(|place| stored(array.as_binary_view().value(place))).transpose()
            }
        }
    }

    fn number(&self, row: usize) -> Option<f64> {
        let Self::Each(array) = self else { return None };
        Self::place(array, row).map(|place| array.as_primitive::<Float64Type>().value(place))
    }

    fn text(&self, row: usize) -> Option<&str> {
        let Self::Each(array) = self else { return None };
        Self::place(array, row).map(|place| array.as_string_view().value(place))
    }
}

fn stored(bytes: &[u8]) -> Result<Geometry> {
    match read(bytes) {
        Some(geometry) => Ok(geometry),
        None => exec_err!("these bytes hold no geometry"),
    }
}

/// The calls of one function in one step.
struct Calls<'a> {
    name: &'a str,
    rows: usize,
    values: Vec<Values>,
    step: Option<&'a Step>,
}

impl Calls<'_> {
    fn run(&self, work: Work) -> Result<ArrayRef> {
        Ok(match work {
            Work::Measure(measure) => self.numbers(|row| Ok(self.first(row)?.as_ref().and_then(measure)))?,
            Work::Between(measure) => {
                let mut effort = Effort::of(self.step);
                self.numbers(|row| {
                    let Some((one, other)) = self.first(row)?.zip(self.second(row)?) else { return Ok(None) };
                    effort.spend(&one, &other, false)?;
                    Ok(measure(&one, &other))
                })?
            }
            Work::Lies(relation) => {
                let mut found = BooleanBuilder::with_capacity(self.rows);
                let mut effort = Effort::of(self.step);
                for row in 0..self.rows {
                    let pair = self.first(row)?.zip(self.second(row)?);
                    let lies = pair
                        .map(|(one, other)| relation.is_of(&one, &other, other.bounding_rect(), &mut effort));
                    found.append_option(lies.transpose()?);
                }
                Arc::new(found.finish())
            }
            Work::Shape(make) => self.geometries(|row| Ok(self.first(row)?.as_ref().and_then(make)))?,
            Work::Read => self.geometries(|row| match self.values[0].text(row).map(read_text) {
                Some(None) => exec_err!("the text is no well-known text of a geometry"),
                other => Ok(other.flatten()),
            })?,
            Work::Point => self.geometries(|row| {
                let pair = self.values[0].number(row).zip(self.values[1].number(row));
                let pair = pair.filter(|(x, y)| x.is_finite() && y.is_finite());
                Ok(pair.map(|(x, y)| Geometry::Point(Point::new(x, y))))
            })?,
            Work::Write(write) => {
                let (mut found, mut built) = (StringViewBuilder::new(), 0);
                for row in 0..self.rows {
                    self.go_on(row, built)?;
                    let text = self.first(row)?.as_ref().and_then(write);
                    built += text.as_ref().map_or(0, |text| text.len() as u64);
                    found.append_option(text);
                }
                Arc::new(found.finish())
            }
        })
    }

    fn first(&self, row: usize) -> Result<Option<Geometry>> {
        self.values[0].geometry(row)
    }

    fn second(&self, row: usize) -> Result<Option<Geometry>> {
        self.values[1].geometry(row)
    }

    fn numbers(&self, mut of: impl FnMut(usize) -> Result<Option<f64>>) -> Result<ArrayRef> {
        let mut found = Float64Builder::with_capacity(self.rows);
        for row in 0..self.rows {
            self.go_on(row, 0)?;
            found.append_option(of(row)?);
        }
        Ok(Arc::new(found.finish()))
    }

    fn geometries(&self, of: impl Fn(usize) -> Result<Option<Geometry>>) -> Result<ArrayRef> {
        let (mut found, mut built) = (BinaryViewBuilder::new(), 0);
        for row in 0..self.rows {
            self.go_on(row, built)?;
            let bytes = of(row)?.as_ref().and_then(written);
            built += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            found.append_option(bytes);
        }
        Ok(Arc::new(found.finish()))
    }

    /// Refuses to go on when nobody waits any longer, or when all rows together would take too much memory.
    fn go_on(&self, row: usize, built: u64) -> Result<()> {
        if row.is_multiple_of(ROWS) && self.step.is_some_and(|step| step.stop.is_due()) {
            return exec_err!("the query was stopped");
        }
        // A constant is worked out without a step: it is no longer than a text may get.
        let most = self.step.map_or(TEXT_BYTES, |step| step.call_bytes);
        if built > most {
            return resources_err!("{} would take over {most} bytes in one step", self.name);
        }
        Ok(())
    }
}
