use super::*;
use crate::directory::rules::tests::sample;
use crate::directory::{ItemKind, ItemType};

#[test]
fn a_new_resource_is_all_difference_and_the_same_one_none() {
    let resource = sample();
    assert!(diff(Some(&resource), &resource).is_empty());
    let changes = diff(None, &resource);
    assert!(changes.iter().all(|change| change.before.is_none() && change.after.is_some()));
    assert!(changes.iter().any(|change| change.at == "items[credit_code].type"));
}

#[test]
fn changes_are_named_by_field_and_column() {
    let old = sample();
    let mut new = old.clone();
    new.summary = "新的摘要".to_owned();
    new.contact = None;
    new.items[1].sharing = Sharing::Unconditional;
    let changes = diff(Some(&old), &new);
    let ats: Vec<_> = changes.iter().map(|change| change.at.as_str()).collect();
    assert_eq!(ats, ["abstract", "items[legal_id].sharing", "contact"]);
    assert_eq!(changes[1].before.as_deref(), Some("有条件共享：办理登记时核验"));
    assert_eq!(changes[1].after.as_deref(), Some("无条件共享"));
    assert_eq!(changes[2].after, None);
}

#[test]
fn shapes_are_compared_as_readers_see_them() {
    let old = sample();
    assert_eq!(schema_change(&old, &old), SchemaChange::Unchanged);

    let mut longer = old.clone();
    longer.items[0].item_type.length = 30;
    assert_eq!(schema_change(&old, &longer), SchemaChange::Unchanged);

    let mut added = old.clone();
    let column = ColumnName::new("phone").unwrap();
    added.items.insert(0, InformationItem { column: column.clone(), ..old.items[1].clone() });
    assert_eq!(schema_change(&old, &added), SchemaChange::AddsOnly { columns: vec![column] });
    assert!(matches!(schema_change(&added, &old), SchemaChange::Breaking { .. }));

    let retyped = |item_type| {
        let mut new = old.clone();
        new.items[2].item_type = item_type;
        matches!(schema_change(&old, &new), SchemaChange::Breaking { .. })
    };
    assert!(retyped(ItemType::plain(ItemKind::I)));
    assert!(retyped(ItemType { kind: ItemKind::N, length: 18, scale: 4 }));
    assert!(
        !retyped(ItemType { kind: ItemKind::N, length: 18, scale: 2 }),
        "money is stored as decimal(18,2)"
    );

    let mut nullable = old.clone();
    nullable.items[0].required = false;
    assert!(matches!(schema_change(&old, &nullable), SchemaChange::Breaking { .. }));
    let mut keyless = old.clone();
    keyless.key.clear();
    assert!(matches!(schema_change(&old, &keyless), SchemaChange::Breaking { .. }));
}
