//! JSON objects as rows.

use std::fmt;

use catalog_core::Result;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::header::item_named;
use super::rows::TextRows;
use super::{Input, MAX_FIELD};
use crate::convert::CERTAIN_DIGITS;
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
///
/// A number with a fraction, or one that no integer type holds, has passed through a double, which keeps 15 digits for
/// certain: with more than that it is written as a spreadsheet writes it, and validation says that digits are lost.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() => number.as_f64().map(|number| {
            let text = format!("{number:E}");
            let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
            match mantissa.bytes().filter(u8::is_ascii_digit).count() > CERTAIN_DIGITS {
                true if exponent.starts_with('-') => text,
                true => format!("{mantissa}E+{exponent}"),
                false => value.to_string(),
            }
        }),
        other => Some(other.to_string()),
    }
}

/// The members of an object. A name that stands twice is an error: serde_json would keep the last one.
pub(super) struct Members(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Self::Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("`{name}` stands twice")));
            }
            members.insert(name, value);
        }
        Ok(members)
    }
}
