//! One sheet of Office Open XML (ISO/IEC 29500), streamed: a spreadsheet library would hold all cells until the end.
//!
//! Cells hold what a spreadsheet keeps as it is. Text is text and never a formula; whole numbers of more digits than a cell
//! shows, as identity numbers and account numbers have, are text too, and so are decimals beyond the precision of a double.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use catalog_core::{Error, ErrorCode, Result};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Rows of a sheet below its header line.
pub const SHEET_ROWS: u64 = 1_048_575;
/// Columns of a sheet.
const SHEET_COLUMNS: usize = 16_384;
/// Characters (UTF-16 units) of a cell.
const CELL_LENGTH: usize = 32_767;
/// Digits of a whole number that a cell shows; it rounds what has more.
const WHOLE_DIGITS: usize = 11;
/// Digits of a number that a cell keeps.
const DIGITS: usize = 15;
/// Days from the epoch of sheets to that of Unix, for days after the one in 1900 that never was.
const EPOCH_DAYS: i64 = 25_569;
/// 1900-03-01 as a sheet counts.
const FIRST_DAY: i64 = 61;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
/// Styles: 0 as it is, 1 a date, 2 text.
const PARTS: [(&str, &str); 5] = [
    (
        "[Content_Types].xml",
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/workbook.xml",
        r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="data" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
    ),
    (
        "xl/styles.xml",
        r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/></numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"#,
    ),
];
const SHEET_HEAD: &str = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>"#;
const SHEET_TAIL: &str = "</sheetData></worksheet>";

/// What was written and is still to be sent.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Bytes {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How the values of a column stand in cells.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Whole numbers and decimals, which may have more digits than a cell keeps.
    Exact,
    Float,
    Date,
    Flag,
    Text,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float,
            other if other.is_numeric() => Self::Exact,
            DataType::Date32 => Self::Date,
            DataType::Boolean => Self::Flag,
            _ => Self::Text,
        }
    }
}

/// A sheet that is being written.
pub(super) struct Sheet {
    zip: ZipWriter<StreamWriter<Written>>,
    written: Written,
    /// Letters and kind of each column.
    columns: Vec<(String, Kind)>,
    rows: u64,
}

impl Sheet {
    /// A sheet with its header line.
    ///
    /// # Errors
    /// `unsupported_format` for more columns than a sheet has.
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        let fields = schema.fields();
        if fields.len() > SHEET_COLUMNS {
            let message = format!("a sheet has {SHEET_COLUMNS} columns: take another format");
            return Err(Error::new(ErrorCode::UnsupportedFormat, message));
        }
        let written = Written::default();
        let mut zip = ZipWriter::new_stream(written.clone());
        for (name, text) in PARTS {
            zip.start_file(name, options()).map_err(Error::internal)?;
            zip.write_all(HEAD.as_bytes())
                .and_then(|()| zip.write_all(text.as_bytes()))
                .map_err(Error::internal)?;
        }
        zip.start_file("xl/worksheets/sheet1.xml", options()).map_err(Error::internal)?;
        let kinds = fields.iter().map(|field| Kind::of(field.data_type()));
        let columns: Vec<_> = (0..fields.len()).map(letters).zip(kinds).collect();
        let mut head = format!("{HEAD}{SHEET_HEAD}<row r=\"1\">");
        for (field, (column, _)) in fields.iter().zip(&columns) {
            text_cell(&mut head, column, 1, field.name())?;
        }
        head.push_str("</row>");
        zip.write_all(head.as_bytes()).map_err(too_large)?;
        Ok(Self { zip, written, columns, rows: 0 })
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        if self.rows + batch.num_rows() as u64 > SHEET_ROWS {
            let message =
                format!("a sheet has {SHEET_ROWS} rows below its header: take another format, or fewer rows");
            return Err(Error::new(ErrorCode::LimitRows, message));
        }
        let format = FormatOptions::default();
        let columns = batch.columns().iter().map(|column| {
            ArrayFormatter::try_new(column.as_ref(), &format)
                .map(|shown| (column, shown))
                .map_err(Error::internal)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let (mut text, mut cell) = (String::new(), String::new());
        for row in 0..batch.num_rows() {
            let number = self.rows + 2;
            text.clear();
            write!(text, "<row r=\"{number}\">").map_err(Error::internal)?;
            for ((column, shown), (letters, kind)) in columns.iter().zip(&self.columns) {
                if column.is_null(row) {
                    continue;
                }
                cell.clear();
                write!(cell, "{}", shown.value(row)).map_err(Error::internal)?;
                write_cell(&mut text, (letters, number), *kind, (column, row), &cell)?;
            }
            text.push_str("</row>");
            self.zip.write_all(text.as_bytes()).map_err(too_large)?;
            self.rows += 1;
        }
        Ok(self.written.take())
    }

    pub(super) fn finish(mut self) -> Result<Bytes> {
        self.zip.write_all(SHEET_TAIL.as_bytes()).map_err(too_large)?;
        self.zip.finish().map_err(Error::internal)?;
        Ok(self.written.take())
    }
}

fn write_cell(
    out: &mut String,
    (letters, number): (&str, u64),
    kind: Kind,
    (column, row): (&ArrayRef, usize),
    text: &str,
) -> Result<()> {
    let number_cell = |out: &mut String, attributes: &str, value: &str| {
        write!(out, "<c r=\"{letters}{number}\"{attributes}><v>{value}</v></c>").map_err(Error::internal)
    };
    match kind {
        Kind::Exact if fits(text) => number_cell(out, "", text),
        Kind::Float if text.parse::<f64>().is_ok_and(f64::is_finite) => number_cell(out, "", text),
        Kind::Date => match i64::from(column.as_primitive::<Date32Type>().value(row)) + EPOCH_DAYS {
            day if day < FIRST_DAY => text_cell(out, letters, number, text),
            day => number_cell(out, " s=\"1\"", &day.to_string()),
        },
        Kind::Flag => number_cell(out, " t=\"b\"", if column.as_boolean().value(row) { "1" } else { "0" }),
        Kind::Exact | Kind::Float | Kind::Text => text_cell(out, letters, number, text),
    }
}

/// Whether a cell shows and keeps all digits of a number.
fn fits(number: &str) -> bool {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let most = if number.contains('.') { DIGITS } else { WHOLE_DIGITS };
    digits.trim_start_matches('0').len() <= most
}

fn text_cell(out: &mut String, letters: &str, number: u64, text: &str) -> Result<()> {
    if text.encode_utf16().count() > CELL_LENGTH {
        let message =
            format!("a cell holds {CELL_LENGTH} characters, and one text is longer: take another format");
        return Err(Error::new(ErrorCode::LimitBytes, message));
    }
    write!(out, "<c r=\"{letters}{number}\" s=\"2\" t=\"inlineStr\"><is><t xml:space=\"preserve\">")
        .map_err(Error::internal)?;
    escape(out, text);
    out.push_str("</t></is></c>");
    Ok(())
}

/// Writes what XML can't hold as `_x0001_`, and what looks like that so that it is read as it stands.
fn escape(out: &mut String, text: &str) {
    for (place, letter) in text.char_indices() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' => out.push(letter),
            '_' if is_escaped(&text[place..]) => out.push_str("_x005F_"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("_x{:04X}_", u32::from(letter)))
            }
            other => out.push(other),
        }
    }
}

/// Whether a text begins like `_x0001_`.
fn is_escaped(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7 && bytes[1] == b'x' && bytes[6] == b'_' && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
}

/// `A` to `Z`, `AA` and so on.
fn letters(mut place: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + (place % 26) as u8));
        if place < 26 {
            return letters.into_iter().rev().collect();
        }
        place = place / 26 - 1;
    }
}

/// The same rows give the same bytes.
fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(3))
        .last_modified_time(DateTime::default())
}

/// The one way in which writing to memory fails: a part of a file has 4 GiB at most.
fn too_large(cause: io::Error) -> Error {
    Error::new(ErrorCode::LimitBytes, "a sheet has 4 GiB at most, unpacked: take another format")
        .with_internal(cause)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn batch(texts: Vec<String>) -> RecordBatch {
        let column: ArrayRef = Arc::new(StringArray::from(texts));
        RecordBatch::try_from_iter([("text", column)]).unwrap()
    }

    #[test]
    fn what_is_beyond_a_sheet_is_refused() {
        let one = batch(vec!["x".to_owned()]);
        let mut sheet = Sheet::new(&one.schema()).unwrap();
        sheet.rows = SHEET_ROWS - 1;
        assert!(sheet.batch(&one).is_ok());
        assert_eq!(sheet.batch(&one).unwrap_err().code, ErrorCode::LimitRows);
        let mut sheet = Sheet::new(&one.schema()).unwrap();
        assert!(sheet.batch(&batch(vec!["长".repeat(CELL_LENGTH)])).is_ok());
        let long = sheet.batch(&batch(vec!["长".repeat(CELL_LENGTH + 1)])).unwrap_err();
        assert_eq!(long.code, ErrorCode::LimitBytes);
        let columns = (0..=SHEET_COLUMNS).map(|place| {
            let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
            (format!("c{place}"), column)
        });
        let wide = RecordBatch::try_from_iter(columns).unwrap();
        assert_eq!(Sheet::new(&wide.schema()).err().unwrap().code, ErrorCode::UnsupportedFormat);
    }

    #[test]
    fn numbers_keep_their_digits_or_are_text() {
        for (number, fits_in) in [
            ("0", true),
            ("-12345678901", true),
            ("123456789012", false),
            ("360481199001011234", false),
            ("1234567890123.45", true),
            ("0.000123456789012345", true),
            ("12345678901234.567", false),
        ] {
            assert_eq!(fits(number), fits_in, "{number}");
        }
    }

    #[test]
    fn columns_are_lettered_and_texts_escaped() {
        let names = [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (SHEET_COLUMNS - 1, "XFD")];
        for (place, name) in names {
            assert_eq!(letters(place), name);
        }
        let escaped = |text: &str| {
            let mut out = String::new();
            escape(&mut out, text);
            out
        };
        assert_eq!(
            escaped("<a> & b\u{1}\r\n_x0041_ _x"),
            "&lt;a&gt; &amp; b_x0001__x000D_\n_x005F_x0041_ _x"
        );
        assert_eq!(escaped("长_x00"), "长_x00");
    }
}
