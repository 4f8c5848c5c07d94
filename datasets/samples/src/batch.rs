//! Rows into a record batch, cell by cell, checked against the table's schema.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, RecordBatch,
    StringViewBuilder, TimestampMicrosecondBuilder,
};

use crate::error::Error;
use crate::table::{Kind, Table};

/// One value of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Null,
    Text(&'a str),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 UTC.
    Time(i64),
    /// Hundredths.
    Decimal(i64),
    Integer(i64),
    Double(f64),
    Flag(bool),
}

/// A value or its absence.
pub(crate) fn or_null<'a, T>(value: Option<T>, cell: impl FnOnce(T) -> Cell<'a>) -> Cell<'a> {
    value.map_or(Cell::Null, cell)
}

enum Builder {
    Text(StringViewBuilder),
    Date(Date32Builder),
    Time(TimestampMicrosecondBuilder),
    Decimal(Decimal128Builder),
    Integer(Int64Builder),
    Double(Float64Builder),
    Flag(BooleanBuilder),
}

impl Builder {
    fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::Text => Self::Text(StringViewBuilder::with_capacity(rows)),
            Kind::Date => Self::Date(Date32Builder::with_capacity(rows)),
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC")),
            Kind::Decimal => {
                Self::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(kind.arrow()))
            }
            Kind::Integer => Self::Integer(Int64Builder::with_capacity(rows)),
            Kind::Double => Self::Double(Float64Builder::with_capacity(rows)),
            Kind::Flag => Self::Flag(BooleanBuilder::with_capacity(rows)),
        }
    }

    /// Appends a cell; false if it is of another kind.
    fn push(&mut self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (Self::Text(column), Cell::Text(value)) => column.append_value(value),
            (Self::Text(column), Cell::Null) => column.append_null(),
            (Self::Date(column), Cell::Date(value)) => column.append_value(value),
            (Self::Date(column), Cell::Null) => column.append_null(),
            (Self::Time(column), Cell::Time(value)) => column.append_value(value),
            (Self::Decimal(column), Cell::Decimal(value)) => column.append_value(i128::from(value)),
            (Self::Decimal(column), Cell::Null) => column.append_null(),
            (Self::Integer(column), Cell::Integer(value)) => column.append_value(value),
            (Self::Double(column), Cell::Double(value)) => column.append_value(value),
            (Self::Double(column), Cell::Null) => column.append_null(),
            (Self::Flag(column), Cell::Flag(value)) => column.append_value(value),
            _ => return false,
        }
        true
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut column) => Arc::new(column.finish()),
            Self::Date(mut column) => Arc::new(column.finish()),
            Self::Time(mut column) => Arc::new(column.finish()),
            Self::Decimal(mut column) => Arc::new(column.finish()),
            Self::Integer(mut column) => Arc::new(column.finish()),
            Self::Double(mut column) => Arc::new(column.finish()),
            Self::Flag(mut column) => Arc::new(column.finish()),
        }
    }
}

/// The rows of one batch while they are made.
pub(crate) struct Rows {
    table: Table,
    builders: Vec<Builder>,
}

impl Rows {
    pub(crate) fn new(table: Table, rows: usize) -> Self {
        let builders = table.columns().iter().map(|column| Builder::new(column.kind, rows)).collect();
        Self { table, builders }
    }

    /// Appends a row, one cell per column of the table.
    pub(crate) fn push(&mut self, row: &[Cell<'_>]) -> Result<(), Error> {
        let wrong = |column: String| Error::Cell { table: self.table.name(), column };
        if row.len() != self.builders.len() {
            return Err(wrong(row.len().to_string()));
        }
        for (place, (builder, cell)) in self.builders.iter_mut().zip(row).enumerate() {
            if !builder.push(*cell) {
                return Err(wrong(self.table.columns()[place].name.to_owned()));
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<RecordBatch, Error> {
        let columns = self.builders.into_iter().map(Builder::finish).collect();
        Ok(RecordBatch::try_new(self.table.schema(), columns)?)
    }
}
