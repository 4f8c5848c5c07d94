//! `information_schema`: what the caller can read now, as tables that SQL joins and filters like others.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, SchemaRef};
use catalog_core::schema::{dictionary, visible};
use catalog_core::{Error, ErrorCode, Result};
use datafusion::datasource::{MemTable, TableProvider};

use crate::tables::OpenTable;

/// The schema in which its tables lie.
pub(crate) const SCHEMA: &str = "information_schema";

/// One dataset that the caller can read, and its columns as SQL gives them.
pub(crate) struct Readable {
    pub(crate) table: OpenTable,
    pub(crate) schema: SchemaRef,
}

/// The table of that name in `information_schema`, with a line for everything readable.
pub(crate) fn table(name: &str, catalog: &str, readable: &[Readable]) -> Result<Arc<dyn TableProvider>> {
    let lines = match name {
        "schemata" => schemata(catalog, readable),
        "tables" => tables(catalog, readable),
        "columns" => columns(catalog, readable),
        _ => {
            let message =
                format!("there is no table {SCHEMA}.{name}; there are schemata, tables and columns");
            return Err(Error::new(ErrorCode::UnknownTable, message));
        }
    };
    let lines = lines.map_err(Error::internal)?;
    let table = MemTable::try_new(lines.schema(), vec![vec![lines]]).map_err(Error::internal)?;
    Ok(Arc::new(table))
}

type Lines = std::result::Result<RecordBatch, arrow::error::ArrowError>;

fn schemata(catalog: &str, readable: &[Readable]) -> Lines {
    let mut names: Vec<&str> =
        readable.iter().map(|one| one.table.dataset.resource.provider.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    batch([
        ("catalog_name", texts(names.iter().map(|_| catalog))),
        ("schema_name", texts(names.iter().copied())),
    ])
}

fn tables(catalog: &str, readable: &[Readable]) -> Lines {
    let resources = || readable.iter().map(|one| &one.table.dataset.resource);
    let kinds = readable.iter().map(|one| match one.table.dataset.granted.policy.statistics {
        Some(_) => "CELLS",
        None => "BASE TABLE",
    });
    let versions = readable.iter().map(|one| one.table.dataset.version.number);
    batch([
        ("table_catalog", texts(resources().map(|_| catalog))),
        ("table_schema", texts(resources().map(|resource| resource.provider.as_str()))),
        ("table_name", texts(resources().map(|resource| resource.sql_name.as_str()))),
        ("table_type", texts(kinds)),
        ("table_title", texts(resources().map(|resource| resource.title.as_str()))),
        ("table_comment", texts(resources().map(|resource| resource.summary.as_str()))),
        ("resource_code", texts(resources().map(|resource| resource.code.as_str()))),
        ("version", Arc::new(versions.collect::<Int64Array>())),
    ])
}

/// One visible column.
struct Line {
    schema: String,
    table: String,
    name: String,
    title: String,
    place: i64,
    nullable: bool,
    data_type: DataType,
    comment: String,
}

fn columns(catalog: &str, readable: &[Readable]) -> Lines {
    let lines: Vec<Line> = readable.iter().flat_map(columns_of).collect();
    let nullable = lines.iter().map(|line| if line.nullable { "YES" } else { "NO" });
    batch([
        ("table_catalog", texts(lines.iter().map(|_| catalog))),
        ("table_schema", texts(lines.iter().map(|line| line.schema.as_str()))),
        ("table_name", texts(lines.iter().map(|line| line.table.as_str()))),
        ("column_name", texts(lines.iter().map(|line| line.name.as_str()))),
        ("ordinal_position", Arc::new(lines.iter().map(|line| line.place).collect::<Int64Array>())),
        ("is_nullable", texts(nullable)),
        ("data_type", texts(lines.iter().map(|line| sql_type(&line.data_type)))),
        ("arrow_type", texts(lines.iter().map(|line| line.data_type.to_string()))),
        ("column_title", texts(lines.iter().map(|line| line.title.as_str()))),
        ("column_comment", texts(lines.iter().map(|line| line.comment.as_str()))),
    ])
}

fn columns_of(readable: &Readable) -> Vec<Line> {
    let dataset = &readable.table.dataset;
    let described = dictionary(&visible(&dataset.resource, &dataset.granted.policy));
    let lines = readable.schema.fields().iter().zip(1..).map(|(field, place)| {
        let known = described.iter().find(|line| line.column == *field.name());
        Line {
            schema: dataset.resource.provider.to_string(),
            table: dataset.resource.sql_name.to_string(),
            name: field.name().clone(),
            title: known.map_or_else(String::new, |line| line.title.clone()),
            place,
            nullable: field.is_nullable(),
            data_type: field.data_type().clone(),
            comment: known.map_or_else(String::new, |line| line.description.clone()),
        }
    });
    lines.collect()
}

/// The type by its name in SQL, as PostgreSQL has it.
fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Decimal128(precision, scale) => format!("numeric({precision},{scale})"),
        DataType::Float64 => "double precision".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp with time zone".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytea".to_owned(),
        other => other.to_string(),
    }
}

fn texts(values: impl Iterator<Item = impl AsRef<str>>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Lines {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, false)))
}
