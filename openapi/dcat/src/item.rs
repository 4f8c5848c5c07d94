//! Information items in our own terms, there and back.

use catalog_core::directory::{
    InformationItem, ItemKind, ItemType, Opening, Reference, Sharing, ValueFormat,
};
use catalog_core::{ColumnName, Problem};
use oxrdf::vocab::xsd;
use oxrdf::{Graph, NamedNode, NamedOrBlankNodeRef};

use crate::entry::word;
use crate::node::Node;
use crate::statements::Statements;
use crate::vocabulary::{dct, sq};

/// Says what an item is.
pub(crate) fn describe(item: &InformationItem, node: &NamedNode, out: &mut Statements) {
    if !out.begin(node, sq::INFORMATION_ITEM) {
        return;
    }
    out.chinese(node, dct::TITLE, &item.title);
    out.text(node, sq::COLUMN, item.column.as_str());
    out.text(node, sq::TYPE, &word(&item.item_type.kind));
    for (predicate, digits) in
        [(sq::LENGTH, item.item_type.length), (sq::SCALE, u16::from(item.item_type.scale))]
    {
        if digits > 0 {
            out.typed(node, predicate, digits, xsd::INTEGER);
        }
    }
    let (sharing, condition) = match &item.sharing {
        Sharing::Unconditional => ("unconditional", ""),
        Sharing::Conditional { condition } => ("conditional", condition.as_str()),
        Sharing::Withheld { basis } => ("withheld", basis.as_str()),
    };
    out.text(node, sq::SHARING, sharing);
    out.chinese(node, sq::SHARING_CONDITION, condition);
    let (opening, condition) = match &item.opening {
        Opening::Open => ("open", ""),
        Opening::Conditional { condition } => ("conditional", condition.as_str()),
        Opening::Closed => ("closed", ""),
    };
    out.text(node, sq::OPENING, opening);
    out.chinese(node, sq::OPENING_CONDITION, condition);
    out.text(node, sq::DATA_CLASS, &word(&item.data_class));
    out.flag(node, sq::PERSONAL, item.personal);
    out.flag(node, sq::REQUIRED, item.required);
    out.text(node, sq::VALUE_FORMAT, item.format.map_or("", ValueFormat::as_str));
    out.texts(node, sq::ENUMERATION, &item.enumeration);
    out.text(node, sq::MINIMUM, item.minimum.as_deref().unwrap_or_default());
    out.text(node, sq::MAXIMUM, item.maximum.as_deref().unwrap_or_default());
    let reference = item.reference.as_ref().map(ToString::to_string);
    out.text(node, sq::REFERENCE, &reference.unwrap_or_default());
}

/// Reads an item; what is wrong with it is among the problems.
pub(crate) fn read(
    graph: &Graph,
    subject: NamedOrBlankNodeRef<'_>,
    problems: &mut Vec<Problem>,
) -> Option<InformationItem> {
    let mut node = Node::new(graph, subject);
    let item = fields(&mut node);
    problems.append(&mut node.problems);
    item
}

fn fields(node: &mut Node<'_>) -> Option<InformationItem> {
    let kind = node.needed::<ItemKind>(sq::TYPE);
    let (length, scale) = (node.parsed::<u16>(sq::LENGTH), node.parsed::<u8>(sq::SCALE));
    let title = node.needed_text(dct::TITLE);
    let column = node.needed::<ColumnName>(sq::COLUMN);
    let condition = node.text(sq::SHARING_CONDITION).unwrap_or_default();
    let sharing = node.chosen(sq::SHARING, |word| match word {
        "unconditional" => Some(Sharing::Unconditional),
        "conditional" => Some(Sharing::Conditional { condition: condition.clone() }),
        "withheld" => Some(Sharing::Withheld { basis: condition.clone() }),
        _ => None,
    });
    let condition = node.text(sq::OPENING_CONDITION).unwrap_or_default();
    let opening = node.chosen(sq::OPENING, |word| match word {
        "open" => Some(Opening::Open),
        "conditional" => Some(Opening::Conditional { condition: condition.clone() }),
        "closed" => Some(Opening::Closed),
        _ => None,
    });
    Some(InformationItem {
        data_class: node.worded(sq::DATA_CLASS).unwrap_or_default(),
        personal: node.flag(sq::PERSONAL),
        required: node.flag(sq::REQUIRED),
        format: node.worded(sq::VALUE_FORMAT),
        enumeration: node.texts(sq::ENUMERATION),
        minimum: node.text(sq::MINIMUM),
        maximum: node.text(sq::MAXIMUM),
        reference: node.parsed::<Reference>(sq::REFERENCE),
        item_type: ItemType { kind: kind?, length: length.unwrap_or(0), scale: scale.unwrap_or(0) },
        title: title?,
        column: column?,
        sharing: sharing?,
        opening: opening?,
    })
}
