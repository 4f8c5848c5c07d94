//! From the place that a rule names (`items[3].sharing`) to the cell that says it.

use super::super::Resource;
use super::build::Builder;
use super::extension::ext;
use super::group::at;
use super::{EXTENSION_COLUMNS, NameCells};
use crate::error::Problem;
use crate::ids::ColumnName;

/// A column of one of the two sheets.
enum Cell {
    Directory(usize),
    Extension(usize),
}

impl Builder<'_> {
    /// The problem of a rule, at its cell.
    pub(super) fn placed(&self, resource: &Resource, problem: Problem) -> Problem {
        let field = problem.at.clone();
        let (name, rest) = field.split_once('[').unwrap_or((&field, ""));
        let (number, rest) = rest.split_once(']').unwrap_or(("0", ""));
        let number = number.parse().unwrap_or(0);
        let item = |columns: &[ColumnName]| {
            let column = columns.get(number);
            column.and_then(|column| resource.items.iter().position(|item| item.column == *column))
        };
        match (name, rest.trim_start_matches('.')) {
            ("key", _) => self.in_extension(problem, item(&resource.key), ext::KEY),
            ("sort", _) => self.in_extension(problem, item(&resource.sort), ext::SORT),
            ("subject", _) => self.in_extension(problem, item(resource.subject.as_slice()), ext::SUBJECT),
            ("items", field) if !field.is_empty() => match item_cell(field, &problem.rule) {
                Cell::Directory(column) => {
                    let row = self.group.items.get(number).map_or(self.group.first(), |(row, _)| *row);
                    let at = self.sheets.grid.address(row.number, self.sheets.header.place(column));
                    Problem { at, ..problem }
                }
                Cell::Extension(column) => self.in_extension(problem, Some(number), column),
            },
            (name, _) => match resource_cell(name, number) {
                Cell::Directory(column) => {
                    let at =
                        self.sheets.grid.address(self.group.first().number, self.sheets.header.place(column));
                    Problem { at, ..problem }
                }
                Cell::Extension(column) => self.in_extension(problem, None, column),
            },
        }
    }

    /// Where the sheet names the resource.
    pub(super) fn name_cells(&self, resource: &Resource) -> NameCells {
        let cell = |field| self.placed(resource, Problem::new(field, "", "")).at;
        NameCells {
            code: cell("code"),
            title: cell("title"),
            sql_name: cell("sql_name"),
            derived_from: cell("derived_from"),
        }
    }

    /// The problem at a cell of 扩展, or, where the resource has no row there, at its row in the first sheet.
    pub(super) fn in_extension(&self, problem: Problem, item: Option<usize>, column: usize) -> Problem {
        if let (Some(row), Some(header)) = (self.extra_row(item), self.sheets.extra_header) {
            return Problem { at: self.sheets.extra.address(row.number, header.place(column)), ..problem };
        }
        let (row, place) = match item.and_then(|place| self.group.items.get(place)) {
            Some((row, _)) => (*row, at::ITEM),
            None => (self.group.first(), at::TITLE),
        };
        let at = self.sheets.grid.address(row.number, self.sheets.header.place(place));
        let message = format!("{} (column {} of the sheet 扩展)", problem.message, EXTENSION_COLUMNS[column]);
        Problem { at, rule: problem.rule, message }
    }
}

fn item_cell(field: &str, rule: &str) -> Cell {
    match field {
        "title" => Cell::Directory(at::ITEM),
        "type" => Cell::Directory(at::LENGTH),
        "sharing" => Cell::Directory(at::CONDITION),
        "opening" if rule == "opening.condition" => Cell::Directory(at::OPEN_CONDITION),
        "opening" => Cell::Directory(at::OPEN),
        "column" => Cell::Extension(ext::NAME),
        "format" => Cell::Extension(ext::FORMAT),
        "personal" => Cell::Extension(ext::PERSONAL),
        "minimum" => Cell::Extension(ext::MINIMUM),
        "maximum" => Cell::Extension(ext::MAXIMUM),
        "reference" => Cell::Extension(ext::REFERENCE),
        _ => Cell::Extension(ext::VALUES),
    }
}

fn resource_cell(field: &str, number: usize) -> Cell {
    match field {
        "code" => Cell::Directory(at::CODE),
        "classification" => Cell::Directory(at::LEVELS + number.min(3)),
        "abstract" => Cell::Directory(at::ABSTRACT),
        "format.class" => Cell::Directory(at::FORMAT_CLASS),
        "format.kind" => Cell::Directory(at::FORMAT_KIND),
        "format.other" => Cell::Directory(at::FORMAT_OTHER),
        "items" => Cell::Directory(at::ITEM),
        "sharing_method.class" => Cell::Directory(at::METHOD_CLASS),
        "sharing_method.kind" => Cell::Directory(at::METHOD_KIND),
        "business_matter" => Cell::Directory(at::MATTER),
        "sub_organisation" => Cell::Directory(at::SUB_ORGANISATION),
        "open_topic" => Cell::Directory(at::OPEN_TOPIC),
        "sql_name" => Cell::Extension(ext::NAME),
        "keywords" => Cell::Extension(ext::KEYWORDS),
        "related" => Cell::Extension(ext::RELATED),
        "derived_from" => Cell::Extension(ext::SOURCES),
        "verifications" => Cell::Extension(ext::VERIFICATIONS),
        "data_class" => Cell::Extension(ext::DATA_CLASS),
        "licence" => Cell::Extension(ext::LICENCE),
        "contact" => Cell::Extension(ext::CONTACT),
        "temporal_coverage" => Cell::Extension(ext::TIME),
        "spatial_coverage" => Cell::Extension(ext::SPACE),
        _ => Cell::Directory(at::TITLE),
    }
}
