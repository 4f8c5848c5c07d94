//! Rules for key, sort and subject columns.

use super::super::{InformationItem, ItemKind, Opening, Resource, Sharing};
use super::Findings;
use crate::ids::ColumnName;

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
