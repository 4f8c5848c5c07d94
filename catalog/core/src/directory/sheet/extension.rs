//! The sheet 扩展: which of its rows belong to which resource and item.

use std::collections::HashMap;

use super::cells::narrow;
use super::group::{Group, at};
use super::header::Header;
use super::{EXTENSION_COLUMNS, Grid, Row};
use crate::error::Problem;

/// Places of the columns in `EXTENSION_COLUMNS`.
pub(super) mod ext {
    pub(crate) const CODE: usize = 0;
    pub(crate) const TITLE: usize = 1;
    pub(crate) const ITEM: usize = 2;
    pub(crate) const PROVIDER: usize = 3;
    pub(crate) const KEYWORDS: usize = 4;
    pub(crate) const RELATED: usize = 5;
    pub(crate) const NAME: usize = 6;
    pub(crate) const DATA_CLASS: usize = 7;
    pub(crate) const PERSONAL: usize = 8;
    pub(crate) const LICENCE: usize = 9;
    pub(crate) const CONTACT: usize = 10;
    pub(crate) const TIME: usize = 11;
    pub(crate) const SPACE: usize = 12;
    pub(crate) const FORMAT: usize = 13;
    pub(crate) const REQUIRED: usize = 14;
    pub(crate) const KEY: usize = 15;
    pub(crate) const SORT: usize = 16;
    pub(crate) const SUBJECT: usize = 17;
    pub(crate) const VALUES: usize = 18;
    pub(crate) const MINIMUM: usize = 19;
    pub(crate) const MAXIMUM: usize = 20;
    pub(crate) const REFERENCE: usize = 21;
    pub(crate) const SOURCES: usize = 22;
    pub(crate) const VERIFICATIONS: usize = 23;
}

/// Gives each row to its resource, found by code, or by name where the code is empty. Returns the problems of rows
/// that belong to none; those of one resource go to it.
pub(super) fn assign<'a>(
    grid: &'a Grid,
    header: &Header,
    directory: &Header,
    groups: &mut [Group<'a>],
) -> Vec<Problem> {
    let mut index: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, group) in groups.iter().enumerate() {
        let title = directory.cell(group.first(), at::TITLE).to_owned();
        for key in [group.code(directory), title].into_iter().filter(|key| !key.is_empty()) {
            let places = index.entry(key).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
    let mut problems = Vec::new();
    let said = |row: &&Row| (0..EXTENSION_COLUMNS.len()).any(|column| !header.cell(row, column).is_empty());
    for row in grid.rows.iter().skip(header.first_data).filter(said) {
        let code = narrow(header.cell(row, ext::CODE));
        let (key, column) = if code.is_empty() {
            (header.cell(row, ext::TITLE), ext::TITLE)
        } else {
            (code.as_str(), ext::CODE)
        };
        let address = |column| grid.address(row.number, header.place(column));
        match index.get(key).map(Vec::as_slice) {
            Some([place]) => {
                if let Err((column, rule, message)) = take(&mut groups[*place], row, header, directory) {
                    groups[*place].problems.push(Problem::new(address(column), rule, message));
                }
            }
            Some(_) => {
                let message =
                    format!("`{key}` names several resources of the first sheet; write the code too");
                problems.push(Problem::new(address(column), "extension.ambiguous", message));
            }
            None => {
                let message = format!("`{key}` is not a resource of the first sheet; correct code or name");
                problems.push(Problem::new(address(column), "extension.unmatched", message));
            }
        }
    }
    problems
}

fn take<'a>(
    group: &mut Group<'a>,
    row: &'a Row,
    header: &Header,
    directory: &Header,
) -> Result<(), (usize, &'static str, String)> {
    let title = header.cell(row, ext::ITEM);
    let slot = if title.is_empty() {
        &mut group.extension
    } else {
        let item = group.items.iter_mut().find(|(item, _)| directory.cell(item, at::ITEM) == title);
        let unmatched = || {
            let message = format!("the resource has no item `{title}`; correct the name");
            (ext::ITEM, "extension.unmatched", message)
        };
        &mut item.ok_or_else(unmatched)?.1
    };
    if slot.is_some() {
        let message = "a row above says this already; keep one of them".to_owned();
        return Err((ext::ITEM, "extension.twice", message));
    }
    *slot = Some(row);
    Ok(())
}
