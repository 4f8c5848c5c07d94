//! XLSX: the first sheet. The reader holds all strings of the workbook, so its unpacked size is limited.

use std::fs::File;
use std::io::{BufReader, Read};
use std::sync::atomic::Ordering;

use calamine::{Cell, DataRef, DataType, Reader, Xlsx};
use catalog_core::Result;

use super::header::{columns_of, places};
use super::rows::TextRows;
use super::{Input, MAX_FIELD, MAX_FIELDS, MAX_RECORD, Output};
use crate::fault::{Rule, malformed, too_large};

/// The largest workbook read, unpacked.
const MAX_UNPACKED: u64 = 64 * 1024 * 1024;
/// Most sheets and other members of a workbook.
const MAX_MEMBERS: usize = 2_000;

pub(super) fn read(input: &Input<'_>, out: Output<'_>) -> Result<()> {
    check_size(input)?;
    let damaged = |cause: calamine::XlsxError| {
        malformed(format!("`{}` is no whole .xlsx workbook: save it again", input.delivery.name))
            .with_internal(cause)
    };
    let mut workbook = Xlsx::new(BufReader::new(input.delivery.open()?)).map_err(damaged)?;
    let sheet = workbook.sheet_names().first().cloned();
    let sheet = sheet.ok_or_else(|| malformed(format!("`{}` has no sheet", input.delivery.name)))?;
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(damaged)?;
    let mut sheet =
        Sheet { input, out: Some(out), state: None, row: 0, cells: Vec::new(), bytes: 0, oversized: None };
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        sheet.cell(&cell)?;
    }
    sheet.finish()?;
    input.position.store(input.inspection.bytes, Ordering::Relaxed);
    Ok(())
}

/// Unpacks every member once without keeping it: declared sizes may lie, and a small archive may unpack to terabytes.
fn check_size(input: &Input<'_>) -> Result<()> {
    let name = &input.delivery.name;
    let refused = || {
        too_large(format!(
            "`{name}` unpacks to over 64 MiB, which a spreadsheet reader must hold: export it as CSV"
        ))
    };
    let damaged = || malformed(format!("`{name}` is no whole .xlsx workbook: save it again"));
    let mut archive: zip::ZipArchive<BufReader<File>> =
        zip::ZipArchive::new(BufReader::new(input.delivery.open()?)).map_err(|_| damaged())?;
    if archive.len() > MAX_MEMBERS {
        return Err(refused());
    }
    let mut left = MAX_UNPACKED;
    for member in 0..archive.len() {
        let member = archive.by_index(member).map_err(|_| damaged())?;
        if member.size() > left {
            return Err(refused());
        }
        let unpacked =
            std::io::copy(&mut member.take(left + 1), &mut std::io::sink()).map_err(|_| damaged())?;
        left = left.checked_sub(unpacked).ok_or_else(refused)?;
    }
    Ok(())
}

/// A sheet on its way into rows. The first row with a value is the header.
struct Sheet<'a, 'b> {
    input: &'a Input<'a>,
    out: Option<&'a mut (dyn FnMut(super::SourceBatch) -> Result<()> + 'b)>,
    state: Option<Body<'a, 'b>>,
    row: u32,
    cells: Vec<(usize, String)>,
    /// Bytes of the cells. A shared text of a few bytes in the file may stand in every cell of a row.
    bytes: usize,
    /// Why the row is none, if so.
    oversized: Option<&'static str>,
}

struct Body<'a, 'b> {
    /// First column of the header within the sheet.
    left: usize,
    width: usize,
    places: Vec<Option<usize>>,
    rows: TextRows<'a, 'b>,
}

impl<'a, 'b> Sheet<'a, 'b> {
    fn cell(&mut self, cell: &Cell<DataRef<'_>>) -> Result<()> {
        let (row, column) = cell.get_position();
        if row != self.row {
            self.end_row()?;
            self.row = row;
        }
        let size = held(cell.get_value()).map_or(0, str::len);
        if size > MAX_FIELD {
            self.oversized = Some("a value of over 1 MiB");
        } else if self.bytes + size > MAX_RECORD || self.cells.len() >= MAX_FIELDS {
            self.oversized = Some("a row of over 16 MiB or 65,536 cells");
        } else if let Some(text) = text_of(cell.get_value()) {
            self.bytes += size;
            self.cells.push((column as usize, text));
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<()> {
        let cells = std::mem::take(&mut self.cells);
        self.bytes = 0;
        let number = u64::from(self.row) + 1;
        match (&mut self.state, self.oversized.take()) {
            (None, Some(reason)) => Err(malformed(format!("the header in row {number} has {reason}"))),
            (Some(body), Some(reason)) => body.rows.broken(number, 1, Rule::Syntax, reason),
            (_, None) if cells.is_empty() => Ok(()),
            (None, None) => self.start(cells),
            (Some(body), None) => body.push(number, cells),
        }
    }

    fn start(&mut self, cells: Vec<(usize, String)>) -> Result<()> {
        let left = cells.first().map_or(0, |(column, _)| *column);
        let width = cells.last().map_or(0, |(column, _)| *column + 1 - left);
        let mut names = vec![String::new(); width];
        for (column, text) in cells {
            names[column - left] = text;
        }
        let columns = columns_of(&names, self.input.items, self.input.required)?;
        let places = places(&columns, self.input.items.len());
        let present = places.iter().map(Option::is_some).collect();
        let out = self.out.take().ok_or_else(|| catalog_core::Error::internal("a sheet has one header"))?;
        self.state = Some(Body { left, width, places, rows: TextRows::new(present, out) });
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.end_row()?;
        match self.state {
            Some(body) => body.rows.finish(),
            None => Err(malformed(format!("the first sheet of `{}` is empty", self.input.delivery.name))),
        }
    }
}

impl Body<'_, '_> {
    fn push(&mut self, number: u64, cells: Vec<(usize, String)>) -> Result<()> {
        let mut fields: Vec<Option<String>> = vec![None; self.width];
        for (column, text) in cells {
            match column.checked_sub(self.left).and_then(|place| fields.get_mut(place)) {
                Some(field) => *field = Some(text),
                None => return self.rows.broken(number, 1, Rule::Columns, "a cell outside the table"),
            }
        }
        let cells = self.places.iter().map(|place| place.and_then(|place| fields[place].as_deref()));
        self.rows.push(number, cells)
    }
}

/// The text that the workbook holds for the cell.
fn held<'a>(value: &'a DataRef<'_>) -> Option<&'a str> {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Some(text),
        DataRef::SharedString(text) => Some(text),
        _ => None,
    }
}

/// The cell as text. A number of more than 15 digits is written as the spreadsheet shows it (`4.20102199001011E+17`):
/// its last digits are lost, and validation says so where text or an exact number is due.
fn text_of(value: &DataRef<'_>) -> Option<String> {
    match value {
        DataRef::Empty => None,
        DataRef::String(text) => Some(text.clone()),
        DataRef::SharedString(text) => Some((*text).to_owned()),
        DataRef::Int(number) => Some(number_text(*number as f64)),
        DataRef::Float(number) => Some(number_text(*number)),
        DataRef::Bool(flag) => Some(flag.to_string()),
        DataRef::DateTime(time) if time.is_datetime() => {
            let time = value.as_datetime()?;
            let is_date = time.time() == chrono::NaiveTime::MIN;
            Some(time.format(if is_date { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S%.f" }).to_string())
        }
        DataRef::DateTime(duration) => Some(number_text(duration.as_f64())),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Some(text.clone()),
        DataRef::Error(error) => Some(error.to_string()),
    }
    .filter(|text| !text.trim().is_empty())
}

fn number_text(number: f64) -> String {
    if number.abs() < 1e15 {
        // Spreadsheets keep 15 digits: 0.1 + 0.2 is 0.3 to them.
        let rounded = format!("{number:.14e}").parse().unwrap_or(number);
        return f64::to_string(&rounded);
    }
    let text = format!("{number:E}");
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E+{exponent}")
}
