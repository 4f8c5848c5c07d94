//! The form of one directory entry: every cell of the spreadsheet's 26 columns and of its second sheet.

use askama::Template;
use catalog_core::Timestamp;
use catalog_core::directory::sheet::form::{EntryCells, Field};
use catalog_core::directory::unfinished::Unfinished;
use catalog_core::directory::{DataClass, ItemKind, UpdateCycle, ValueFormat, classification, format};

use super::history::{Comparison, Line, lines};
use crate::around::Around;
use crate::names::Names;

/// The English names of the 26 columns.
const DIRECTORY: [&str; 26] = [
    "Number",
    "Category",
    "Section",
    "Topic",
    "Sub-topic 1",
    "Sub-topic 1.1",
    "Business matter",
    "Title",
    "Code",
    "Sub-organisation",
    "Abstract",
    "Format class",
    "Format type",
    "Other format",
    "Name of the item",
    "Data type",
    "Length",
    "Sharing",
    "Condition of sharing, or basis for withholding",
    "Class of the sharing method",
    "Type of the sharing method",
    "Open to society",
    "Condition of opening",
    "Update cycle",
    "Publication date",
    "Topic under which it is open",
];
/// The English names of the columns of 扩展.
const EXTENSION: [&str; 24] = [
    "Code",
    "Title",
    "Item",
    "Credit code of the provider",
    "Keywords",
    "Related codes",
    "Machine name",
    "Data class",
    "Personal information",
    "Licence",
    "Contact",
    "Time covered",
    "Space covered",
    "Value format",
    "Required",
    "Key: position",
    "Order: position",
    "Data subject",
    "Allowed values, divided by |",
    "Minimum",
    "Maximum",
    "Reference",
    "Codes of its sources",
    "Verifications, as id_number+name",
];
/// Fields of the resource: columns of the first sheet, then of 扩展.
const OF_RESOURCE: ([usize; 18], [usize; 11]) =
    ([7, 8, 10, 1, 2, 3, 4, 5, 6, 9, 11, 12, 13, 19, 20, 23, 24, 25], [4, 6, 7, 8, 9, 10, 11, 12, 5, 22, 23]);
/// Fields of an item: columns of the first sheet, then of 扩展.
const OF_ITEM: ([usize; 7], [usize; 10]) =
    ([14, 15, 16, 17, 18, 21, 22], [6, 7, 8, 13, 14, 15, 16, 17, 18, 19]);
/// Further fields of an item in 扩展.
const OF_ITEM_MORE: [usize; 2] = [20, 21];

/// One field as the form shows it.
pub(crate) struct Input<'a> {
    name: String,
    label: &'a str,
    value: &'a str,
    choices: Vec<String>,
    is_long: bool,
    /// One line, but a long one: names and codes one after another.
    is_broad: bool,
    is_fixed: bool,
    wrong: Vec<&'a str>,
}

/// The form of an entry, as it is or as somebody has typed it.
#[derive(Template)]
#[template(path = "desk/editor.html")]
pub struct EditorPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What stands in the fields.
    pub cells: &'a EntryCells,
    /// What is wrong, at its field.
    pub wrong: &'a [(Field, String)],
    /// The entry's code in addresses; `None` for a new one.
    pub code: Option<String>,
    /// The revision that the form was made from; 0 for a new one.
    pub revision: i64,
    /// What was kept of it, unfinished.
    pub unfinished: Option<&'a Unfinished>,
    /// When that was kept which the form was made from.
    pub kept: Option<Timestamp>,
    /// What the entry has become since that was kept: the form takes its place with what it says.
    pub since: Option<&'a Comparison>,
    /// What who kept it is called.
    pub names: &'a Names,
}

impl EditorPage<'_> {
    fn resource_fields(&self) -> Vec<Input<'_>> {
        let directory = OF_RESOURCE.0.iter().map(|column| Field::Directory(0, *column));
        let extension = OF_RESOURCE.1.iter().map(|column| Field::Extension(0, *column));
        directory.chain(extension).map(|field| self.input(field)).collect()
    }

    fn item_fields(&self, item: &usize) -> Vec<Input<'_>> {
        let directory = OF_ITEM.0.iter().map(|column| Field::Directory(*item, *column));
        let extension =
            OF_ITEM.1.iter().chain(&OF_ITEM_MORE).map(|column| Field::Extension(item + 1, *column));
        directory.chain(extension).map(|field| self.input(field)).collect()
    }

    fn item_name(&self, item: &usize) -> &str {
        self.cells.cell(Field::Directory(*item, 14))
    }

    fn items(&self) -> Vec<usize> {
        (0..self.cells.items()).collect()
    }

    fn lines<'c>(&'c self, comparison: &'c Comparison) -> Vec<Line<'c>> {
        lines(&self.a, &comparison.changes)
    }

    fn provider(&self) -> &str {
        self.cells.cell(Field::Extension(0, 3))
    }

    fn label(&self, field: Field) -> &'static str {
        let english = match field {
            Field::Directory(_, column) => DIRECTORY.get(column),
            Field::Extension(_, column) => EXTENSION.get(column),
        };
        self.a.say(field.label(), english.copied().unwrap_or_default())
    }

    /// Field, where it is, and what is wrong: for the list above the form.
    fn found(&self) -> Vec<(String, String, &str)> {
        let place = |field: Field| match field.item() {
            Some(item) => {
                let (before, after) = (self.a.say("第", "Item "), self.a.say("项 ", ": "));
                format!("{before}{}{after}{}", item + 1, self.label(field))
            }
            None => self.label(field).to_owned(),
        };
        self.wrong
            .iter()
            .map(|(field, message)| (field.to_string(), place(*field), self.said(message)))
            .collect()
    }

    /// What is wrong with a field: of an empty one, that it wants something.
    fn said<'m>(&'m self, message: &'m str) -> &'m str {
        match message.starts_with("``") {
            true => self.a.say("必填，请填写或选择。", "This is needed."),
            false => message,
        }
    }

    fn input(&self, field: Field) -> Input<'_> {
        let value = self.cells.cell(field);
        let mut choices = choices(field);
        // What a sheet wrote stays as it is, whether it is right or not.
        if !choices.is_empty() && !choices.iter().any(|choice| choice == value) {
            choices.push(value.to_owned());
        }
        let wrong = self.wrong.iter().filter(|(at, _)| *at == field);
        Input {
            name: field.to_string(),
            label: self.label(field),
            value,
            choices,
            is_long: matches!(field, Field::Directory(_, 10 | 18 | 22) | Field::Extension(_, 18)),
            is_broad: matches!(field, Field::Extension(0, 4 | 5 | 22) | Field::Extension(1.., 21)),
            is_fixed: self.code.is_some() && field == Field::Directory(0, 8),
            wrong: wrong.map(|(_, text)| self.said(text)).collect(),
        }
    }
}

/// The values among which a field chooses, with the empty one first; none where anything may be written.
fn choices(field: Field) -> Vec<String> {
    let flags = || vec!["是".to_owned(), "否".to_owned()];
    let names = match field {
        Field::Directory(_, 1) => classification::CATEGORIES.map(|(_, name)| name.to_owned()).into(),
        Field::Directory(_, 11) => format::CLASSES.map(|(name, _)| name.to_owned()).into(),
        Field::Directory(_, 15) => ItemKind::ALL.map(|(kind, _)| kind.label()).into(),
        Field::Directory(_, 17) => ["无条件共享", "有条件共享", "不予共享"].map(str::to_owned).into(),
        Field::Directory(_, 21) | Field::Extension(_, 8 | 14) => flags(),
        Field::Directory(_, 23) => UpdateCycle::ALL.iter().map(|(_, name)| (*name).to_owned()).collect(),
        Field::Extension(_, 7) => DataClass::ALL.map(|(_, name)| name.to_owned()).into(),
        Field::Extension(_, 13) => ValueFormat::ALL.map(|format| format.as_str().to_owned()).into(),
        Field::Extension(_, 17) => vec!["是".to_owned()],
        _ => Vec::new(),
    };
    if names.is_empty() { names } else { std::iter::once(String::new()).chain(names).collect() }
}
