//! Workbooks: `.xlsx` read and written, `.xls` read.

use std::cmp::Ordering;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, DataType, Dimensions, Reader, Xls, Xlsx};
use catalog_core::directory::sheet::{DIRECTORY_SHEET, EXTENSION_SHEET, Grid, Workbook};
use catalog_core::{Error, Problem, Result};
use rust_xlsxwriter::{Format, FormatAlign, XlsxError};

use crate::budget::Sheet;
use crate::{too_large, unreadable, xls_guard, xlsx_guard};

/// Bytes of a workbook file.
const MAX_FILE: usize = 16 << 20;
/// Column widths, in characters.
const NARROWEST: f64 = 8.0;
const WIDEST: f64 = 40.0;

pub(crate) fn read_xlsx(file: &[u8]) -> Result<Workbook> {
    xlsx_guard::check_unpacked(check_size(file)?)?;
    guarded(".xlsx", || {
        let broken = |cause: calamine::XlsxError| unreadable(".xlsx", cause);
        let mut book = Xlsx::new(Cursor::new(file)).map_err(broken)?;
        sheets(book.sheet_names(), |name| {
            let mut sheet = Sheet::new();
            let mut faults = Vec::new();
            let mut cells = book.worksheet_cells_reader(name).map_err(broken)?;
            while let Some(cell) = cells.next_cell().map_err(broken)? {
                let value = Data::from(cell.get_value().clone());
                put(&mut sheet, &mut faults, cell.get_position(), &value)?;
            }
            drop(cells);
            let merged = book.merge_cells_by_sheet_name(name).unwrap_or_default();
            finish(name, sheet, merged, faults)
        })
    })
}

pub(crate) fn read_xls(file: &[u8]) -> Result<Workbook> {
    check_size(file)?;
    guarded(".xls", || {
        let file = xls_guard::defused(file)?;
        let broken = |cause: calamine::XlsError| unreadable(".xls", cause);
        let mut book = Xls::new(Cursor::new(file)).map_err(broken)?;
        sheets(book.sheet_names(), |name| {
            let mut sheet = Sheet::new();
            let mut faults = Vec::new();
            let range = book.worksheet_range(name).map_err(broken)?;
            let (top, left) = range.start().unwrap_or_default();
            for (row, column, value) in range.used_cells() {
                let place = (top.saturating_add(row as u32), left.saturating_add(column as u32));
                put(&mut sheet, &mut faults, place, value)?;
            }
            let merged = book.merge_cells_by_sheet_name(name).unwrap_or_default();
            finish(name, sheet, merged, faults)
        })
    })
}

fn check_size(file: &[u8]) -> Result<&[u8]> {
    if file.len() > MAX_FILE {
        return Err(too_large(format_args!("at most {} MiB for a workbook", MAX_FILE >> 20)));
    }
    Ok(file)
}

/// The parser indexes into damaged files here and there; its panic is our refusal.
fn guarded<T>(what: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(unreadable(what, "the parser panicked")))
}

/// Reads the sheet 目录, or else the first that is not 扩展, and 扩展 where there is one.
fn sheets(names: Vec<String>, mut read: impl FnMut(&str) -> Result<Grid>) -> Result<Workbook> {
    let named = |wanted: &str| names.iter().find(|name| name.trim() == wanted);
    let extension = named(EXTENSION_SHEET);
    let directory = named(DIRECTORY_SHEET).or_else(|| names.iter().find(|name| Some(*name) != extension));
    let Some(directory) = directory else {
        return Err(unreadable("a directory", "the workbook has no sheet beside the extension"));
    };
    Ok(Workbook { directory: read(directory)?, extension: extension.map(|name| read(name)).transpose()? })
}

/// Cells that show an error, with what they show.
type Faults = Vec<((u32, u32), String)>;

fn put(sheet: &mut Sheet, faults: &mut Faults, place: (u32, u32), value: &Data) -> Result<()> {
    match text(value) {
        Ok(text) if text.is_empty() => Ok(()),
        Ok(text) => sheet.put(place.0, place.1, text),
        Err(fault) => {
            faults.push((place, fault));
            Ok(())
        }
    }
}

fn finish(name: &str, mut sheet: Sheet, merged: Vec<Dimensions>, faults: Faults) -> Result<Grid> {
    for area in merged {
        sheet.merge(area.start, area.end)?;
    }
    let grid = sheet.into_grid(name);
    let problem = |((row, column), fault): &((u32, u32), String)| {
        let message = format!("the cell shows {fault}: mend its formula or write the value");
        Problem::new(grid.address(row + 1, *column as usize), "sheet.error", message)
    };
    if faults.is_empty() {
        return Ok(grid);
    }
    Err(Error::invalid("cells show errors instead of values", faults.iter().map(problem).collect()))
}

/// A cell as people read it; an error is what the cell shows instead of a value.
fn text(value: &Data) -> Result<String, String> {
    Ok(match value {
        Data::Error(error) => return Err(error.to_string()),
        Data::Bool(flag) => if *flag { "是" } else { "否" }.to_owned(),
        Data::DateTime(_) | Data::DateTimeIso(_) => {
            let shown = value.as_datetime().map_or_else(|| value.to_string(), |time| time.to_string());
            shown.trim_end_matches(" 00:00:00").to_owned()
        }
        // Whole numbers print without a fraction: 301001.
        other => other.to_string().replace("\r\n", "\n"),
    })
}

/// Writes both sheets. All cells are text, so that long codes keep their digits, also after an edit.
pub fn write_xlsx(workbook: &Workbook) -> Result<Vec<u8>> {
    build(workbook).map_err(Error::internal)
}

fn build(workbook: &Workbook) -> Result<Vec<u8>, XlsxError> {
    let mut book = rust_xlsxwriter::Workbook::new();
    for grid in std::iter::once(&workbook.directory).chain(&workbook.extension) {
        add_sheet(book.add_worksheet(), grid)?;
    }
    book.save_to_buffer()
}

fn add_sheet(sheet: &mut rust_xlsxwriter::Worksheet, grid: &Grid) -> Result<(), XlsxError> {
    let text = Format::new().set_num_format("@").set_align(FormatAlign::Top);
    let title = text.clone().set_bold();
    let head = title.clone().set_text_wrap().set_background_color(0x00DD_E8F3);
    sheet.set_name(&grid.name)?;
    // Titles fill one cell; the first row with more is the header.
    let header = grid.rows.iter().find(|row| row.cells.len() > 1).map_or(1, |row| row.number);
    for row in &grid.rows {
        let format = match row.number.cmp(&header) {
            Ordering::Less => &title,
            Ordering::Equal => &head,
            Ordering::Greater => &text,
        };
        for (column, cell) in (0..).zip(&row.cells) {
            sheet.write_string_with_format(row.number - 1, column, cell, format)?;
        }
    }
    for (column, width) in (0..).zip(widths(grid, header)) {
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(header, 0)?;
    Ok(())
}

/// Widths that show most texts: two columns of a letter for each Chinese character, within reason.
fn widths(grid: &Grid, header: u32) -> Vec<f64> {
    let mut widths = Vec::new();
    for row in grid.rows.iter().filter(|row| row.number >= header) {
        widths.resize(widths.len().max(row.cells.len()), NARROWEST);
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            let letters: u32 = cell.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
            *width = f64::from(letters + 1).clamp(*width, WIDEST);
        }
    }
    widths
}
