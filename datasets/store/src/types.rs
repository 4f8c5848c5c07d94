//! Items and Arrow: one table of types for files, queries and exports.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use catalog_core::directory::{InformationItem, ItemKind, ItemType, ValueFormat};

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
