//! Items and Arrow: one table of types for files, queries and exports.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int64Array,
    StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use catalog_core::directory::{InformationItem, ItemKind, ItemType, ValueFormat};
use catalog_core::policy::TypedLiteral;

/// The Arrow type of an item, in files and in memory.
///
/// Text is `Utf8View`, decimals are exact, times are microseconds in UTC, a geometry is `Binary` holding WKB.
pub fn arrow_type(item_type: ItemType, format: Option<ValueFormat>) -> DataType {
    if format == Some(ValueFormat::Geometry) {
        return DataType::Binary;
    }
    if let Some((precision, scale)) = item_type.decimal() {
        return DataType::Decimal128(precision, scale);
    }
    match item_type.kind {
        ItemKind::I => DataType::Int64,
        ItemKind::B => DataType::Float64,
        ItemKind::F => DataType::Float32,
        ItemKind::D => DataType::Date32,
        ItemKind::T => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ItemKind::L => DataType::Boolean,
        ItemKind::G => DataType::Binary,
        ItemKind::C | ItemKind::M | ItemKind::N | ItemKind::Y => DataType::Utf8View,
    }
}

/// The Arrow schema of a dataset with these items, in their order, named by their columns.
///
/// Every field is nullable: that a value is required is a rule of validation, and a rule may change while files stay.
pub fn arrow_schema(items: &[InformationItem]) -> Schema {
    schema_of(items.iter().map(|item| (item.column.as_str(), item.item_type, item.format)))
}

pub(crate) fn schema_of<'a>(
    columns: impl Iterator<Item = (&'a str, ItemType, Option<ValueFormat>)>,
) -> Schema {
    let field = |(name, item_type, format)| Field::new(name, arrow_type(item_type, format), true);
    Schema::new(columns.map(field).collect::<Vec<_>>())
}

/// Literals as an array of a column's type, to compare with the column.
///
/// # Errors
/// Where one of them is of another type: then it would be compared with what it can never equal.
pub fn typed_array<'v>(
    literals: impl IntoIterator<Item = &'v TypedLiteral>,
    data_type: &DataType,
) -> Result<ArrayRef, ArrowError> {
    use TypedLiteral as L;
    let literals: Vec<_> = literals.into_iter().collect();
    Ok(match data_type {
        DataType::Utf8View => {
            let texts = all(
                &literals,
                |literal| if let L::Text(text) = literal { Some(text.as_str()) } else { None },
            )?;
            Arc::new(StringViewArray::from_iter_values(texts))
        }
        DataType::Int64 => Arc::new(Int64Array::from(all(&literals, |l| {
            if let L::Int(number) = l { Some(*number) } else { None }
        })?)),
        DataType::Decimal128(digits, after) => {
            let unscaled = all(&literals, |literal| match literal {
                L::Decimal { unscaled, precision, scale } if (precision, scale) == (digits, after) => {
                    Some(*unscaled)
                }
                _ => None,
            })?;
            Arc::new(Decimal128Array::from(unscaled).with_precision_and_scale(*digits, *after)?)
        }
        DataType::Float64 => Arc::new(Float64Array::from(all(&literals, |l| {
            if let L::Double(number) = l { Some(*number) } else { None }
        })?)),
        DataType::Float32 => Arc::new(Float32Array::from(all(&literals, |l| {
            if let L::Float(number) = l { Some(*number) } else { None }
        })?)),
        DataType::Date32 => {
            let day = |literal: &TypedLiteral| match literal {
                L::Date(date) => Some(Date32Type::from_naive_date(*date)),
                _ => None,
            };
            Arc::new(Date32Array::from(all(&literals, day)?))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let times = all(&literals, |l| if let L::Timestamp(time) = l { Some(time.0) } else { None })?;
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone_opt(zone.clone()))
        }
        DataType::Boolean => Arc::new(BooleanArray::from(all(&literals, |l| {
            if let L::Bool(flag) = l { Some(*flag) } else { None }
        })?)),
        _ => return Err(mismatch()),
    })
}

/// The values, if all literals are of the type that is taken.
fn all<'v, T>(
    literals: &[&'v TypedLiteral],
    taken: impl Fn(&'v TypedLiteral) -> Option<T>,
) -> Result<Vec<T>, ArrowError> {
    literals.iter().map(|literal| taken(literal)).collect::<Option<_>>().ok_or_else(mismatch)
}

fn mismatch() -> ArrowError {
    ArrowError::SchemaError("a literal is not of its column's type".to_owned())
}
