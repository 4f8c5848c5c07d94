//! A decision in the words of law: the article that it rests on, and what becomes of one item.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::decide::{DecidedBy, Decision};
use super::grant::Grant;
use super::mask::Mask;
use crate::directory::{Resource, Sharing};
use crate::ids::ColumnName;

/// What a decision shows of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemVerdict {
    /// The item.
    pub column: ColumnName,
    /// Whether it is seen, masked or not.
    pub visible: bool,
    /// How it is masked.
    pub mask: Option<Mask>,
    /// Why it is not seen.
    pub reason: Option<String>,
}

impl Decision {
    /// The article that it rests on: the legal basis of the deciding grant, or of what is withheld.
    pub fn article(&self, resource: &Resource, grants: &[Grant]) -> Option<String> {
        match (&self.determined_by, resource.sharing()) {
            (DecidedBy::Grant { .. }, _) => self.grant(grants).map(|grant| grant.terms.legal_basis.clone()),
            (DecidedBy::Rule { .. }, Some(Sharing::Withheld { basis })) => Some(basis.clone()),
            _ => None,
        }
    }

    /// What it shows of an item.
    pub fn item(&self, resource: &Resource, grants: &[Grant], column: &ColumnName) -> ItemVerdict {
        let columns = self.obligations.iter().flat_map(|granted| granted.policy.stored_columns());
        let seen = columns.into_iter().find(|seen| seen.column == *column);
        let reason = match (seen, resource.item(column.as_str()), self.grant(grants)) {
            (Some(_), ..) => None,
            (None, None, _) => Some(format!("{} has no item `{column}`", resource.code)),
            (None, Some(_), None) => Some("nothing of the resource may be read".to_owned()),
            (None, Some(item), Some(grant)) => Some(match grant.terms.may_show(resource, item) {
                Err(closed) => closed,
                Ok(()) => format!("the grant {} does not name it", grant.id),
            }),
        };
        let mask = seen.and_then(|seen| seen.mask.clone());
        ItemVerdict { column: column.clone(), visible: seen.is_some(), mask, reason }
    }

    fn grant<'a>(&self, grants: &'a [Grant]) -> Option<&'a Grant> {
        match &self.determined_by {
            DecidedBy::Grant { id: Some(id), .. } => grants.iter().find(|grant| grant.id == *id),
            _ => None,
        }
    }
}
