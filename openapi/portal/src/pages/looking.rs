//! What can be looked at of a dataset: rows, charts by column, places.

use catalog_core::directory::{InformationItem, ItemKind, Resource, ValueFormat};
use serde_json::json;

/// Charts that the page of a dataset brings by itself; the others are links.
const CHARTS: usize = 8;

/// A dataset's columns by what can be done with them.
#[derive(Debug, Clone, Copy)]
pub struct Looking<'a> {
    /// The entry with the items that the reader sees.
    pub resource: &'a Resource,
}

impl<'a> Looking<'a> {
    /// The columns of the grid as JSON for a script element, in which no tag may begin.
    pub fn columns(&self) -> String {
        let column =
            |item: &InformationItem| json!({ "name": item.column, "title": item.title, "kind": kind(item) });
        let columns: Vec<_> = self.resource.items.iter().map(column).collect();
        json!(columns).to_string().replace('<', "\\u003c")
    }

    /// Columns by which rows can be grouped.
    pub fn groups(&self) -> Vec<&'a InformationItem> {
        self.resource.items.iter().filter(|item| can_group(item)).collect()
    }

    /// Columns that can be measured.
    pub fn measures(&self) -> Vec<&'a InformationItem> {
        self.resource.items.iter().filter(|item| kind(item) == "number" && can_group(item)).collect()
    }

    /// Columns whose charts tell something: no keys, in which each value stands once, no free texts, nothing about one person. The
    /// first have their charts on the page.
    pub fn charted(&self) -> (Vec<&'a InformationItem>, Vec<&'a InformationItem>) {
        let is_telling = |item: &&InformationItem| {
            let is_key = self.resource.key.len() == 1 && self.resource.key.contains(&item.column);
            let is_long = item.item_type.kind == ItemKind::C && item.item_type.length >= 60;
            let is_number = matches!(item.format, Some(ValueFormat::CitizenId | ValueFormat::CreditCode));
            let is_free = item.item_type.kind == ItemKind::M && item.enumeration.is_empty();
            !(is_key || is_long || is_number || is_free || item.personal)
        };
        // Charts by division count counties: one by streets tells the same again where counties have a column of their own.
        let is_county = |item: &&InformationItem| is_division(item) && item.item_type.length <= 6;
        let has_counties = self.resource.items.iter().any(|item| is_county(&item));
        let is_again = |item: &&InformationItem| has_counties && is_division(item) && !is_county(item);
        let telling = self.groups().into_iter().filter(is_telling);
        let (again, mut all): (Vec<_>, Vec<_>) = telling.partition(|item| is_again(item));
        let mut rest = all.split_off(all.len().min(CHARTS));
        rest.extend(again);
        (all, rest)
    }

    /// Whether rows lie somewhere: a geometry, or longitude and latitude.
    pub fn has_places(&self) -> bool {
        let has =
            |format| self.resource.items.iter().any(|item| item.format == Some(format) && !item.personal);
        has(ValueFormat::Geometry) || (has(ValueFormat::Longitude) && has(ValueFormat::Latitude))
    }

    /// Where the file lies that a cell names; nothing where the column names none, or behind a mask.
    pub fn material(&self, column: &str, cell: &str) -> Option<String> {
        let item = self.resource.item(column)?;
        let is_digest = cell.len() == 64 && cell.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_named = item.format == Some(ValueFormat::Material) && is_digest;
        let code = self.resource.code.path_form();
        is_named.then(|| format!("/datasets/{code}/versions/latest/materials/{cell}"))
    }

    /// Whether a column holds numbers.
    pub fn is_number(&self, column: &str) -> bool {
        self.resource.item(column).is_some_and(|item| kind(item) == "number")
    }

    /// Whether a column holds geometries, which no table has room for.
    pub fn is_shape(&self, column: &str) -> bool {
        self.resource.item(column).is_some_and(|item| item.format == Some(ValueFormat::Geometry))
    }

    /// The first column with codes of divisions.
    pub fn division(&self) -> Option<&'a InformationItem> {
        self.resource.items.iter().find(|item| is_division(item))
    }
}

/// Whether a column holds codes of divisions.
pub(crate) fn is_division(item: &InformationItem) -> bool {
    item.format == Some(ValueFormat::DivisionCode) && item.item_type.kind == ItemKind::C
}

/// What the values of a column are to scripts.
fn kind(item: &InformationItem) -> &'static str {
    match (item.item_type.kind, item.format) {
        (_, Some(ValueFormat::Material)) => "material",
        (_, Some(ValueFormat::Geometry)) => "other",
        (ItemKind::N | ItemKind::Y | ItemKind::B | ItemKind::I | ItemKind::F, _) => "number",
        (ItemKind::D | ItemKind::T, _) => "date",
        (ItemKind::C | ItemKind::M, _) => "text",
        (ItemKind::L | ItemKind::G, _) => "other",
    }
}

fn can_group(item: &InformationItem) -> bool {
    let is_place = matches!(
        item.format,
        Some(
            ValueFormat::Geometry
                | ValueFormat::Longitude
                | ValueFormat::Latitude
                | ValueFormat::Material
                | ValueFormat::FileName
        )
    );
    item.item_type.kind != ItemKind::G && !is_place
}
