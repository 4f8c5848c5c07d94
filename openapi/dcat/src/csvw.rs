//! The data dictionary 数据字典 as CSV on the Web (W3C Metadata Vocabulary for Tabular Data).

use catalog_core::directory::{InformationItem, ItemKind, ItemType};
use catalog_core::schema::dictionary;
use serde_json::{Map, Value, json};

use crate::dataset::{Described, Release};

/// Metadata for the CSV files of a release, by its number and as `latest`; addresses are relative to the dataset's.
pub fn csvw(described: &Described, release: &Release) -> Value {
    let resource = &described.resource;
    let descriptions = dictionary(resource).into_iter().map(|line| line.description);
    let columns: Vec<_> =
        resource.items.iter().zip(descriptions).map(|(item, text)| column(item, &text)).collect();
    let mut schema = json!({ "columns": columns });
    if !resource.key.is_empty() {
        schema["primaryKey"] = json!(resource.key);
    }
    let tables = ["latest".to_owned(), release.number.to_string()]
        .map(|name| json!({ "url": format!("{name}.csv"), "tableSchema": schema }));
    let mut metadata = json!({
        "@context": ["http://www.w3.org/ns/csvw", { "@language": "zh" }],
        "dc:title": resource.title,
        "dc:description": resource.summary,
        "dc:identifier": resource.code,
        "dc:publisher": described.provider.name,
        "dialect": { "encoding": "utf-8", "header": true, "delimiter": "," },
        "tables": tables,
    });
    if let Some(licence) = described.licence_address() {
        metadata["dc:license"] = json!({ "@id": licence });
    }
    metadata
}

fn column(item: &InformationItem, description: &str) -> Value {
    // A header of these files has the machine name.
    let mut column = json!({
        "name": item.column, "titles": { "und": [item.column], "zh": [item.title] },
        "datatype": datatype(item), "required": item.required,
    });
    if !description.is_empty() {
        column["dc:description"] = json!(description);
    }
    column
}

fn datatype(item: &InformationItem) -> Value {
    let mut datatype = Map::from_iter([("base".to_owned(), json!(base(item.item_type)))]);
    let ItemType { kind, length, .. } = item.item_type;
    if matches!(kind, ItemKind::C | ItemKind::M) && length > 0 {
        datatype.insert("maxLength".to_owned(), json!(length));
    }
    for (name, bound) in [("minimum", &item.minimum), ("maximum", &item.maximum)] {
        datatype.extend(bound.iter().map(|bound| (name.to_owned(), json!(bound))));
    }
    datatype.into()
}

/// The built-in datatype of CSV on the Web.
fn base(item_type: ItemType) -> &'static str {
    match item_type.kind {
        ItemKind::C | ItemKind::M | ItemKind::G => "string",
        ItemKind::N | ItemKind::Y => "decimal",
        ItemKind::I => "long",
        ItemKind::B => "double",
        ItemKind::F => "float",
        ItemKind::D => "date",
        ItemKind::T => "dateTime",
        ItemKind::L => "boolean",
    }
}
