use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Column, Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use geo::{BoundingRect, CoordsIter, Geometry, Intersects, Point, Rect, Relate};

use super::effort::Effort;
use super::{Area, Shape, guarded, read, written};
use crate::step::Step;

/// How a row's geometry lies to another (OGC Simple Features).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They have a point in common.
    Intersects,
    /// They have none.
    Disjoint,
    /// The row's holds the other.
    Contains,
    /// The other holds the row's.
    Within,
    /// They are the same points.
    Equals,
    /// They meet at their boundaries alone.
    Touches,
    /// They share inner points, and what they share has a smaller dimension than one of them.
    Crosses,
    /// They share a part of their own dimension, and each has another.
    Overlaps,
}

impl Relation {
    fn holds(self, row: &Geometry, other: &Geometry) -> bool {
        match self {
            Self::Intersects => row.intersects(other),
            Self::Disjoint => !row.intersects(other),
            Self::Contains => row.relate(other).is_contains(),
            Self::Within => row.relate(other).is_within(),
            Self::Equals => row.relate(other).is_equal_topo(),
            Self::Touches => row.relate(other).is_touches(),
            Self::Crosses => row.relate(other).is_crosses(),
            Self::Overlaps => row.relate(other).is_overlaps(),
        }
    }

    /// Whether it is asked of crossings, all of which are kept.
    fn keeps_crossings(self) -> bool {
        !matches!(self, Self::Intersects | Self::Disjoint)
    }

    /// Whether it holds; boxes that lie apart say so without a look at the rest.
    ///
    /// # Errors
    /// Where that would take too much, or nobody waits for it.
    pub(super) fn is_of(
        self,
        row: &Geometry,
        other: &Geometry,
        others_box: Option<Rect>,
        effort: &mut Effort<'_>,
    ) -> Result<bool> {
        match row.bounding_rect().zip(others_box) {
            Some((one, other)) if !one.intersects(&other) => {
                effort.look(row.coords_count() as u64)?;
                Ok(self == Self::Disjoint)
            }
            _ => {
                effort.spend(row, other, self.keeps_crossings())?;
                Ok(self.holds(row, other))
            }
        }
    }
}

/// A condition on where rows lie; unknown where a row has no geometry.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// Where a row lies.
    pub shape: Shape,
    /// How it lies.
    pub relation: Relation,
    /// To what.
    pub area: Area,
}

/// The condition as an expression of the engine, over columns that are there and of the right types.
pub(crate) fn related(place: &Located) -> Option<Expr> {
    let column = |name: &String| Expr::Column(Column::from_name(name));
    let columns = match &place.shape {
        Shape::Column(name) => vec![column(name)],
        Shape::Point { longitude, latitude } => vec![column(longitude), column(latitude)],
    };
    let signature = Signature::any(columns.len(), Volatility::Immutable);
    let area = match &place.area.0 {
        Geometry::Rect(rect) => written(&Geometry::Polygon(rect.to_polygon()))?,
        other => written(other)?,
    };
    Some(ScalarUDF::from(Related { relation: place.relation, area, signature }).call(columns))
}

/// Whether rows lie so to an area. It is no function of SQL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Related {
    relation: Relation,
    /// As WKB.
    area: Vec<u8>,
    signature: Signature,
}

impl ScalarUDFImpl for Related {
    fn name(&self) -> &str {
        "related"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(area) = read(&self.area) else { return exec_err!("the area can't be read") };
        let area_box = area.bounding_rect();
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let rows = Rows::of(&columns)?;
        let mut effort = Effort::of(Step::of(&args.config_options));
        let mut found = Vec::with_capacity(args.number_rows);
        for row in 0..columns.first().map_or(0, |column| column.len()) {
            let is_so =
                |geometry: Geometry| guarded(|| self.relation.is_of(&geometry, &area, area_box, &mut effort));
            found.push(rows.at(row).map(is_so).transpose()?);
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(found))))
    }
}

/// The geometries of some rows.
pub(crate) enum Rows {
    Stored(ArrayRef),
    Points(ArrayRef, ArrayRef),
}

impl Rows {
    /// Of one column of bytes, or of two of numbers.
    pub(crate) fn of(columns: &[ArrayRef]) -> Result<Self> {
        Ok(match columns {
            [bytes] => Self::Stored(cast(bytes, &DataType::BinaryView)?),
            [longitude, latitude] => {
                let double = |column| cast(column, &DataType::Float64);
                Self::Points(double(longitude)?, double(latitude)?)
            }
            _ => return exec_err!("a place has one column or two"),
        })
    }

    pub(crate) fn at(&self, row: usize) -> Option<Geometry> {
        match self {
            Self::Stored(bytes) => {
                bytes.is_valid(row).then(|| bytes.as_binary_view().value(row)).and_then(read)
            }
            Self::Points(longitude, latitude) => {
                let number = |column: &ArrayRef| {
                    let value = column.as_primitive::<Float64Type>().value(row);
                    (column.is_valid(row) && value.is_finite()).then_some(value)
                };
                Some(Geometry::Point(Point::new(number(longitude)?, number(latitude)?)))
            }
        }
    }
}
