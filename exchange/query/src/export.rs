//! Answers as bytes: JSON, JSON Lines, CSV, Arrow IPC stream and Parquet, and as files GeoJSON and sheets too, streamed in
//! bounded memory.
//!
//! No format caps rows. An error ends the byte stream with an error, so that the transfer is aborted and a cut file
//! never looks whole: JSON lacks its closing `"complete": true`, Arrow and Parquet lack their end.

mod file;
mod first;
mod geojson;
mod rows;
mod spark;
#[cfg(test)]
mod tests;
mod xlsx;

use std::mem;
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::csv;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use arrow::json::WriterBuilder as JsonBuilder;
use arrow::json::writer::LineDelimited;
use bytes::Bytes;
use catalog_core::{Error, ErrorCode, Result};
use datasets_store::GeoColumns;
use futures::{Stream, StreamExt, stream};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::answer::{QueryAnswer, Records};
pub use file::ParquetFile;
pub use first::{FirstRows, first_rows};
use geojson::Features;
pub use rows::{RowFormat, column_types, rows};
pub use spark::spark_schema;
pub use xlsx::SHEET_ROWS;
use xlsx::Sheet;

/// Rows of one row group in a Parquet answer.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One document: `{"data": [..], "next": cursor or null, "complete": true}`.
    Json,
    /// One object a line.
    JsonLines,
    /// RFC 4180 with a header line, UTF-8.
    Csv,
    /// Arrow IPC streaming format.
    Arrow,
    /// Parquet.
    Parquet,
    /// GeoJSON (RFC 7946), one feature a line; for rows with a geometry.
    GeoJson,
    /// One sheet of Office Open XML, of [`SHEET_ROWS`] rows at most.
    Xlsx,
}

impl Format {
    /// The formats in which answers are streamed, the default first. A sheet is whole before it is sent; GeoJSON is for files.
    pub const ALL: [Format; 5] =
        [Format::Json, Format::JsonLines, Format::Csv, Format::Arrow, Format::Parquet];

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::GeoJson => "application/geo+json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The file name extension, which is also the name in `?format=`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::GeoJson => "geojson",
            Self::Xlsx => "xlsx",
        }
    }

    /// The format of an answer by extension or media type.
    pub fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        Self::ALL.into_iter().chain([Self::Xlsx]).find(|format| {
            format.extension() == essence || format.media_type().split(';').next() == Some(essence)
        })
    }
}

/// The answer as bytes. An error is the last item; whoever sends the bytes must then abort the transfer.
pub fn encode(answer: QueryAnswer, format: Format) -> Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>> {
    let QueryAnswer { schema, next, geo, total, records, .. } = answer;
    let encoder = check(format, &schema).and_then(|()| Encoder::new(format, &schema, next, total, geo));
    let encoder = match encoder {
        Ok(encoder) => encoder,
        Err(error) => return stream::iter([Err(error)]).boxed(),
    };
    stream::unfold(Some((encoder, records)), |state| async {
        let (mut encoder, mut records): (Encoder, Records) = state?;
        match records.next().await {
            Some(Ok(batch)) => match encoder.batch(&batch) {
                Ok(bytes) => Some((Ok(bytes), Some((encoder, records)))),
                Err(error) => Some((Err(error), None)),
            },
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((encoder.finish(), None)),
        }
    })
    .filter(|bytes| futures::future::ready(!bytes.as_ref().is_ok_and(Bytes::is_empty)))
    .boxed()
}

enum Encoder {
    Json { rows: u64, next: Option<String>, total: Option<u64> },
    JsonLines,
    Csv { header: Option<SchemaRef> },
    Arrow(Box<StreamWriter<Vec<u8>>>, SchemaRef),
    Parquet(Box<ArrowWriter<Vec<u8>>>, SchemaRef, GeoColumns),
    GeoJson(Features),
    Xlsx(Box<Sheet>),
}

impl Encoder {
    fn new(
        format: Format,
        schema: &SchemaRef,
        next: Option<String>,
        total: Option<u64>,
        geo: GeoColumns,
    ) -> Result<Self> {
        let plain = plain_schema(schema);
        Ok(match format {
            Format::Json => Self::Json { rows: 0, next, total },
            Format::JsonLines => Self::JsonLines,
            Format::Csv => Self::Csv { header: Some(Arc::clone(schema)) },
            Format::Arrow => {
                let writer = StreamWriter::try_new(Vec::new(), &plain).map_err(Error::internal)?;
                Self::Arrow(Box::new(writer), plain)
            }
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(Error::internal)?))
                    .build();
                let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&plain), Some(properties))
                    .map_err(Error::internal)?;
                Self::Parquet(Box::new(writer), plain, geo)
            }
            Format::GeoJson => Self::GeoJson(Features::new(&geo)?),
            Format::Xlsx => Self::Xlsx(Box::new(Sheet::new(schema)?)),
        })
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        match self {
            Self::Json { rows, .. } => {
                let mut out = Vec::new();
                for line in lines(batch)?.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    out.extend_from_slice(if *rows == 0 { b"{\"data\":[\n" } else { b",\n" });
                    out.extend_from_slice(line);
                    *rows += 1;
                }
                Ok(out.into())
            }
            Self::JsonLines => lines(batch).map(Bytes::from),
            Self::Csv { header } => csv_bytes(batch, header.take().is_some()),
            Self::Arrow(writer, schema) => {
                writer.write(&plain_batch(batch, schema)?).map_err(Error::internal)?;
                Ok(mem::take(writer.get_mut()).into())
            }
            Self::Parquet(writer, schema, geo) => {
                let batch = plain_batch(batch, schema)?;
                geo.note(&batch);
                writer.write(&batch).map_err(Error::internal)?;
                Ok(mem::take(writer.inner_mut()).into())
            }
            Self::GeoJson(features) => features.batch(batch),
            Self::Xlsx(sheet) => sheet.batch(batch),
        }
    }

    fn finish(self) -> Result<Bytes> {
        match self {
            Self::Json { rows, next, total } => {
                let open = if rows == 0 { "{\"data\":[" } else { "\n" };
                let next = serde_json::to_string(&next).map_err(Error::internal)?;
                let total = total.map(|total| format!("\"total\":{total},")).unwrap_or_default();
                Ok(format!("{open}],{total}\"next\":{next},\"complete\":true}}\n").into())
            }
            Self::JsonLines => Ok(Bytes::new()),
            Self::Csv { header: Some(schema) } => csv_bytes(&RecordBatch::new_empty(schema), true),
            Self::Csv { header: None } => Ok(Bytes::new()),
            Self::Arrow(mut writer, _) => {
                writer.finish().map_err(Error::internal)?;
                Ok(mem::take(writer.get_mut()).into())
            }
            Self::Parquet(mut writer, _, geo) => {
                if let Some(geo) = geo.metadata() {
                    writer.append_key_value_metadata(KeyValue::new("geo".to_owned(), geo));
                }
                writer.finish().map_err(Error::internal)?;
                Ok(mem::take(writer.inner_mut()).into())
            }
            Self::GeoJson(features) => Ok(features.finish()),
            Self::Xlsx(sheet) => sheet.finish(),
        }
    }
}

/// Refuses a format that can't hold the types of the answer, before anything of it is sent.
fn check(format: Format, schema: &SchemaRef) -> Result<()> {
    // Properties are JSON.
    let format = if format == Format::GeoJson { Format::JsonLines } else { format };
    if holds(format, schema.fields()) {
        return Ok(());
    }
    let others = Format::ALL.into_iter().filter(|other| holds(*other, schema.fields()));
    let others: Vec<&str> = others.map(Format::extension).collect();
    let culprit = schema.fields().iter().find(|field| !holds(format, std::slice::from_ref(*field)));
    let message = format!(
        "{} can't hold the type of `{}`; cast it to text, or ask for one of: {}",
        format.extension(),
        culprit.map_or("", |field| field.name()),
        others.join(", ")
    );
    Err(Error::new(ErrorCode::UnsupportedFormat, message))
}

/// Whether a row of nothing but NULL can be written.
fn holds(format: Format, fields: &[FieldRef]) -> bool {
    let fields: Vec<Field> = fields.iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    let nothing = fields.iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    let Ok(row) = RecordBatch::try_new(Arc::new(Schema::new(fields)), nothing) else { return true };
    let encoder = Encoder::new(format, row.schema_ref(), None, None, GeoColumns::default());
    encoder.and_then(|mut encoder| encoder.batch(&row)).is_ok()
}

/// One JSON object a line; NULL is written out, so that every row has every column.
pub(crate) fn lines(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = JsonBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(batch).map_err(Error::internal)?;
    writer.finish().map_err(Error::internal)?;
    Ok(writer.into_inner())
}

pub(crate) fn csv_bytes(batch: &RecordBatch, header: bool) -> Result<Bytes> {
    let mut out = Vec::new();
    csv::WriterBuilder::new().with_header(header).build(&mut out).write(batch).map_err(Error::internal)?;
    Ok(out.into())
}

/// Views are how the engine holds text; many readers of Arrow data don't know them yet.
pub(crate) fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8View => DataType::Utf8,
            DataType::BinaryView => DataType::Binary,
            other => other.clone(),
        };
        Field::new(field.name(), data_type, field.is_nullable())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

pub(crate) fn plain_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns =
        columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<Vec<_>, _>>();
    RecordBatch::try_new(Arc::clone(schema), columns.map_err(Error::internal)?).map_err(Error::internal)
}
