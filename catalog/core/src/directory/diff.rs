//! What changed between two states of a resource: for the reviewer, and for the shape of its data.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{InformationItem, Opening, Resource, Sharing, ValueFormat};
use crate::ids::ColumnName;

#[cfg(test)]
mod tests;

/// One difference, readable by people. Items are named by their columns: `items[legal_name].sharing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Which field.
    pub at: String,
    /// What is published; `None` where the field is new.
    pub before: Option<String>,
    /// What the draft says; `None` where the field is gone.
    pub after: Option<String>,
}

/// The differences of a draft to what is published, in the order of the fields; everything when nothing is.
pub fn diff(published: Option<&Resource>, draft: &Resource) -> Vec<Change> {
    let old = published.map(facts).unwrap_or_default();
    let new = facts(draft);
    let (before, after) = (by_place(&old), by_place(&new));
    let gone = old.iter().filter(|fact| !after.contains_key(fact.0.as_str()));
    let text = |facts: &HashMap<&str, &str>, at: &str| facts.get(at).map(|text| (*text).to_owned());
    new.iter()
        .chain(gone)
        .map(|(at, _)| Change { at: at.clone(), before: text(&before, at), after: text(&after, at) })
        .filter(|change| change.before != change.after)
        .collect()
}

/// Each field once, as it is said first: a thousand items are some thousands of fields.
fn by_place(facts: &[Fact]) -> HashMap<&str, &str> {
    let mut found = HashMap::with_capacity(facts.len());
    for (at, text) in facts {
        found.entry(at.as_str()).or_insert(text.as_str());
    }
    found
}

/// A field with its content as text. Empty fields have none.
type Fact = (String, String);

fn facts(resource: &Resource) -> Vec<Fact> {
    let columns =
        |columns: &[ColumnName]| columns.iter().map(ColumnName::as_str).collect::<Vec<_>>().join(", ");
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let related: Vec<_> = resource.related.iter().map(|code| code.as_str()).collect();
    let sources: Vec<_> = resource.derived_from.iter().map(|code| code.as_str()).collect();
    let verifications: Vec<_> = resource.verifications.iter().map(ToString::to_string).collect();
    let fields = [
        ("sql_name", resource.sql_name.to_string()),
        ("title", resource.title.clone()),
        ("provider", resource.provider.to_string()),
        ("classification", resource.classification.join(" / ")),
        ("abstract", resource.summary.clone()),
        ("format.class", resource.format.class.clone()),
        ("format.kind", resource.format.kind.clone()),
        ("format.other", resource.format.other.clone()),
        ("sharing_method.class", resource.sharing_method.class.clone()),
        ("sharing_method.kind", resource.sharing_method.kind.clone()),
        ("update_cycle", resource.update_cycle.label().to_owned()),
        ("published_on", resource.published_on.map(|date| date.to_string()).unwrap_or_default()),
        ("related", related.join(", ")),
        ("derived_from", sources.join(", ")),
        ("business_matter", resource.business_matter.clone()),
        ("sub_organisation", resource.sub_organisation.clone()),
        ("open_topic", resource.open_topic.clone()),
        ("keywords", resource.keywords.join(", ")),
        ("data_class", resource.data_class.label().to_owned()),
        ("personal", flag(resource.personal)),
        ("licence", optional(&resource.licence)),
        ("contact", optional(&resource.contact)),
        ("temporal_coverage", optional(&resource.temporal_coverage)),
        ("spatial_coverage", optional(&resource.spatial_coverage)),
        ("key", columns(&resource.key)),
        ("sort", columns(&resource.sort)),
        ("subject", columns(resource.subject.as_slice())),
        ("verifications", verifications.join(", ")),
    ];
    let fields = fields.into_iter().map(|(at, text)| (at.to_owned(), text));
    let items = resource.items.iter().enumerate().flat_map(|(place, item)| {
        let at = move |field: &str| format!("items[{}].{field}", item.column);
        item_facts(place, item).into_iter().map(move |(field, text)| (at(field), text))
    });
    fields.chain(items).filter(|(_, text)| !text.is_empty()).collect()
}

fn item_facts(place: usize, item: &InformationItem) -> [(&'static str, String); 13] {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let reference = item.reference.as_ref();
    [
        ("title", item.title.clone()),
        ("position", (place + 1).to_string()),
        ("type", item.item_type.to_string()),
        ("sharing", sharing_text(&item.sharing)),
        ("opening", opening_text(&item.opening)),
        ("data_class", item.data_class.label().to_owned()),
        ("personal", flag(item.personal)),
        ("required", flag(item.required)),
        ("format", item.format.map_or("", ValueFormat::as_str).to_owned()),
        ("enumeration", item.enumeration.join(", ")),
        ("minimum", optional(&item.minimum)),
        ("maximum", optional(&item.maximum)),
        ("reference", reference.map(ToString::to_string).unwrap_or_default()),
    ]
}

fn flag(value: bool) -> String {
    if value { "是" } else { "否" }.to_owned()
}

/// `有条件共享：用于惠民补贴审核`.
pub(crate) fn sharing_text(sharing: &Sharing) -> String {
    match sharing {
        Sharing::Unconditional => sharing.label().to_owned(),
        Sharing::Conditional { condition: text } | Sharing::Withheld { basis: text } => {
            format!("{}：{text}", sharing.label())
        }
    }
}

/// `有条件开放：实名注册`.
pub(crate) fn opening_text(opening: &Opening) -> String {
    match opening {
        Opening::Closed => "不开放".to_owned(),
        Opening::Open => "无条件开放".to_owned(),
        Opening::Conditional { condition } => format!("有条件开放：{condition}"),
    }
}

/// What a new state of a resource means for those who read its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum SchemaChange {
    /// Stored versions and new ones have one shape.
    Unchanged,
    /// Items are added; what was there is as it was.
    AddsOnly {
        /// The added columns, in order.
        columns: Vec<ColumnName>,
    },
    /// Something that readers rely on is removed, retyped or weakened.
    Breaking {
        /// What and why, one sentence each.
        reasons: Vec<String>,
    },
}

/// Compares the shapes of the data of two states: columns, stored types, mandatory values and key.
pub fn schema_change(old: &Resource, new: &Resource) -> SchemaChange {
    let mut reasons: Vec<_> = old.items.iter().filter_map(|item| break_of(item, new)).collect();
    if old.key != new.key {
        reasons.push("the key changes, so rows of earlier versions can't be matched".to_owned());
    }
    if !reasons.is_empty() {
        return SchemaChange::Breaking { reasons };
    }
    let known: BTreeSet<_> = old.items.iter().map(|item| &item.column).collect();
    let added = new.items.iter().map(|item| &item.column).filter(|column| !known.contains(column));
    let columns: Vec<_> = added.cloned().collect();
    if columns.is_empty() { SchemaChange::Unchanged } else { SchemaChange::AddsOnly { columns } }
}

fn break_of(old: &InformationItem, new: &Resource) -> Option<String> {
    let column = &old.column;
    let Some(item) = new.item(column.as_str()) else {
        return Some(format!("the column `{column}` is removed"));
    };
    if old.stored() != item.stored() {
        return Some(format!("the column `{column}` changes from {} to {}", old.item_type, item.item_type));
    }
    (old.required && !item.required).then(|| format!("the column `{column}` may now be empty"))
}
