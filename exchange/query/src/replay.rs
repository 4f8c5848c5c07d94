//! Comparing the rows of an answer with those of the same query, run again.
//!
//! Rows are compared as a multiset, for no query promises an order beyond its own, and floats to 12 digits, for sums come
//! in the order in which partitions end.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::csv;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use catalog_core::{Error, ErrorCode, Result};
use datafusion::sql::sqlparser::ast::{Expr, FunctionArguments, Query, Visit, Visitor};
use exchange_crypto::{Digest, Hasher};
use futures::StreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

use crate::answer::QueryAnswer;
use crate::export::{Format, csv_bytes, lines, plain_batch, plain_schema};
use crate::sql;

/// Rows of an answer that are compared, at most: all of them are held in memory, as hashes, outside what queries share.
const MAX_ROWS: u64 = 2_000_000;
/// Rows that come again beyond as many as the answer has; after them nothing is counted.
const MAX_ADDED: u64 = 100_000;
/// How much two floats may differ, of the greater.
const PRECISION: f64 = 1e-12;
/// How an answer of CKAN's datastore begins; so may a row, which ends in another way than a head.
const CKAN_HEAD: &[u8] = b"{\"help\":\"";
/// Functions that go by an order of rows which a query need not state.
const BY_ORDER: [&str; 10] = [
    "approx_median",
    "approx_percentile_cont",
    "array_agg",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "row_number",
    "string_agg",
];

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Rows of the answer.
    pub rows: u64,
    /// Rows of the answer that the query does not give again; where it was cut, nobody knows.
    pub missing: u64,
    /// Rows that it gives and that are not in the answer; where it was cut, at least so many.
    pub added: u64,
    /// Whether so many more rows came than the answer has that the rest was not read.
    pub cut: bool,
}

/// The reason why a query may rightly give other rows each time, if there is one: what it takes first of what has no order.
pub fn leaves_open(text: &str) -> Result<Option<&'static str>> {
    match sql::parse(text)?.query.visit(&mut Open) {
        ControlFlow::Break(reason) => Ok(Some(reason)),
        ControlFlow::Continue(()) => Ok(None),
    }
}

struct Open;

impl Visitor for Open {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        match query.limit_clause.is_some() || query.fetch.is_some() {
            true => ControlFlow::Break("the query takes some of its rows by LIMIT, and need not say which"),
            false => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<&'static str> {
        match expr {
            Expr::Function(call)
                if !matches!(call.args, FunctionArguments::None)
                    && BY_ORDER.contains(&call.name.to_string().to_lowercase().as_str()) =>
            {
                ControlFlow::Break(
                    "the query calls a function that goes by an order of rows, which it need not say",
                )
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Compares the answer in a file with the rows that its query gives again.
pub async fn compare(mut answer: File, again: QueryAnswer) -> Result<Difference> {
    let schema = plain_schema(&again.schema);
    let format = format_of(&mut answer)?;
    let mut rows = Rows::new(&schema);
    let reading = Arc::clone(&schema);
    let mut rows = tokio::task::spawn_blocking(move || {
        rows.read(answer, format, &reading)?;
        Ok::<_, Error>(rows)
    })
    .await
    .map_err(Error::internal)??;
    let mut records = again.records;
    while let Some(batch) = records.next().await {
        rows.take(&plain_batch(&batch?, &schema)?, format)?;
        let beyond = rows.again.saturating_sub(rows.count);
        if beyond > MAX_ADDED {
            return Ok(Difference { rows: rows.count, missing: 0, added: beyond, cut: true });
        }
    }
    let (missing, added) = rows.unmatched();
    Ok(Difference { rows: rows.count, missing, added, cut: false })
}

/// The format of an answer, by its first bytes: what was asked by `Accept` stands nowhere else.
fn format_of(answer: &mut File) -> Result<Format> {
    let mut start = Vec::new();
    answer.by_ref().take(9).read_to_end(&mut start).map_err(unreadable)?;
    answer.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok(match start.as_slice() {
        [b'P', b'A', b'R', b'1', ..] => Format::Parquet,
        [0xff, 0xff, 0xff, 0xff, ..] => Format::Arrow,
        // Inside CKAN's envelope rows stand as in a document of ours.
        b"{\"data\":[" | CKAN_HEAD => Format::Json,
        [b'P', b'K', 3, 4, ..] => Format::Xlsx,
        [b'{', ..] | [] => Format::JsonLines,
        _ => Format::Csv,
    })
}

/// Rows by the hash of all their cells but floats.
struct Rows {
    names: Vec<String>,
    floats: Vec<bool>,
    /// Rows of the answer.
    count: u64,
    /// Rows that came again.
    again: u64,
    /// Those of them that are like no row of the answer: they are not kept.
    strange: u64,
    known: HashMap<[u8; 32], Alike>,
}

/// Rows that are the same but for their floats, of which each has as many: those of the answer, and those that came again.
#[derive(Default)]
struct Alike {
    rows: [u64; 2],
    /// Their floats, row after row.
    floats: [Vec<f64>; 2],
}

impl Rows {
    fn new(schema: &Schema) -> Self {
        let is_float =
            |field: &Arc<Field>| matches!(field.data_type(), DataType::Float32 | DataType::Float64);
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let floats = schema.fields().iter().map(is_float).collect();
        Self { names, floats, count: 0, again: 0, strange: 0, known: HashMap::new() }
    }

    /// Reads the answer.
    fn read(&mut self, answer: File, format: Format, schema: &SchemaRef) -> Result<()> {
        match format {
            Format::Json | Format::JsonLines => {
                for line in BufReader::new(answer).split(b'\n') {
                    let line = line.map_err(unreadable)?;
                    // A document holds one row a line, between its head and its foot.
                    let row = line.strip_suffix(b",").unwrap_or(&line);
                    let is_frame = format == Format::Json
                        && (row == b"{\"data\":["
                            || row.starts_with(b"]")
                            || row.starts_with(b"{\"data\":[]")
                            || row.starts_with(CKAN_HEAD) && row.ends_with(b"\"records\":["));
                    if !row.is_empty() && !is_frame {
                        self.json_row(row, true)?;
                    }
                }
                Ok(())
            }
            Format::Csv => self.csv(BufReader::new(answer), true, true),
            Format::Arrow => {
                let reader = StreamReader::try_new(BufReader::new(answer), None).map_err(unreadable)?;
                self.batches(reader.map(|batch| batch.map_err(unreadable)), schema)
            }
            Format::GeoJson | Format::Xlsx => Err(not_a_row("files in this format are not compared")),
            Format::Parquet => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(answer).map_err(unreadable)?;
                let reader = reader.build().map_err(unreadable)?;
                self.batches(reader.map(|batch| batch.map_err(unreadable)), schema)
            }
        }
    }

    fn batches(
        &mut self,
        batches: impl Iterator<Item = Result<RecordBatch>>,
        schema: &SchemaRef,
    ) -> Result<()> {
        for batch in batches {
            let batch = batch?;
            if batch.num_columns() != schema.fields().len() {
                return Err(not_a_row("it has other columns"));
            }
            self.json_lines(&plain_batch(&batch, schema)?, true)?;
        }
        Ok(())
    }

    /// Takes rows that came again, written as the answer's format writes them.
    fn take(&mut self, batch: &RecordBatch, format: Format) -> Result<()> {
        match format {
            Format::Csv => self.csv(Cursor::new(csv_bytes(batch, false)?), false, false),
            _ => self.json_lines(batch, false),
        }
    }

    fn json_lines(&mut self, batch: &RecordBatch, is_answer: bool) -> Result<()> {
        let text = lines(batch)?;
        let mut rows = text.split(|byte| *byte == b'\n').filter(|row| !row.is_empty());
        rows.try_for_each(|row| self.json_row(row, is_answer))
    }

    fn json_row(&mut self, row: &[u8], is_answer: bool) -> Result<()> {
        let row: Map<String, Value> =
            serde_json::from_slice(row).map_err(|_| not_a_row("it is no JSON object"))?;
        let cells: Vec<_> = self.names.iter().map(|name| row.get(name).map(Value::to_string)).collect();
        if row.len() != self.names.len() || cells.iter().any(Option::is_none) {
            return Err(not_a_row("it has other columns"));
        }
        self.add(cells.iter().map(|cell| cell.as_deref().unwrap_or_default()), is_answer)
    }

    fn csv(&mut self, text: impl Read, header: bool, is_answer: bool) -> Result<()> {
        let fields = self.names.iter().map(|name| Field::new(name, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let reader = csv::ReaderBuilder::new(schema).with_header(header).build(text).map_err(unreadable)?;
        for batch in reader {
            let batch = batch.map_err(|_| not_a_row("it has other columns"))?;
            let columns: Vec<_> = batch.columns().iter().map(|column| column.as_string::<i32>()).collect();
            for row in 0..batch.num_rows() {
                let cell = |column: &&arrow::array::StringArray| match column.is_null(row) {
                    true => String::new(),
                    false => column.value(row).to_owned(),
                };
                let cells: Vec<_> = columns.iter().map(cell).collect();
                self.add(cells.iter().map(String::as_str), is_answer)?;
            }
        }
        Ok(())
    }

    fn add<'a>(&mut self, cells: impl Iterator<Item = &'a str>, is_answer: bool) -> Result<()> {
        let (mut hasher, mut floats) = (Hasher::new(), Vec::new());
        for (cell, is_float) in cells.zip(&self.floats) {
            match cell.parse::<f64>() {
                Ok(number) if *is_float => floats.push(number),
                _ => {
                    hasher.update(&(cell.len() as u64).to_be_bytes());
                    hasher.update(cell.as_bytes());
                }
            }
        }
        let hash: Digest = hasher.finish();
        match is_answer {
            true => self.count += 1,
            false => self.again += 1,
        }
        if self.count > MAX_ROWS {
            let message = format!("an answer of more than {MAX_ROWS} rows is not compared");
            return Err(Error::new(ErrorCode::LimitRows, message));
        }
        match self.known.get_mut(hash.as_bytes()) {
            Some(alike) => alike.add(&floats, is_answer),
            None if is_answer => self.known.entry(*hash.as_bytes()).or_default().add(&floats, true),
            None => self.strange += 1,
        }
        Ok(())
    }

    /// Rows of the answer without a row that came again, and the other way round.
    fn unmatched(&self) -> (u64, u64) {
        let mut unmatched = (0, self.strange);
        for alike in self.known.values() {
            let (missing, added) = alike.unmatched();
            unmatched = (unmatched.0 + missing, unmatched.1 + added);
        }
        unmatched
    }
}

impl Alike {
    fn add(&mut self, floats: &[f64], is_answer: bool) {
        let [answered, again] = &mut self.floats;
        if is_answer { answered } else { again }.extend_from_slice(floats);
        let [answered, again] = &mut self.rows;
        *(if is_answer { answered } else { again }) += 1;
    }

    fn unmatched(&self) -> (u64, u64) {
        let [answered, again] = self.rows;
        match self.floats[0].len().checked_div(usize::try_from(answered).unwrap_or_default()) {
            None | Some(0) => (answered.saturating_sub(again), again.saturating_sub(answered)),
            Some(width) => {
                let [one, other] = &self.floats;
                apart(one.chunks(width).collect(), other.chunks(width).collect())
            }
        }
    }
}

/// How many of each list have no equal in the other.
fn apart(mut one: Vec<&[f64]>, mut other: Vec<&[f64]>) -> (u64, u64) {
    let in_order = |a: &&[f64], b: &&[f64]| {
        let differing = a.iter().zip(*b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
        differing.unwrap_or_else(|| a.len().cmp(&b.len()))
    };
    one.sort_by(in_order);
    other.sort_by(in_order);
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let (mut missing, mut added) = (0, 0);
    loop {
        match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if are_close(a, b) => {
                one.next();
                other.next();
            }
            (Some(a), Some(b)) if in_order(a, b).is_lt() => {
                one.next();
                missing += 1;
            }
            (_, Some(_)) => {
                other.next();
                added += 1;
            }
            (Some(_), None) => {
                one.next();
                missing += 1;
            }
            (None, None) => return (missing, added),
        }
    }
}

fn are_close(one: &[f64], other: &[f64]) -> bool {
    let close = |a: f64, b: f64| a == b || (a - b).abs() <= PRECISION * a.abs().max(b.abs());
    one.len() == other.len()
        && one.iter().zip(other).all(|(a, b)| close(*a, *b) || a.to_bits() == b.to_bits())
}

fn unreadable(cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidInput, "the answer can't be read in its format").with_internal(cause)
}

fn not_a_row(what: &str) -> Error {
    Error::new(
        ErrorCode::InvalidInput,
        format!("the answer holds a row that its query does not give: {what}"),
    )
}
