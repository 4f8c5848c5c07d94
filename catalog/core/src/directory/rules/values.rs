//! Values written as text, read in the type of their item.

use std::cmp::Ordering;

use super::super::{ItemKind, ItemType};
use crate::policy::filter::{Literal, TypedLiteral, typed_literal};

/// Whether the text is a value of the type; a text not longer than the type allows.
pub(crate) fn is_value(text: &str, ty: ItemType) -> bool {
    let fits = match ty.kind {
        ItemKind::C | ItemKind::M => {
            !text.is_empty() && (ty.length == 0 || text.chars().count() <= usize::from(ty.length))
        }
        // The parser of dates also takes 2026-1-5, which is not GB/T 7408.
        ItemKind::D => text.len() == 10,
        _ => true,
    };
    fits && typed(text, ty).is_some()
}

/// How two values of a type are ordered; `None` where one is no value or the type has no order.
pub(super) fn compare(left: &str, right: &str, ty: ItemType) -> Option<Ordering> {
    use TypedLiteral as V;
    match (typed(left, ty)?, typed(right, ty)?) {
        (V::Int(left), V::Int(right)) => Some(left.cmp(&right)),
        (V::Decimal { unscaled: left, .. }, V::Decimal { unscaled: right, .. }) => Some(left.cmp(&right)),
        (V::Double(left), V::Double(right)) => left.partial_cmp(&right),
        (V::Float(left), V::Float(right)) => left.partial_cmp(&right),
        (V::Date(left), V::Date(right)) => Some(left.cmp(&right)),
        (V::Timestamp(left), V::Timestamp(right)) => Some(left.cmp(&right)),
        _ => None,
    }
}

fn typed(text: &str, ty: ItemType) -> Option<TypedLiteral> {
    typed_literal(&Literal::Text(text.to_owned()), ty).ok()
}
