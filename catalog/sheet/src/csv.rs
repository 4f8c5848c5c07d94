//! One sheet as CSV.

use std::borrow::Cow;

use catalog_core::directory::sheet::Grid;
use catalog_core::{Error, ErrorCode, Result};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::{Encoding, GB18030};

use crate::budget::Sheet;
use crate::too_large;

/// Bytes of a CSV file.
const MAX_FILE: usize = 64 << 20;
/// Lines in which the separator is counted.
const SNIFFED_LINES: usize = 20;
/// Where a record's fields are collected at first; both buffers grow.
const FIRST_BUFFER: usize = 4 << 10;

/// Reads a CSV file of any of the usual encodings and separators.
pub(crate) fn read_csv(file: &[u8], name: &str) -> Result<Grid> {
    if file.len() > MAX_FILE {
        return Err(too_large(format_args!("at most {} MiB of CSV", MAX_FILE >> 20)));
    }
    let text = decode(file)?;
    let mut reader = ReaderBuilder::new().delimiter(delimiter(&text)).build();
    let mut sheet = Sheet::new();
    let mut input = text.as_bytes();
    let mut number = 0;
    let mut record = Record::default();
    loop {
        number += skip_blank_lines(&mut input);
        if !record.next(&mut reader, &mut input) {
            break;
        }
        for (column, field) in (0..).zip(record.fields()) {
            sheet.put(number, column, field.into_owned())?;
        }
        number += 1;
    }
    Ok(sheet.into_grid(name))
}

/// Skips and counts blank lines, which the reader would skip silently, but a spreadsheet shows as rows.
fn skip_blank_lines(input: &mut &[u8]) -> u32 {
    let mut skipped = 0;
    while let Some(rest) = input.strip_prefix(b"\r\n").or_else(|| input.strip_prefix(b"\n")) {
        *input = rest;
        skipped += 1;
    }
    skipped
}

fn decode(file: &[u8]) -> Result<Cow<'_, str>> {
    let damaged = || {
        let message = "the file is no text in UTF-8 or GB18030; save it as .xlsx, or as CSV UTF-8";
        Error::new(ErrorCode::UnsupportedFormat, message)
    };
    let text = match Encoding::for_bom(file) {
        Some((encoding, mark)) => encoding.decode_without_bom_handling_and_without_replacement(&file[mark..]),
        None => match std::str::from_utf8(file) {
            Ok(text) => Some(Cow::Borrowed(text)),
            Err(_) => GB18030.decode_without_bom_handling_and_without_replacement(file),
        },
    };
    text.filter(|text| !text.contains('\0')).ok_or_else(damaged)
}

/// The separator that stands most often outside quotes in the first lines.
fn delimiter(text: &str) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let (mut quoted, mut lines) = (false, 0);
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => lines += 1,
            _ if !quoted => {
                for (separator, count) in &mut counts {
                    *count += u32::from(*separator == byte);
                }
            }
            _ => {}
        }
        if lines == SNIFFED_LINES {
            break;
        }
    }
    // The comma wins a tie: it is counted last among equals.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

/// The fields of one record, in buffers that grow as needed.
#[derive(Default)]
struct Record {
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl Record {
    /// Reads the next record; false at the end of the input.
    fn next(&mut self, reader: &mut Reader, input: &mut &[u8]) -> bool {
        let (mut text, mut ends) = (0, 0);
        loop {
            let (result, read, written, ended) =
                reader.read_record(input, &mut self.text[text..], &mut self.ends[ends..]);
            let ended_by_return = input[..read].ends_with(b"\r");
            *input = &input[read..];
            text += written;
            ends += ended;
            match result {
                ReadRecordResult::OutputFull => grow(&mut self.text),
                ReadRecordResult::OutputEndsFull => grow(&mut self.ends),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => {
                    // The reader stops between the two characters of a line's end.
                    *input = input.strip_prefix(b"\n").filter(|_| ended_by_return).unwrap_or(input);
                    self.fields = ends;
                    return true;
                }
                ReadRecordResult::End => return false,
            }
        }
    }

    fn fields(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let ends = &self.ends[..self.fields];
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| String::from_utf8_lossy(&self.text[start..*end]))
    }
}

fn grow<T: Default + Clone>(buffer: &mut Vec<T>) {
    buffer.resize((buffer.len() * 2).max(FIRST_BUFFER), T::default());
}

/// Writes a sheet as CSV: UTF-8 with a byte order mark, commas, lines ended as RFC 4180 says.
pub fn write_csv(grid: &Grid) -> Vec<u8> {
    let mut text = String::from('\u{feff}');
    for row in &grid.rows {
        for (place, cell) in row.cells.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            if cell.contains(['"', ',', '\n', '\r', ';', '\t']) {
                text.push('"');
                text.push_str(&cell.replace('"', "\"\""));
                text.push('"');
            } else {
                text.push_str(cell);
            }
        }
        text.push_str("\r\n");
    }
    text.into_bytes()
}
