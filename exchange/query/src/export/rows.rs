use std::pin::Pin;

use arrow::array::RecordBatch;
use arrow::csv;
use arrow::datatypes::DataType;
use arrow::json::StructMode;
use arrow::json::WriterBuilder as JsonBuilder;
use arrow::json::writer::LineDelimited;
use bytes::Bytes;
use catalog_core::{Error, Result};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::{Format, check, lines};
use crate::answer::QueryAnswer;

/// How rows are written without anything around them, to stand in documents of other protocols: one a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// JSON objects.
    Objects,
    /// JSON arrays, in the order of the columns.
    Lists,
    /// RFC 4180 without a header line. A value may hold line ends of its own.
    Csv,
    /// The same with tabs.
    Tsv,
}

/// The rows of an answer, in pieces of at least one whole row. An error is the last item.
pub fn rows(answer: QueryAnswer, format: RowFormat) -> Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>> {
    let like = match format {
        RowFormat::Objects | RowFormat::Lists => Format::JsonLines,
        RowFormat::Csv | RowFormat::Tsv => Format::Csv,
    };
    if let Err(error) = check(like, &answer.schema) {
        return stream::iter([Err(error)]).boxed();
    }
    let written = move |batch: RecordBatch| {
        let bytes = match format {
            RowFormat::Objects => lines(&batch),
            RowFormat::Lists => lists(&batch),
            RowFormat::Csv => separated(&batch, b','),
            RowFormat::Tsv => separated(&batch, b'\t'),
        };
        std::future::ready(bytes.map(Bytes::from))
    };
    let is_some = |bytes: &Bytes| std::future::ready(!bytes.is_empty());
    answer.records.and_then(written).try_filter(is_some).boxed()
}

/// The columns of an answer with their types by the short names of PostgreSQL.
pub fn column_types(answer: &QueryAnswer) -> Vec<(String, &'static str)> {
    let fields = answer.schema.fields().iter();
    fields.map(|field| (field.name().clone(), short_type(field.data_type()))).collect()
}

fn short_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => "int2",
        DataType::Int32 | DataType::UInt16 => "int4",
        DataType::Int64 | DataType::UInt32 => "int8",
        DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) => "numeric",
        DataType::Float64 => "float8",
        DataType::Float16 | DataType::Float32 => "float4",
        DataType::Boolean => "bool",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytea",
        DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_) => "json",
        _ => "text",
    }
}

fn lists(batch: &RecordBatch) -> Result<Vec<u8>> {
    let builder = JsonBuilder::new().with_explicit_nulls(true).with_struct_mode(StructMode::ListOnly);
    let mut writer = builder.build::<_, LineDelimited>(Vec::new());
    writer.write(batch).map_err(Error::internal)?;
    writer.finish().map_err(Error::internal)?;
    Ok(writer.into_inner())
}

fn separated(batch: &RecordBatch, delimiter: u8) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let builder = csv::WriterBuilder::new().with_header(false).with_delimiter(delimiter);
    builder.build(&mut out).write(batch).map_err(Error::internal)?;
    Ok(out)
}
