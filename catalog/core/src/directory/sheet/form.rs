//! One resource as the cells of both sheets: what a form about it asks for, and the field at which each problem is said.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::extension::{self, ext};
use super::group::{Group, at, groups, is_of_resource};
use super::header::Header;
use super::{
    DIRECTORY_COLUMNS, DIRECTORY_SHEET, EXTENSION_COLUMNS, EXTENSION_SHEET, Grid, Row, Workbook,
    column_letters, read, write,
};
use crate::directory::{Department, Resource};
use crate::error::{Error, ErrorCode, Result};

/// Information items that one form holds at most.
pub const MAX_ITEMS: usize = 500;
/// Rows of headers above the first resource.
const HEADER: u32 = 1;

/// One resource as cells. What belongs to the resource stands in the first row of each sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryCells {
    /// A row of the 26 columns for each information item; there is one at least.
    pub directory: Vec<[String; 26]>,
    /// The row of 扩展 about the resource, then one for each item.
    pub extension: Vec<[String; 23]>,
}

/// The rows of one resource in a workbook that somebody sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRows {
    /// What they say, each column at its place.
    pub cells: EntryCells,
    directory: BTreeSet<u32>,
    extension: BTreeSet<u32>,
}

/// A field of a form about a resource: `d-0-7` is the title, `x-1-6` the machine name of the first item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// A column of the first sheet, in the row of an item counted from 0.
    Directory(usize, usize),
    /// A column of 扩展: of the resource in row 0, of items from 1 on.
    Extension(usize, usize),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(row, column) => write!(f, "d-{row}-{column}"),
            Self::Extension(row, column) => write!(f, "x-{row}-{column}"),
        }
    }
}

impl Field {
    /// Reads the name of a field.
    pub fn named(name: &str) -> Option<Self> {
        let mut parts = name.split('-');
        let (sheet, row, column) = (parts.next()?, parts.next()?, parts.next()?);
        let (row, column) = (row.parse().ok()?, column.parse().ok()?);
        match sheet {
            "d" if column < DIRECTORY_COLUMNS.len() => Some(Self::Directory(row, column)),
            "x" if column < EXTENSION_COLUMNS.len() => Some(Self::Extension(row, column)),
            _ => None,
        }
    }

    /// The field of a cell of [`EntryCells::workbook`], as problems name it: `目录!H2`.
    pub fn at(address: &str) -> Option<Self> {
        let (sheet, cell) = address.rsplit_once('!')?;
        let digits = cell.find(|letter: char| letter.is_ascii_digit())?;
        let (letters, number) = cell.split_at(digits);
        let row = usize::try_from(number.parse::<u32>().ok()?.checked_sub(HEADER + 1)?).ok()?;
        let column = (0..DIRECTORY_COLUMNS.len()).find(|column| column_letters(*column) == letters)?;
        match sheet {
            DIRECTORY_SHEET if is_of_resource(column) => Some(Self::Directory(0, column)),
            DIRECTORY_SHEET => Some(Self::Directory(row, column)),
            EXTENSION_SHEET => Some(Self::Extension(row, column)),
            _ => None,
        }
    }

    /// What it is called in the sheet.
    pub fn label(self) -> &'static str {
        match self {
            Self::Directory(_, column) => DIRECTORY_COLUMNS.get(column).copied().unwrap_or_default(),
            Self::Extension(_, column) => EXTENSION_COLUMNS.get(column).copied().unwrap_or_default(),
        }
    }

    /// The item that it is about, counted from 0; `None` for the resource itself.
    pub fn item(self) -> Option<usize> {
        match self {
            Self::Directory(_, column) if is_of_resource(column) => None,
            Self::Directory(row, _) => Some(row),
            Self::Extension(row, _) => row.checked_sub(1),
        }
    }
}

impl EntryCells {
    /// A form that nobody has filled in: one item without a word.
    pub fn blank() -> Self {
        Self { directory: vec![Default::default()], extension: vec![Default::default(), Default::default()] }
    }

    /// The cells of a resource.
    ///
    /// # Errors
    /// `not_found` where its provider is not among the departments.
    pub fn of(resource: &Resource, departments: &[Department]) -> Result<Self> {
        let workbook = write(std::slice::from_ref(resource), departments)?;
        Ok(entries(&workbook).into_iter().next().map_or_else(Self::blank, |entry| entry.cells))
    }

    /// The cells that a form has sent, by the names of their fields; other names are passed over.
    ///
    /// # Errors
    /// `too_large` for more than [`MAX_ITEMS`] items.
    pub fn filled<'a>(sent: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut cells = Self::blank();
        for (name, value) in sent {
            let Some(field) = Field::named(name) else { continue };
            let item = match field {
                Field::Directory(row, _) => row,
                Field::Extension(row, _) => row.saturating_sub(1),
            };
            if item >= MAX_ITEMS {
                let message =
                    format!("a form holds {MAX_ITEMS} items at most: import the spreadsheet instead");
                return Err(Error::new(ErrorCode::TooLarge, message));
            }
            while cells.directory.len() <= item {
                cells.add_item();
            }
            if let Some(cell) = cells.cell_mut(field) {
                // Browsers end lines with both characters.
                *cell = value.replace("\r\n", "\n");
            }
        }
        Ok(cells)
    }

    /// What is filled in, by the names of the fields: [`EntryCells::filled`] makes the same cells of it, but for empty items at the
    /// end.
    pub fn fields(&self) -> BTreeMap<String, String> {
        let directory = self.directory.iter().enumerate().flat_map(|(row, cells)| {
            cells.iter().enumerate().map(move |(column, cell)| (Field::Directory(row, column), cell))
        });
        let extension = self.extension.iter().enumerate().flat_map(|(row, cells)| {
            cells.iter().enumerate().map(move |(column, cell)| (Field::Extension(row, column), cell))
        });
        let said = directory.chain(extension).filter(|(_, cell)| !cell.is_empty());
        said.map(|(field, cell)| (field.to_string(), cell.clone())).collect()
    }

    fn cell_mut(&mut self, field: Field) -> Option<&mut String> {
        match field {
            Field::Directory(row, column) => self.directory.get_mut(row)?.get_mut(column),
            Field::Extension(row, column) => self.extension.get_mut(row)?.get_mut(column),
        }
    }

    /// What stands in a field.
    pub fn cell(&self, field: Field) -> &str {
        let cell = match field {
            Field::Directory(row, column) => self.directory.get(row).and_then(|row| row.get(column)),
            Field::Extension(row, column) => self.extension.get(row).and_then(|row| row.get(column)),
        };
        cell.map_or("", String::as_str)
    }

    /// One more item, behind the others.
    pub fn add_item(&mut self) {
        self.directory.push(Default::default());
        self.extension.push(Default::default());
    }

    /// Takes an item away, unless it is the only one.
    pub fn remove_item(&mut self, item: usize) {
        if item >= self.directory.len() || self.directory.len() == 1 {
            return;
        }
        let removed = self.directory.remove(item);
        if item == 0 {
            // What belongs to the resource stands in the first row, whichever item that is.
            for (column, cell) in
                removed.into_iter().enumerate().filter(|(column, _)| is_of_resource(*column))
            {
                self.directory[0][column] = cell;
            }
        }
        if item + 1 < self.extension.len() {
            self.extension.remove(item + 1);
        }
    }

    /// How many items there are.
    pub fn items(&self) -> usize {
        self.directory.len()
    }

    /// The two sheets, such as [`read`] takes them; [`Field::at`] finds the field of each problem.
    pub fn workbook(&self) -> Workbook {
        let row = |number: usize, cells: Vec<String>| Row {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            cells,
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut directory = vec![row(1, names(&DIRECTORY_COLUMNS))];
        directory
            .extend(self.directory.iter().enumerate().map(|(place, cells)| row(place + 2, cells.to_vec())));
        let (code, title) = (self.directory[0][at::CODE].clone(), self.directory[0][at::TITLE].clone());
        // By these the second sheet finds the resource of the first; without both there is a problem anyway.
        let is_named = !code.trim().is_empty() || !title.trim().is_empty();
        let extension = is_named.then(|| {
            let mut rows = vec![row(1, names(&EXTENSION_COLUMNS))];
            for (place, cells) in self.extension.iter().enumerate() {
                let item = place.checked_sub(1).and_then(|item| self.directory.get(item));
                let item = item.map_or("", |cells| cells[at::ITEM].trim());
                if place > 0 && item.is_empty() {
                    continue;
                }
                let mut cells = cells.clone();
                (cells[ext::CODE], cells[ext::TITLE], cells[ext::ITEM]) =
                    (code.clone(), title.clone(), item.to_owned());
                rows.push(row(place + 2, cells.to_vec()));
            }
            Grid { name: EXTENSION_SHEET.to_owned(), rows }
        });
        Workbook { directory: Grid { name: DIRECTORY_SHEET.to_owned(), rows: directory }, extension }
    }
}

impl EntryRows {
    /// Whether a problem at that address of the workbook is about this resource.
    pub fn holds(&self, workbook: &Workbook, address: &str) -> bool {
        match row_of(workbook, address) {
            Some((true, row)) => self.directory.contains(&row),
            Some((false, row)) => self.extension.contains(&row),
            None => false,
        }
    }

    /// How many of the problems of its workbook are about this resource.
    pub fn problems(&self, all: &RowProblems) -> usize {
        let count = |rows: &BTreeSet<u32>, counts: &BTreeMap<u32, usize>| -> usize {
            rows.iter().filter_map(|row| counts.get(row)).sum()
        };
        count(&self.directory, &all.directory) + count(&self.extension, &all.extension)
    }
}

/// How many problems each row of a workbook has: a sheet has as many of both as somebody likes.
#[derive(Debug, Default)]
pub struct RowProblems {
    directory: BTreeMap<u32, usize>,
    extension: BTreeMap<u32, usize>,
}

impl RowProblems {
    /// Counts problems by their addresses.
    pub fn of<'a>(workbook: &Workbook, addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let mut counts = Self::default();
        for (is_directory, row) in addresses.into_iter().filter_map(|address| row_of(workbook, address)) {
            let rows = if is_directory { &mut counts.directory } else { &mut counts.extension };
            *rows.entry(row).or_default() += 1;
        }
        counts
    }
}

/// The row of an address, and whether it is one of the first sheet; else it is one of the second.
fn row_of(workbook: &Workbook, address: &str) -> Option<(bool, u32)> {
    let of_directory = workbook.directory.row_at(address).map(|row| (true, row));
    of_directory.or_else(|| Some((false, workbook.extension.as_ref()?.row_at(address)?)))
}

/// The resources of a workbook, in its order, whatever is wrong with them; none where no header is found.
pub fn entries(workbook: &Workbook) -> Vec<EntryRows> {
    let nothing = Grid { name: EXTENSION_SHEET.to_owned(), rows: Vec::new() };
    let (grid, extra) = (&workbook.directory, workbook.extension.as_ref().unwrap_or(&nothing));
    let Ok((header, extra_header)) = read::headers(grid, extra) else { return Vec::new() };
    let mut groups = groups(grid, &header);
    if let Some(extra_header) = &extra_header {
        // What belongs to no resource is among the problems of the whole.
        extension::assign(extra, extra_header, &header, &mut groups);
    }
    groups.iter().map(|group| rows(group, &header, extra_header.as_ref())).collect()
}

fn rows(group: &Group<'_>, header: &Header, extra: Option<&Header>) -> EntryRows {
    let of_directory = |(place, row): (usize, &Row)| {
        std::array::from_fn(|column| match place > 0 && is_of_resource(column) {
            true => String::new(),
            false => header.cell(row, column).to_owned(),
        })
    };
    let of_extension = |row: Option<&Row>| -> [String; 23] {
        std::array::from_fn(|column| match (row, extra) {
            (Some(row), Some(header)) => header.cell(row, column).to_owned(),
            _ => String::new(),
        })
    };
    let extension = std::iter::once(group.extension).chain(group.items.iter().map(|(_, row)| *row));
    EntryRows {
        directory: group.items.iter().map(|(row, _)| row.number).collect(),
        extension: extension.clone().flatten().map(|row| row.number).collect(),
        cells: EntryCells {
            directory: group.items.iter().map(|(row, _)| *row).enumerate().map(of_directory).collect(),
            extension: extension.map(of_extension).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn example() -> (Resource, [Department; 1]) {
        let mut resource = fixtures::resource("scjg", "301001/000001", "行政处罚信息").unwrap();
        resource.classification = vec!["市场监督管理局".to_owned(), "行政处罚".to_owned()];
        resource.summary = "合成的行政处罚信息".to_owned();
        resource.licence = Some("CC-BY-4.0".to_owned());
        resource.items.push(fixtures::item("县区", "county").unwrap());
        (resource, [fixtures::department("scjg", "九江市市场监督管理局").unwrap()])
    }

    #[test]
    fn a_resource_goes_through_its_form_unchanged() {
        let (resource, departments) = example();
        let cells = EntryCells::of(&resource, &departments).unwrap();
        assert_eq!(cells.items(), resource.items.len());
        let pairs = cells.fields();
        let again =
            EntryCells::filled(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).unwrap();
        let read = read(&again.workbook(), None, &departments);
        assert_eq!(read.problems, []);
        assert_eq!(read.resources[0].resource, resource);
    }

    #[test]
    fn a_problem_is_said_at_its_field() {
        let (resource, departments) = example();
        let mut cells = EntryCells::of(&resource, &departments).unwrap();
        cells.directory[1][at::KIND] = "坏的类型".to_owned();
        cells.extension[0][ext::DATA_CLASS] = "绝密".to_owned();
        let read = read(&cells.workbook(), None, &departments);
        let fields: Vec<_> = read.problems.iter().filter_map(|problem| Field::at(&problem.at)).collect();
        assert!(fields.contains(&Field::Directory(1, at::KIND)), "{:?}", read.problems);
        assert!(fields.contains(&Field::Extension(0, ext::DATA_CLASS)), "{:?}", read.problems);
        let rows = &entries(&cells.workbook())[0];
        let workbook = cells.workbook();
        assert!(read.problems.iter().all(|problem| rows.holds(&workbook, &problem.at)));
        let all = RowProblems::of(&workbook, read.problems.iter().map(|problem| problem.at.as_str()));
        assert_eq!(rows.problems(&all), read.problems.len());
    }

    #[test]
    fn items_come_and_go_and_the_resource_stays() {
        let mut cells = EntryCells::blank();
        cells.directory[0][at::TITLE] = "名称".to_owned();
        cells.directory[0][at::ITEM] = "一".to_owned();
        cells.add_item();
        cells.directory[1][at::ITEM] = "二".to_owned();
        cells.remove_item(0);
        assert_eq!((cells.items(), cells.directory[0][at::TITLE].as_str()), (1, "名称"));
        assert_eq!(cells.directory[0][at::ITEM], "二");
        cells.remove_item(0);
        assert_eq!(cells.items(), 1, "one stays");
        assert_eq!(Field::named("d-0-26"), None);
        assert!(EntryCells::filled([("d-500-14", "x")]).is_err());
    }
}
