//! What the page shows of an OpenAPI document.

use serde_json::Value;

use super::{ApiOperation, ApiParameter, ApiTag};

/// Parts of the document that are pages for people.
pub(super) const PAGES: [&str; 2] = ["portal", "desk"];
/// How deep schemas are shown.
const DEEP: usize = 3;
/// Where schemas lie that others refer to.
const SCHEMAS: &str = "#/components/schemas/";

impl ApiTag {
    /// The parts of a document and their operations, but for pages for people.
    pub fn all_of(document: &Value) -> Vec<Self> {
        let described = list(&document["tags"]);
        let mut tags: Vec<_> = described.map(|tag| Self::new(&tag["name"], &tag["description"])).collect();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let name = &operation["tags"][0];
                let shown = operation_of(document, method, path, operation);
                match tags.iter_mut().find(|tag| *name == *tag.name) {
                    Some(tag) => tag.operations.push(shown),
                    // A part that the document describes nowhere has a name at least.
                    None => tags.push(Self { operations: vec![shown], ..Self::new(name, &Value::Null) }),
                }
            }
        }
        tags.retain(|tag| {
            !tag.name.is_empty() && !PAGES.contains(&tag.name.as_str()) && !tag.operations.is_empty()
        });
        tags
    }

    fn new(name: &Value, description: &Value) -> Self {
        Self { name: text(name), description: text(description), operations: Vec::new() }
    }
}

fn operation_of(document: &Value, method: &str, path: &str, operation: &Value) -> ApiOperation {
    let parameter = |parameter: &Value| ApiParameter {
        name: text(&parameter["name"]),
        is_in_path: parameter["in"] == "path",
        description: text(&parameter["description"]),
        is_required: parameter["required"] == true,
    };
    let shown = |parameter: &&Value| parameter["in"] == "path" || parameter["in"] == "query";
    let bodies = operation["requestBody"]["content"].as_object();
    let body = bodies.and_then(|bodies| bodies.values().next());
    let schema = body.map(|body| resolved(document, &body["schema"], DEEP));
    let answers = operation["responses"].as_object().into_iter().flatten();
    ApiOperation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        parameters: list(&operation["parameters"]).filter(shown).map(parameter).collect(),
        bodies: bodies.map(|bodies| bodies.keys().cloned().collect()).unwrap_or_default(),
        body_schema: schema.filter(|schema| !schema.is_null()),
        answers: answers.map(|(status, answer)| (status.clone(), text(&answer["description"]))).collect(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A schema with those in place that it refers to, down to a depth: beyond it only their names are shown.
fn resolved(document: &Value, schema: &Value, depth: usize) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|place| place.strip_prefix(SCHEMAS)) {
        return match depth {
            0 => Value::from(name),
            _ => resolved(document, &document["components"]["schemas"][name], depth - 1),
        };
    }
    match schema {
        Value::Object(fields) => {
            let fields = fields.iter();
            fields.map(|(name, value)| (name.clone(), resolved(document, value, depth))).collect()
        }
        Value::Array(values) => values.iter().map(|value| resolved(document, value, depth)).collect(),
        other => other.clone(),
    }
}
