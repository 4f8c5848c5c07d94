//! Finding the header row of a sheet, and the provider in the title rows above it.

use unicode_normalization::UnicodeNormalization;

use super::{Grid, Row};
use crate::error::Problem;

/// How far down the header may begin.
const HEADER_WITHIN: usize = 30;
/// How many rows a header may have, merged cells above included.
const HEADER_ROWS: usize = 3;

/// Where the columns of a sheet stand.
pub(super) struct Header {
    /// The place of each expected column; none where a sheet leaves out one that came later.
    columns: Vec<Option<usize>>,
    /// Rows above the header.
    title_rows: usize,
    /// The first row of data.
    pub(super) first_data: usize,
}

impl Header {
    /// The place in the sheet of an expected column, by its number in the list of names.
    pub(super) fn place(&self, column: usize) -> usize {
        self.columns.get(column).copied().flatten().unwrap_or(column)
    }

    /// Whether the sheet has an expected column.
    pub(super) fn has(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(Option::is_some)
    }

    /// The trimmed text of an expected column in a row.
    pub(super) fn cell<'a>(&self, row: &'a Row, column: usize) -> &'a str {
        self.columns.get(column).copied().flatten().map_or("", |place| row.cell(place))
    }

    /// The rows above the header.
    pub(super) fn title_rows<'a>(&self, grid: &'a Grid) -> &'a [Row] {
        &grid.rows[..self.title_rows]
    }
}

/// Finds the row that holds most of the names; a name that it lacks may stand in a merged cell of a row above it.
///
/// The `later` last of them may be missing.
pub(super) fn find(grid: &Grid, names: &[&str], later: usize) -> Result<Header, Vec<Problem>> {
    let names: Vec<_> = names.iter().map(|name| plain(name)).collect();
    let texts: Vec<Vec<_>> = grid
        .rows
        .iter()
        .take(HEADER_WITHIN)
        .map(|row| row.cells.iter().map(|cell| plain(cell)).collect())
        .collect();
    let found_in = |row: &Vec<String>| names.iter().filter(|name| row.contains(name)).count();
    let Some(best) =
        (0..texts.len()).max_by_key(|row| found_in(&texts[*row])).filter(|row| found_in(&texts[*row]) > 2)
    else {
        let message =
            format!("no header row with {} and so on was found in the first rows", names[..3].join(", "));
        return Err(vec![Problem::new(format!("{}!A1", grid.name), "sheet.header", message)]);
    };
    let place = |name: &String| {
        let rows = (best.saturating_sub(HEADER_ROWS - 1)..=best).rev();
        rows.into_iter().find_map(|row| Some((row, texts[row].iter().position(|text| text == name)?)))
    };
    let number = grid.rows[best].number;
    let needed = names.len().saturating_sub(later);
    let missing = names.iter().take(needed).filter(|name| place(name).is_none());
    let missing: Vec<_> = missing
        .map(|name| {
            let message = format!("the column {name} is missing; keep every column, even an empty one");
            Problem::new(grid.address(number, 0), "sheet.column", message)
        })
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let places: Vec<_> = names.iter().map(place).collect();
    Ok(Header {
        title_rows: places.iter().flatten().map(|(row, _)| *row).min().unwrap_or(best),
        columns: places.into_iter().map(|place| place.map(|(_, column)| column)).collect(),
        first_data: best + 1,
    })
}

/// A header text without spaces, line breaks, marks and remarks: `是否必填 *（是/否）` is `是否必填`.
fn plain(text: &str) -> String {
    let text: String = text.nfkc().filter(|letter| !letter.is_whitespace() && *letter != '*').collect();
    match text.find('(') {
        Some(remark) if remark > 0 => text[..remark].to_owned(),
        _ => text,
    }
}

/// What the title rows say about the provider, with the address of the cell.
#[derive(Default)]
pub(super) struct Title {
    pub(super) name: Option<(String, String)>,
    pub(super) code: Option<(String, String)>,
}

/// Reads `信息资源提供方：NAME　信息资源提供方代码：CODE`, in one cell or several.
pub(super) fn title(grid: &Grid, header: &Header) -> Title {
    let mut title = Title::default();
    for row in header.title_rows(grid) {
        for (column, cell) in row.cells.iter().enumerate() {
            let at = || grid.address(row.number, column);
            if let Some(code) = after(cell, "信息资源提供方代码") {
                title.code.get_or_insert((at(), code));
            }
            if let Some(name) = after(cell, "信息资源提供方") {
                title.name.get_or_insert((at(), name));
            }
        }
    }
    title
}

/// The word after a label and a colon.
fn after(cell: &str, label: &str) -> Option<String> {
    let rest = cell.match_indices(label).find_map(|(place, _)| {
        let rest = cell[place + label.len()..].trim_start();
        rest.strip_prefix(['：', ':'])
    })?;
    let word = rest.trim_start().split(char::is_whitespace).next().unwrap_or_default();
    (!word.is_empty()).then(|| word.to_owned())
}
