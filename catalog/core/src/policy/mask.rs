//! Masks: named total functions over one column. They cannot fail, and they say what type they give.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::directory::{ItemKind, ItemType};

/// How a visible item is blurred. NULL stays NULL under every mask but [`Mask::Constant`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "mask", rename_all = "snake_case")]
pub enum Mask {
    /// Always NULL, in the column's own type.
    Null,
    /// Always this text.
    Constant {
        /// The text shown.
        text: String,
    },
    /// The first `count` characters, then one `*` for every further one.
    KeepFirst {
        /// Characters kept.
        count: u16,
    },
    /// One `*` for every character before the last `count`.
    KeepLast {
        /// Characters kept.
        count: u16,
    },
    /// The year of a date or time, as an integer.
    Year,
    /// A whole number or amount rounded down to a multiple of `width`.
    Bucket {
        /// Width of a bucket, at least 1, in the column's unit.
        width: u32,
    },
    /// A pseudonym: the keyed hash of the text in 32 hex digits. One key per grantee and application, so that two
    /// datasets of one application still join on it, and nobody else's pseudonyms are the same.
    Pseudonym {
        /// The application whose key is used.
        application: String,
    },
}

impl Mask {
    /// The mask for the grantee of this label: a pseudonym's application becomes the grantee's own, whatever others
    /// call theirs.
    pub(super) fn bound_to(&self, grantee: &str) -> Self {
        match self {
            Self::Pseudonym { application } => {
                Self::Pseudonym { application: format!("{grantee} {application}") }
            }
            other => other.clone(),
        }
    }

    /// The type of the masked column; `None` where the mask does not fit the column.
    pub fn output_type(&self, input: ItemType) -> Option<ItemType> {
        let text = matches!(input.kind, ItemKind::C | ItemKind::M);
        match self {
            Self::Null => Some(input),
            Self::Constant { .. } => Some(ItemType::sized(ItemKind::C, 0)),
            Self::KeepFirst { .. } | Self::KeepLast { .. } if text => Some(input),
            Self::Year if matches!(input.kind, ItemKind::D | ItemKind::T) => {
                Some(ItemType::plain(ItemKind::I))
            }
            Self::Bucket { width } if *width > 0 && input.kind == ItemKind::I => Some(input),
            Self::Bucket { width } if *width > 0 && input.decimal().is_some() => Some(input),
            Self::Pseudonym { .. } if text => Some(ItemType::sized(ItemKind::C, 32)),
            _ => None,
        }
    }
}
