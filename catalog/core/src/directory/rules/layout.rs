//! Rules for key, sort and subject columns.

use super::super::{InformationItem, ItemKind, Opening, Resource, Sharing, ValueFormat};
use super::Findings;
use crate::ids::ColumnName;

const MAX_VERIFICATIONS: usize = 4;

pub(super) fn check(resource: &Resource, found: &mut Findings) {
    for (item, at) in named(resource, &resource.key, "key", found) {
        let message =
            format!("the key column `{}` must have a value in every row: set 必填 to 是", item.column);
        found.expect(item.required, &at, "key.required", message);
        let message = format!(
            "the column `{}` holds {}, which can't be a key",
            item.column,
            item.item_type.kind.label()
        );
        found.expect(is_orderable(item), &at, "key.type", message);
    }
    for (item, at) in named(resource, &resource.sort, "sort", found) {
        let shared = item.sharing == Sharing::Unconditional || item.opening == Opening::Open;
        let message = format!(
            "rows are stored in the order of `{}`, which everybody sees: sort by items that are open or shared \
             without condition and not personal",
            item.column
        );
        found.expect(shared && !item.personal, &at, "sort.attribute", message);
        let message =
            format!("the column `{}` holds {}, which has no order", item.column, item.item_type.kind.label());
        found.expect(is_orderable(item), &at, "sort.type", message);
    }
    if let Some(subject) = &resource.subject {
        let known = resource.item(subject.as_str()).is_some();
        found.expect(known, "subject", "subject.column", format!("there is no column `{subject}`"));
    }
    verifications(resource, found);
}

/// Each profile is an index of all rows: there are few.
fn verifications(resource: &Resource, found: &mut Findings) {
    let profiles = &resource.verifications;
    let names: Vec<_> = profiles.iter().map(ToString::to_string).collect();
    found.expect_unique(&names, "verifications", "verifications.unique", "name a verification once");
    let message = format!("name {MAX_VERIFICATIONS} verifications at most");
    found.expect(profiles.len() <= MAX_VERIFICATIONS, "verifications", "verifications.many", message);
    for (place, profile) in profiles.iter().enumerate() {
        let at = format!("verifications[{place}]");
        let message = format!("`{profile}` names one column twice; name an identifier and what must agree");
        found.expect(profile.identifier != profile.attribute, &at, "verifications.same", message);
        for column in profile.columns() {
            let Some(item) = resource.item(column.as_str()) else {
                let message = format!("there is no column `{column}`");
                found.expect(false, &at, "verifications.column", message);
                continue;
            };
            let message = format!(
                "the column `{column}` holds {}; texts alone are verified",
                item.item_type.kind.label()
            );
            let is_text = item.item_type.kind == ItemKind::C && item.format != Some(ValueFormat::Material);
            found.expect(is_text, &at, "verifications.type", message);
        }
    }
}

/// The items of a list of columns with their places; columns that are unknown or named twice are problems.
fn named<'a>(
    resource: &'a Resource,
    columns: &'a [ColumnName],
    at: &str,
    found: &mut Findings,
) -> Vec<(&'a InformationItem, String)> {
    let names: Vec<_> = columns.iter().map(ColumnName::as_str).collect();
    found.expect_unique(&names, at, &format!("{at}.unique"), "name a column once");
    let mut items = Vec::new();
    for (place, name) in names.into_iter().enumerate() {
        let at_place = format!("{at}[{place}]");
        match resource.item(name) {
            Some(item) => items.push((item, at_place)),
            None => {
                let message = format!("there is no column `{name}`");
                found.expect(false, at_place, &format!("{at}.column"), message);
            }
        }
    }
    items
}

fn is_orderable(item: &InformationItem) -> bool {
    !matches!(item.item_type.kind, ItemKind::G | ItemKind::M | ItemKind::B | ItemKind::F)
}
