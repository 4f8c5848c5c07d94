//! What of a version a page reads.

use catalog_core::policy::TypedLiteral;
use catalog_core::{ColumnName, Error, ErrorCode, Result};
use datasets_store::{Bounds, Shape};

use super::{Condition, Cursor, Selection};
use crate::geometry::Relation;
use crate::table::{Position, Reach};
use crate::tables::OpenTable;

impl Selection {
    /// What is read for it: rows that may lie where they are wanted, and where pages go in the stored order those from the last
    /// row of the page before.
    pub(crate) fn reach(&self, open: &OpenTable, cursor: Option<&Cursor>) -> Result<Reach> {
        if open.dataset.granted.policy.statistics.is_some() {
            return Ok(Reach::default());
        }
        let positioned =
            self.as_stored && self.limit.is_some() && self.sort.is_empty() && order_is_seen(open);
        let from = cursor.filter(|_| positioned).map(Cursor::position).transpose()?;
        let places =
            open.places.as_ref().filter(|places| places.columns.iter().all(|name| is_seen(open, name)));
        let shape = places.and_then(|places| places.shape());
        let area = self.condition.as_ref().zip(shape).and_then(|(condition, shape)| condition.area(&shape));
        Ok(Reach { area, from, positioned })
    }
}

impl Condition {
    /// Bounds, one of which each row meets that fulfils the condition; `None` where others may fulfil it, too.
    fn area(&self, places: &Shape) -> Option<Vec<Bounds>> {
        match self {
            Self::Located(place) if place.shape == *places && place.relation != Relation::Disjoint => {
                Some(vec![place.area.bounds()?])
            }
            Self::And(parts) => parts.iter().find_map(|part| part.area(places)),
            Self::Or(parts) => {
                let areas = parts.iter().map(|part| part.area(places)).collect::<Option<Vec<_>>>()?;
                Some(areas.concat())
            }
            Self::Located(_) | Self::Values(_) | Self::Not(_) => None,
        }
    }
}

impl Cursor {
    /// Where the last row of a page in the stored order stands.
    fn position(&self) -> Result<Position> {
        let refused = || Error::new(ErrorCode::InvalidInput, "the cursor belongs to pages in another order");
        match self.values.as_slice() {
            [Some(TypedLiteral::Int(file)), Some(TypedLiteral::Int(row))] => Ok(Position {
                file: usize::try_from(*file).map_err(|_| refused())?,
                row: u64::try_from(*row).map_err(|_| refused())?,
            }),
            _ => Err(refused()),
        }
    }
}

/// Whether the caller sees by what the stored rows are ordered: else their order tells of what is hidden.
fn order_is_seen(open: &OpenTable) -> bool {
    let places = open.places.iter().flat_map(|places| &places.columns);
    open.dataset.resource.sort.iter().chain(places).all(|name| is_seen(open, name))
}

fn is_seen(open: &OpenTable, name: &ColumnName) -> bool {
    let visible = &open.dataset.granted.policy.columns;
    visible.iter().any(|column| column.column == *name && column.mask.is_none())
}
