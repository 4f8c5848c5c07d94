//! Which item each column of a file fills.

use catalog_core::directory::InformationItem;
use catalog_core::{Error, Problem, Result};

/// The item of a name: its column name in any case, or its Chinese title.
pub(super) fn item_named(items: &[InformationItem], name: &str) -> Option<usize> {
    let name = name.trim();
    items.iter().position(|item| item.title == name || item.column.as_str().eq_ignore_ascii_case(name))
}

/// The item of every column of the file, or everything that is wrong with its header.
pub(super) fn columns_of(
    names: &[String],
    items: &[InformationItem],
    required: &dyn Fn(&InformationItem) -> bool,
) -> Result<Vec<usize>> {
    let mut problems = Vec::new();
    let mut columns: Vec<usize> = Vec::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        let at = format!("column {}", place + 1);
        match item_named(items, name) {
            Some(item) if columns.contains(&item) => {
                let message = format!("`{name}` stands twice in the header: keep one");
                problems.push(Problem::new(at, "header.twice", message));
            }
            Some(item) => columns.push(item),
            None => {
                let message = format!("`{name}` is no item of the resource: rename or remove it");
                problems.push(Problem::new(at, "header.unknown", message));
            }
        }
    }
    let missing = |place: &usize| required(&items[*place]) && !columns.contains(place);
    for place in (0..items.len()).filter(missing) {
        let InformationItem { column, title, .. } = &items[place];
        let message = format!("the required column `{column}` ({title}) is missing: add it");
        problems.push(Problem::new(column.as_str(), "header.missing", message));
    }
    if problems.is_empty() {
        return Ok(columns);
    }
    let message = match problems.as_slice() {
        [only] => only.message.clone(),
        all => format!("the header does not fit the resource's items: {} problems", all.len()),
    };
    Err(Error::invalid(message, problems))
}

/// For every item, the place of its column in the file.
pub(super) fn places(columns: &[usize], items: usize) -> Vec<Option<usize>> {
    (0..items).map(|item| columns.iter().position(|column| *column == item)).collect()
}
