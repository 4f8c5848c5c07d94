//! Rules for each information item.

use std::cmp::Ordering;

use super::super::{DataClass, InformationItem, ItemKind, Opening, Resource, Sharing, ValueFormat};
use super::Findings;
use super::values;

/// The most items of one resource: what a table can carry.
const MAX_ITEMS: usize = 1_000;
/// The words for open without condition, which therefore are not a condition.
pub(crate) const OPEN_WITHOUT_CONDITION: &str = "无条件开放";
/// What may stand between two allowed values in the sheet, and so not within one.
pub(crate) const VALUE_SEPARATORS: [char; 4] = ['|', ';', '；', '\n'];

pub(super) fn check(resource: &Resource, found: &mut Findings) {
    let count = resource.items.len();
    found.expect(count > 0, "items", "items.missing", "list at least one information item");
    found.expect(count <= MAX_ITEMS, "items", "items.many", format!("list at most {MAX_ITEMS} items"));
    names(resource, found);
    for (place, item) in resource.items.iter().take(MAX_ITEMS).enumerate() {
        let at = |field: &str| format!("items[{place}].{field}");
        item_type(item, &at, found);
        sharing(item, resource, &at, found);
        format(item, &at, found);
        allowed_values(item, &at, found);
        reference(item, resource, &at, found);
    }
}

/// Chinese names work in SQL too, so a title may not be the name of another item's column either.
fn names(resource: &Resource, found: &mut Findings) {
    let items = &resource.items[..resource.items.len().min(MAX_ITEMS)];
    for (place, item) in items.iter().enumerate() {
        let title = item.title.to_lowercase();
        let earlier = &items[..place];
        let taken = earlier.iter().any(|other| other.title.to_lowercase() == title);
        let message = format!("the name `{}` is taken by an item above; choose another", item.title);
        found.expect(!taken, format!("items[{place}].title"), "item.title_unique", message);
        let taken = earlier.iter().any(|other| other.column == item.column);
        let message = format!("the column `{}` is taken by an item above; choose another", item.column);
        found.expect(!taken, format!("items[{place}].column"), "item.column_unique", message);
        let others = items.iter().enumerate().filter(|(other, _)| *other != place);
        let clash = others.into_iter().any(|(_, other)| other.column.as_str() == title);
        let message = format!("the name `{}` is the column of another item; choose another", item.title);
        found.expect(!clash, format!("items[{place}].title"), "item.name_clash", message);
    }
}

fn item_type(item: &InformationItem, at: &dyn Fn(&str) -> String, found: &mut Findings) {
    let ty = item.item_type;
    let (good, message) = match ty.kind {
        ItemKind::C => (ty.length > 0 && ty.scale == 0, "a 字符型C needs its length in characters"),
        ItemKind::M => (ty.scale == 0, "a 备注型M has a length in characters or none, and no scale"),
        ItemKind::N => (
            (1..=38).contains(&ty.length) && u16::from(ty.scale) <= ty.length,
            "a 数值型N needs its digits, 1 to 38, and at most as many after the point: 18,2",
        ),
        _ => (ty.length == 0 && ty.scale == 0, "this type has no length of its own; leave it empty"),
    };
    found.expect(good, at("type"), "type.length", message);
}

fn sharing(item: &InformationItem, resource: &Resource, at: &dyn Fn(&str) -> String, found: &mut Findings) {
    match &item.sharing {
        Sharing::Withheld { basis } => {
            let message = "不予共享 needs its basis: the law, regulation or document that forbids sharing";
            found.expect(!basis.is_empty(), at("sharing"), "sharing.basis", message);
            let message = "a withheld item 不予共享 is not open: set 是否向社会开放 to 否";
            found.expect(item.opening == Opening::Closed, at("opening"), "opening.withheld", message);
        }
        Sharing::Conditional { condition } => {
            let message = "有条件共享 needs its condition";
            found.expect(!condition.is_empty(), at("sharing"), "sharing.condition", message);
        }
        Sharing::Unconditional => {}
    }
    if let Opening::Conditional { condition } = &item.opening {
        let good = !condition.is_empty() && condition != OPEN_WITHOUT_CONDITION;
        let message = "有条件开放 needs its condition; without one the item is simply open";
        found.expect(good, at("opening"), "opening.condition", message);
    }
    let general = item.data_class.max(resource.data_class) == DataClass::General;
    let message = "important 重要 and core 核心 data are never open: set 是否向社会开放 to 否";
    found.expect(general || item.opening == Opening::Closed, at("opening"), "opening.data_class", message);
}

fn format(item: &InformationItem, at: &dyn Fn(&str) -> String, found: &mut Findings) {
    let Some(format) = item.format else { return };
    let ty = item.item_type;
    let (good, message) = match format {
        ValueFormat::CitizenId | ValueFormat::CreditCode => (
            ty.kind == ItemKind::C && ty.length >= 18,
            "this format needs a 字符型C of at least 18 characters",
        ),
        ValueFormat::DivisionCode => {
            (ty.kind == ItemKind::C && ty.length >= 6, "this format needs a 字符型C of at least 6 characters")
        }
        ValueFormat::Geometry => (ty.kind == ItemKind::G, "a geometry needs the type 通用型G"),
        ValueFormat::Longitude | ValueFormat::Latitude => {
            let degrees = ty.decimal().map(|(digits, after)| i32::from(digits) - i32::from(after) >= 3);
            let good = match ty.kind {
                ItemKind::B | ItemKind::F => true,
                ItemKind::N => degrees == Some(true),
                _ => false,
            };
            (good, "a coordinate needs 双精度型B, 浮点型F, or 数值型N with three digits before the point")
        }
        ValueFormat::Material => (
            ty.kind == ItemKind::C && ty.length >= 64,
            "a material 附件 needs a 字符型C of at least 64 characters",
        ),
        ValueFormat::FileName => (ty.kind == ItemKind::C, "the name of a file needs 字符型C"),
    };
    found.expect(good, at("format"), "format.type", message);
    let flagged = format != ValueFormat::CitizenId || item.personal;
    let message = "a citizen identity number is personal information: set 个人信息 to 是";
    found.expect(flagged, at("personal"), "personal.citizen_id", message);
}

fn allowed_values(item: &InformationItem, at: &dyn Fn(&str) -> String, found: &mut Findings) {
    let ty = item.item_type;
    let kind = ty.kind.label();
    found.expect_unique(&item.enumeration, &at("enumeration"), "enumeration.unique", "list a value once");
    for value in &item.enumeration {
        let clean =
            !value.contains(VALUE_SEPARATORS) && value.trim() == value && !value.starts_with(['=', '@']);
        let message = format!("`{value}` is not a value of type {kind}, or holds a separator; correct it");
        found.expect(
            clean && is_listable(ty.kind) && values::is_value(value, ty),
            at("enumeration"),
            "enumeration.value",
            message,
        );
    }
    for (bound, field) in [(&item.minimum, "minimum"), (&item.maximum, "maximum")] {
        let Some(bound) = bound else { continue };
        let message =
            format!("`{bound}` is not a bound for type {kind}: numbers, dates and times have bounds");
        let good = is_ordered(ty.kind) && values::is_value(bound, ty);
        found.expect(good, at(field), "range.value", message);
    }
    if let (Some(minimum), Some(maximum)) = (&item.minimum, &item.maximum) {
        let reversed = values::compare(minimum, maximum, ty) == Some(Ordering::Greater);
        let message = format!("the smallest value `{minimum}` is above the largest `{maximum}`");
        found.expect(!reversed, at("minimum"), "range.order", message);
    }
}

fn is_listable(kind: ItemKind) -> bool {
    !matches!(kind, ItemKind::G | ItemKind::L)
}

fn is_ordered(kind: ItemKind) -> bool {
    use ItemKind as K;
    matches!(kind, K::N | K::Y | K::I | K::B | K::F | K::D | K::T)
}

fn reference(item: &InformationItem, resource: &Resource, at: &dyn Fn(&str) -> String, found: &mut Findings) {
    let Some(reference) = &item.reference else { return };
    let own = reference.resource == resource.code;
    let known = !own || resource.item(reference.column.as_str()).is_some();
    let message = format!("this resource has no column `{}` to refer to", reference.column);
    found.expect(known, at("reference"), "reference.column", message);
    let itself = own && reference.column == item.column;
    found.expect(!itself, at("reference"), "reference.itself", "an item does not refer to itself");
}
