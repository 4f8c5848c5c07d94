use std::ops::Not;

use arrow::datatypes::DataType;
use catalog_core::policy::Filter;
use catalog_core::policy::filter::MAX_DEPTH;
use catalog_core::{Error, ErrorCode, Result};
use datafusion::logical_expr::{Expr, lit};

use super::Names;
use crate::geometry::{Located, Shape, related};
use crate::policy;

/// Which rows, by their values and by where they lie, over what the caller sees.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// By their values.
    Values(Filter),
    /// By where they lie: in columns that are visible and unmasked.
    Located(Located),
    /// All hold; true when empty.
    And(Vec<Condition>),
    /// One holds; false when empty.
    Or(Vec<Condition>),
    /// Does not hold; what is unknown stays so.
    Not(Box<Condition>),
}

impl Names<'_> {
    /// The condition as an expression of the engine.
    pub(super) fn condition(&self, condition: &Condition) -> Result<Expr> {
        self.condition_within(condition, MAX_DEPTH)
    }

    fn condition_within(&self, condition: &Condition, depth: usize) -> Result<Expr> {
        let Some(depth) = depth.checked_sub(1) else {
            let message = format!("conditions nest at most {MAX_DEPTH} levels");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        };
        let all = |parts: &[Condition]| -> Result<Vec<Expr>> {
            parts.iter().map(|part| self.condition_within(part, depth)).collect()
        };
        Ok(match condition {
            Condition::Values(filter) => self.filter(filter)?,
            Condition::Located(place) => self.place(place)?,
            Condition::And(parts) => policy::balanced(all(parts)?, Expr::and).unwrap_or_else(|| lit(true)),
            Condition::Or(parts) => policy::balanced(all(parts)?, Expr::or).unwrap_or_else(|| lit(false)),
            Condition::Not(part) => self.condition_within(part, depth)?.not(),
        })
    }

    fn place(&self, place: &Located) -> Result<Expr> {
        let is_bytes = |data_type: &DataType| {
            matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
        };
        match &place.shape {
            Shape::Column(name) => self.plain(name, is_bytes)?,
            Shape::Point { longitude, latitude } => {
                self.plain(longitude, DataType::is_numeric)?;
                self.plain(latitude, DataType::is_numeric)?;
            }
        }
        related(place).ok_or_else(|| Error::internal("an area can't be written"))
    }

    /// Refuses a column that is not shown as it is stored, or that is of another type.
    fn plain(&self, name: &str, is_right: impl Fn(&DataType) -> bool) -> Result<()> {
        let visible = &self.dataset.granted.policy.columns;
        let is_plain = visible.iter().any(|column| column.column.as_str() == name && column.mask.is_none());
        let field = self.schema.field_with_name(name);
        match field.is_ok_and(|field| is_plain && is_right(field.data_type())) {
            true => Ok(()),
            false => Err(Error::new(ErrorCode::UnknownColumn, format!("{name} holds no places"))),
        }
    }
}
