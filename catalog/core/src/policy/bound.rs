//! The bound policy: what one principal sees of one resource under one grant, with nothing left open.

use std::collections::BTreeMap;

use exchange_crypto::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filter::{BoundFilter, Filter};
use super::grant::{GrantKind, GrantTerms, column_types};
use super::mask::Mask;
use super::statistics::Statistics;
use crate::directory::{ItemType, Resource};
use crate::error::Result;
use crate::ids::{ColumnName, GrantId, ResourceCode};

/// A column that the principal sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VisibleColumn {
    /// Column name in SQL and files.
    pub column: ColumnName,
    /// Chinese name, which works in SQL too.
    pub title: String,
    /// Type in storage.
    pub stored_type: ItemType,
    /// Mask in force; the column then has the mask's output type.
    pub mask: Option<Mask>,
}

/// Visible items, filter after binding subject attributes to literals, and masks.
///
/// Equal bound policies show equal data of equal versions, whoever asks: caches are keyed by [`BoundPolicy::digest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BoundPolicy {
    /// The resource.
    pub resource: ResourceCode,
    /// Visible columns, in the resource's order.
    pub columns: Vec<VisibleColumn>,
    /// Columns of the resource that are not visible: a filter may use them, an answer never.
    pub denied: usize,
    /// The rows; all without a filter.
    #[schema(value_type = Option<Object>)]
    pub filter: Option<BoundFilter>,
    /// Where it is set, the columns are those of cells: the dimensions first, then counts and sums.
    pub statistics: Option<Statistics>,
}

impl BoundPolicy {
    /// Binds the terms of a grant to the attributes of whoever asks. A missing attribute is an error, which denies. An item that the
    /// directory has closed or withheld since the grant was made is not visible; where it is a dimension, nothing is.
    pub fn bind(
        grant: &GrantTerms,
        resource: &Resource,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let filter = match &grant.filter {
            Some(filter) => Some(filter.bind(&column_types(resource), attributes)?),
            None => None,
        };
        let grantee = grant.grantee.label();
        let mut columns: Vec<_> = resource
            .items
            .iter()
            .filter(|item| grant.items.contains(&item.column) && grant.may_show(resource, item).is_ok())
            // An old version may hold the column in a type that the mask does not fit: then it can't be shown.
            .filter(|item| {
                let mask = grant.masks.get(&item.column);
                mask.is_none_or(|mask| mask.output_type(item.item_type).is_some())
            })
            .map(|item| VisibleColumn {
                column: item.column.clone(),
                title: item.title.clone(),
                stored_type: item.item_type,
                mask: grant.masks.get(&item.column).map(|mask| mask.bound_to(&grantee)),
            })
            .collect();
        let denied = resource.items.len() - columns.len();
        // Cells of fewer dimensions, beside those that were seen before, would show by subtraction what is in small ones.
        if grant.statistics.is_some() && columns.len() < grant.items.len() {
            columns.clear();
        }
        let statistics = grant.statistics.as_ref().map(|statistics| statistics.shown(grant, resource));
        if let Some(statistics) = statistics.as_ref().filter(|_| !columns.is_empty()) {
            columns.extend(statistics.columns(resource));
        }
        Ok(Self { resource: resource.code.clone(), columns, denied, filter, statistics })
    }

    /// Everything of the resource, unfiltered and unmasked: the standing grant of its provider.
    pub fn everything(resource: &Resource) -> Self {
        let columns = resource
            .items
            .iter()
            .map(|item| VisibleColumn {
                column: item.column.clone(),
                title: item.title.clone(),
                stored_type: item.item_type,
                mask: None,
            })
            .collect();
        Self { resource: resource.code.clone(), columns, denied: 0, filter: None, statistics: None }
    }

    /// The same with a filter more.
    pub fn narrowed(mut self, more: Option<BoundFilter>) -> Self {
        self.filter = match (self.filter.take(), more) {
            (Some(filter), Some(more)) => Some(Filter::And(vec![filter, more])),
            (filter, more) => filter.or(more),
        };
        self
    }

    /// The columns that are seen as they are stored, masked or not: all but the counts and sums of cells.
    pub fn stored_columns(&self) -> &[VisibleColumn] {
        let computed = self.statistics.as_ref().map_or(0, Statistics::width);
        &self.columns[..self.columns.len().saturating_sub(computed)]
    }

    /// Whether stored objects may be handed out as they are: no filter, no mask, no denied item, no cells.
    pub fn is_transparent(&self) -> bool {
        self.statistics.is_none()
            && self.denied == 0
            && self.filter.is_none()
            && self.columns.iter().all(|column| column.mask.is_none())
    }

    /// The digest by which caches and evidence name this policy.
    pub fn digest(&self) -> Digest {
        // Serialization of plain data cannot fail; an empty text would only make caches miss.
        Digest::of(serde_json::to_string(self).unwrap_or_default().as_bytes())
    }
}

/// A bound policy with the grant it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GrantedPolicy {
    /// The grant; `None` for the provider's standing own grant.
    pub grant: Option<GrantId>,
    /// The kind of the grant.
    pub kind: GrantKind,
    /// What is seen.
    pub policy: BoundPolicy,
}
