//! The JSON Schema (2020-12) of a dataset and its data dictionary, generated from the items.
//!
//! Items and schema are one truth: nothing here is stored. Beyond the standard's keywords the schema carries
//! `x-code`, `x-key`, `x-sort` and `x-subject` on the object, and `x-type`, `x-personal`, `x-reference`, `x-minimum`
//! and `x-maximum` (bounds of dates and times, which `minimum` can't express) on its members. `format` names
//! `citizen-id`, `credit-code` and `division-code` besides the standard's own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::directory::diff::{opening_text, sharing_text};
use crate::directory::{InformationItem, ItemKind, Resource, Sharing, ValueFormat};
use crate::policy::{BoundPolicy, Mask, VisibleColumn};

#[cfg(test)]
mod tests;

/// The dialect of every schema written here.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const GEOMETRIES: [&str; 7] =
    ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"];

/// The schema of one row as a JSON object. Items that are not mandatory may be absent or null.
pub fn json_schema(resource: &Resource) -> Value {
    let member = |item: &InformationItem| (item.column.to_string(), property(item));
    let properties: Map<_, _> = resource.items.iter().map(member).collect();
    let required = resource.items.iter().filter(|item| item.required);
    let mut schema = json!({
        "$schema": DIALECT,
        "title": resource.title,
        "description": resource.summary,
        "type": "object",
        "properties": properties,
        "required": required.map(|item| &item.column).collect::<Vec<_>>(),
        "additionalProperties": false,
        "x-code": resource.code,
        "x-key": resource.key,
        "x-sort": resource.sort,
    });
    if let Some(subject) = &resource.subject {
        schema["x-subject"] = json!(subject);
    }
    schema
}

fn property(item: &InformationItem) -> Value {
    let mut property = type_keywords(item);
    property.insert("title".to_owned(), json!(item.title));
    property.insert("x-type".to_owned(), json!(item.item_type.to_string()));
    if !item.required
        && let Some(kind) = property.get("type").cloned()
    {
        property.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(format) = item.format.filter(|format| *format != ValueFormat::Geometry) {
        property.insert("format".to_owned(), json!(format.as_str()));
    }
    if !item.enumeration.is_empty() {
        let null = (!item.required).then_some(Value::Null);
        let values = item.enumeration.iter().map(|text| value(text, item.item_type.kind));
        property.insert("enum".to_owned(), values.chain(null).collect());
    }
    let temporal = matches!(item.item_type.kind, ItemKind::D | ItemKind::T);
    let (minimum, maximum) = item.bounds();
    for (bound, keyword) in [(minimum, "minimum"), (maximum, "maximum")] {
        let keyword = if temporal { format!("x-{keyword}") } else { keyword.to_owned() };
        property.extend(bound.map(|text| (keyword.clone(), value(text, item.item_type.kind))));
    }
    if item.personal {
        property.insert("x-personal".to_owned(), Value::Bool(true));
    }
    property.extend(item.reference.iter().map(|reference| ("x-reference".to_owned(), json!(reference))));
    property.into()
}

/// The keywords that the type and length of the item demand.
fn type_keywords(item: &InformationItem) -> Map<String, Value> {
    let ty = item.item_type;
    let keywords = match ty.kind {
        ItemKind::C | ItemKind::M if ty.length == 0 => json!({"type": "string"}),
        ItemKind::C | ItemKind::M => json!({"type": "string", "maxLength": ty.length}),
        ItemKind::N | ItemKind::Y => {
            let (precision, scale) = ty.decimal().unwrap_or((18, 0));
            let whole = power_of_ten(i32::from(precision) - i32::from(scale));
            json!({
                "type": "number",
                "multipleOf": power_of_ten(-i32::from(scale)),
                "exclusiveMinimum": negative(&whole),
                "exclusiveMaximum": whole,
            })
        }
        ItemKind::I => json!({"type": "integer"}),
        ItemKind::B | ItemKind::F => json!({"type": "number"}),
        ItemKind::D => json!({"type": "string", "format": "date"}),
        ItemKind::T => json!({"type": "string", "format": "date-time"}),
        ItemKind::L => json!({"type": "boolean"}),
        ItemKind::G if item.format == Some(ValueFormat::Geometry) => json!({
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": GEOMETRIES}},
            "x-format": ValueFormat::Geometry.as_str(),
        }),
        ItemKind::G => json!({"type": "string", "contentEncoding": "base64"}),
    };
    match keywords {
        Value::Object(keywords) => keywords,
        _ => Map::new(),
    }
}

/// Ten to a power, written so that JSON shows it exactly where 64 bits can: 0.01, 10000.
fn power_of_ten(exponent: i32) -> Value {
    match u32::try_from(exponent).ok().and_then(|exponent| 10i64.checked_pow(exponent)) {
        Some(whole) => json!(whole),
        // Parsing decimal text gives the nearest number; powi would not.
        None => format!("1e{exponent}").parse::<f64>().map_or(Value::Null, Value::from),
    }
}

fn negative(number: &Value) -> Value {
    match number.as_i64() {
        Some(whole) => json!(-whole),
        None => json!(-number.as_f64().unwrap_or(f64::MAX)),
    }
}

/// A value of an enumeration or bound in the JSON type of its item.
fn value(text: &str, kind: ItemKind) -> Value {
    let numeric = matches!(kind, ItemKind::N | ItemKind::Y | ItemKind::I | ItemKind::B | ItemKind::F);
    let number = || text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from));
    match numeric.then(number) {
        Some(Ok(number)) => number,
        _ => json!(text),
    }
}

/// The resource as a bound policy shows it: visible items alone, masked ones in their mask's type and without the
/// rules about the hidden values. Schema and dictionary of it say nothing about denied items.
pub fn visible(resource: &Resource, policy: &BoundPolicy) -> Resource {
    let mut shown = Resource { items: Vec::new(), ..resource.clone() };
    let stored = policy.stored_columns();
    for column in stored {
        let item = resource.item(column.column.as_str()).cloned();
        shown.items.extend(item.map(|item| match &column.mask {
            Some(mask) => masked(item, mask),
            None => item,
        }));
    }
    shown.items.extend(policy.columns[stored.len()..].iter().map(|column| of_cells(resource, column)));
    let clear =
        |name: &str| stored.iter().any(|column| column.column.as_str() == name && column.mask.is_none());
    if !resource.key.iter().all(|name| clear(name.as_str())) {
        shown.key.clear();
    }
    shown.sort.retain(|name| clear(name.as_str()));
    shown.naming_only(|name| clear(name.as_str()))
}

/// A count or a sum, shared and open as the resource is.
fn of_cells(resource: &Resource, column: &VisibleColumn) -> InformationItem {
    InformationItem {
        title: column.title.clone(),
        column: column.column.clone(),
        item_type: column.stored_type,
        sharing: resource.sharing().cloned().unwrap_or(Sharing::Unconditional),
        opening: resource.opening().clone(),
        data_class: resource.data_class,
        personal: false,
        required: false,
        format: None,
        enumeration: Vec::new(),
        minimum: None,
        maximum: None,
        reference: None,
    }
}

fn masked(item: InformationItem, mask: &Mask) -> InformationItem {
    InformationItem {
        item_type: mask.output_type(item.item_type).unwrap_or(item.item_type),
        required: false,
        format: None,
        enumeration: Vec::new(),
        minimum: None,
        maximum: None,
        reference: None,
        ..item
    }
}

/// One line of the data dictionary 数据字典.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DictionaryLine {
    /// Column name in SQL and files.
    pub column: String,
    /// Chinese name 信息项名称.
    pub title: String,
    /// Type and length: `字符型C(18)`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether every row has a value.
    pub required: bool,
    /// Sharing type with condition or basis.
    pub sharing: String,
    /// Opening with condition.
    pub opening: String,
    /// Data class 数据分级.
    pub data_class: String,
    /// Whether it is personal information.
    pub personal: bool,
    /// What values are allowed beyond the type; empty where all are.
    pub description: String,
}

/// The data dictionary of a resource, in the order of its items.
pub fn dictionary(resource: &Resource) -> Vec<DictionaryLine> {
    let line = |item: &InformationItem| DictionaryLine {
        column: item.column.to_string(),
        title: item.title.clone(),
        data_type: item.item_type.to_string(),
        required: item.required,
        sharing: sharing_text(&item.sharing),
        opening: opening_text(&item.opening),
        data_class: item.data_class.label().to_owned(),
        personal: item.personal,
        description: description(item),
    };
    resource.items.iter().map(line).collect()
}

fn description(item: &InformationItem) -> String {
    let mut parts = Vec::new();
    parts.extend(item.format.map(|format| format.label().to_owned()));
    if !item.enumeration.is_empty() {
        parts.push(format!("取值：{}", item.enumeration.join("、")));
    }
    parts.extend(item.minimum.iter().map(|bound| format!("最小值：{bound}")));
    parts.extend(item.maximum.iter().map(|bound| format!("最大值：{bound}")));
    parts.extend(item.reference.iter().map(|reference| format!("引用：{reference}")));
    parts.join("；")
}
