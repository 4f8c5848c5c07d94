//! Grants of one holder that undo each other: a pseudonym beside the identifier itself, cells beside other cells.

use super::grant::{GrantTerms, Grantee};
use super::mask::Mask;
use crate::directory::{InformationItem, Reference, Resource, Successions, ValueFormat};
use crate::ids::{ColumnName, DepartmentId};
use crate::time::Timestamp;

/// One dataset as its holder sees it: under a grant, or, without one, as its provider.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The published resource.
    pub resource: &'a Resource,
    /// What the grant gives; `None` for the provider's standing own grant.
    pub terms: Option<&'a GrantTerms>,
}

impl<'a> Sight<'a> {
    /// Whether somebody may hold both, at the latest when all successions have taken effect.
    pub fn may_meet(&self, other: &Sight<'_>, successions: &Successions) -> bool {
        let last = |department: &DepartmentId| {
            Grantee::Department(successions.heir_of(department, Timestamp(i64::MAX)))
        };
        let holder = |sight: &Sight<'_>| match sight.terms.map(|terms| &terms.grantee) {
            Some(Grantee::Department(department)) => last(department),
            Some(grantee) => grantee.clone(),
            None => Grantee::Department(successions.provider_of(
                &sight.resource.code,
                &sight.resource.provider,
                Timestamp(i64::MAX),
            )),
        };
        let (one, two) = (holder(self), holder(other));
        one == two || one == Grantee::Public || two == Grantee::Public
    }

    /// An item that the holder of both would see in clear in one and as a pseudonym in the other.
    pub fn undoes(&self, other: &Sight<'a>) -> Option<&'a ColumnName> {
        self.pseudonym_in_clear(other).or_else(|| other.pseudonym_in_clear(self))
    }

    /// Whether both give cells of one dataset: the difference of two sorts of cells may be about one subject.
    pub fn differs_in_cells(&self, other: &Sight<'_>) -> bool {
        let cells = |sight: &Sight<'_>| sight.terms.is_some_and(|terms| terms.statistics.is_some());
        self.resource.code == other.resource.code && cells(self) && cells(other)
    }

    fn pseudonym_in_clear(&self, clear: &Sight<'a>) -> Option<&'a ColumnName> {
        let same = |item: &InformationItem| {
            let identities = identities(self.resource, item);
            clear.in_clear().any(|other| {
                let others = self::identities(clear.resource, other);
                identities.iter().any(|identity| others.contains(identity))
            })
        };
        self.pseudonyms().find(|item| same(item)).map(|item| &item.column)
    }

    fn pseudonyms(&self) -> impl Iterator<Item = &'a InformationItem> {
        let terms = self.terms;
        self.resource.items.iter().filter(move |item| {
            let mask = terms.and_then(|terms| terms.masks.get(&item.column));
            matches!(mask, Some(Mask::Pseudonym { .. }))
        })
    }

    fn in_clear(&self) -> impl Iterator<Item = &'a InformationItem> {
        let terms = self.terms;
        self.resource.items.iter().filter(move |item| match terms {
            Some(terms) => terms.items.contains(&item.column) && !terms.masks.contains_key(&item.column),
            None => true,
        })
    }
}

/// What an item identifies: whatever has that number, or a record of that item's dataset.
#[derive(Debug, PartialEq)]
enum Identity {
    Number(ValueFormat),
    Item(Reference),
}

/// All identities of an item: two items with one in common name the same subjects.
fn identities(resource: &Resource, item: &InformationItem) -> Vec<Identity> {
    let number =
        item.format.filter(|format| matches!(format, ValueFormat::CitizenId | ValueFormat::CreditCode));
    let itself = Reference { resource: resource.code.clone(), column: item.column.clone() };
    let mut identities = vec![Identity::Item(itself)];
    identities.extend(number.map(Identity::Number));
    identities.extend(item.reference.clone().map(Identity::Item));
    identities
}
