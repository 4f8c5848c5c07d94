//! The rows of one resource.

use super::cells::narrow;
use super::header::Header;
use super::{Grid, Row};
use crate::error::Problem;

/// Places of the columns in `DIRECTORY_COLUMNS`.
pub(super) mod at {
    pub(crate) const CATEGORY: usize = 1;
    pub(crate) const LEVELS: usize = 2;
    pub(crate) const MATTER: usize = 6;
    pub(crate) const TITLE: usize = 7;
    pub(crate) const CODE: usize = 8;
    pub(crate) const SUB_ORGANISATION: usize = 9;
    pub(crate) const ABSTRACT: usize = 10;
    pub(crate) const FORMAT_CLASS: usize = 11;
    pub(crate) const FORMAT_KIND: usize = 12;
    pub(crate) const FORMAT_OTHER: usize = 13;
    pub(crate) const ITEM: usize = 14;
    pub(crate) const KIND: usize = 15;
    pub(crate) const LENGTH: usize = 16;
    pub(crate) const SHARING: usize = 17;
    pub(crate) const CONDITION: usize = 18;
    pub(crate) const METHOD_CLASS: usize = 19;
    pub(crate) const METHOD_KIND: usize = 20;
    pub(crate) const OPEN: usize = 21;
    pub(crate) const OPEN_CONDITION: usize = 22;
    pub(crate) const CYCLE: usize = 23;
    pub(crate) const PUBLISHED: usize = 24;
    pub(crate) const OPEN_TOPIC: usize = 25;
}

/// Whether a column is about the resource, so that it is the same in each of its rows.
pub(super) fn is_of_resource(column: usize) -> bool {
    !matches!(column, 0 | at::ITEM..=at::CONDITION | at::OPEN | at::OPEN_CONDITION)
}

/// The rows of one resource in both sheets.
pub(super) struct Group<'a> {
    first: &'a Row,
    /// The rows of its items, and for each the row of the sheet 扩展 about the item.
    pub(super) items: Vec<(&'a Row, Option<&'a Row>)>,
    /// The row of the sheet 扩展 about the resource.
    pub(super) extension: Option<&'a Row>,
    /// What is wrong already.
    pub(super) problems: Vec<Problem>,
}

impl<'a> Group<'a> {
    /// The first row, in which the resource is described.
    pub(super) fn first(&self) -> &'a Row {
        self.first
    }

    /// Its code as written, in plain digits.
    pub(super) fn code(&self, header: &Header) -> String {
        narrow(header.cell(self.first, at::CODE))
    }

    fn takes(&self, row: &Row, header: &Header) -> bool {
        let (code, own_code) = (narrow(header.cell(row, at::CODE)), self.code(header));
        let title = header.cell(row, at::TITLE);
        match (code.is_empty(), own_code.is_empty(), title.is_empty()) {
            (false, false, _) => code == own_code,
            (false, true, true) => false,
            (_, _, true) => true,
            (_, _, false) => title == header.cell(self.first, at::TITLE),
        }
    }
}

/// Splits the data rows into resources. A row whose resource columns are empty belongs to the resource above it; a
/// value that differs from the first row's is a problem of the resource.
pub(super) fn groups<'a>(grid: &'a Grid, header: &Header) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let said = |row: &Row| (1..=at::OPEN_TOPIC).any(|column| !header.cell(row, column).is_empty());
    for row in grid.rows.iter().skip(header.first_data).filter(|row| said(row)) {
        match groups.last_mut().filter(|group| group.takes(row, header)) {
            Some(group) => {
                group.problems.extend(differences(grid, header, group.first, row));
                group.items.push((row, None));
            }
            None => {
                groups.push(Group {
                    first: row,
                    items: vec![(row, None)],
                    extension: None,
                    problems: Vec::new(),
                });
            }
        }
    }
    groups
}

fn differences(grid: &Grid, header: &Header, first: &Row, row: &Row) -> Vec<Problem> {
    let differs = |column: &usize| {
        let value = header.cell(row, *column);
        !value.is_empty() && narrow(value) != narrow(header.cell(first, *column))
    };
    let columns = (1..=at::OPEN_TOPIC).filter(|column| is_of_resource(*column)).filter(differs);
    let problem = |column: usize| {
        let at = grid.address(row.number, header.place(column));
        let message = format!(
            "`{}` differs from `{}` in row {}, but belongs to one resource: make them equal or leave this cell empty",
            header.cell(row, column),
            header.cell(first, column),
            first.number
        );
        Problem::new(at, "sheet.differs", message)
    };
    columns.map(problem).collect()
}
