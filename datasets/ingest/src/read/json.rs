//! JSON objects as rows.

use catalog_core::Result;
use serde_json::{Map, Value};

use super::header::item_named;
use super::rows::TextRows;
use super::{Input, MAX_FIELD};
use crate::fault::Rule;

/// Adds the members of an object as a row; a member without an item breaks the row.
///
/// `geometry` is the item that takes a GeoJSON feature's geometry, with its value.
pub(super) fn push(
    rows: &mut TextRows<'_, '_>,
    input: &Input<'_>,
    row: u64,
    members: &Map<String, Value>,
    geometry: Option<(usize, &Value)>,
) -> Result<()> {
    let mut cells: Vec<Option<String>> = vec![None; input.items.len()];
    if let Some((item, value)) = geometry {
        cells[item] = text_of(value);
    }
    for (name, value) in members {
        let Some(item) = item_named(input.items, name) else {
            return rows.broken(row, 1, Rule::Columns, format!("`{name}` is no item of the resource"));
        };
        if cells[item].is_some() {
            return rows.broken(row, 1, Rule::Columns, format!("`{name}` stands twice"));
        }
        cells[item] = text_of(value);
    }
    if cells.iter().flatten().any(|cell| cell.len() > MAX_FIELD) {
        return rows.broken(row, 1, Rule::Syntax, "a value of over 1 MiB");
    }
    rows.push(row, cells.iter().map(Option::as_deref))
}

/// Text as it is; numbers, flags and structures as JSON writes them.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
