//! From a bound policy of the catalogue to the engine's terms, for one version's own schema.

use std::collections::BTreeSet;
use std::ops::Not;
use std::sync::Arc;

use arrow::datatypes::Schema;
use catalog_core::ColumnName;
use catalog_core::policy::{BoundFilter, BoundPolicy, Filter, Statistics, TypedLiteral};
use datafusion::common::{Column, Result, ScalarValue, internal_err};
use datafusion::datasource::TableProvider;
use datafusion::logical_expr::{Expr, lit};
use datasets_store::typed_array;
use exchange_crypto::MacKey;

use crate::barrier::like_pattern_is_sound;
use crate::mask::Mask;
use crate::table::{CellsTable, GovernedTable, POSITION, StoredTable, TablePolicy, VisibleColumn};

/// The cells of a version, for a policy that shows no rows.
pub(crate) fn cells(
    stored: StoredTable,
    policy: &BoundPolicy,
    statistics: &Statistics,
) -> Result<Arc<dyn TableProvider>> {
    let schema = stored.schema();
    let dimensions: Vec<&str> = policy.stored_columns().iter().map(|column| column.column.as_str()).collect();
    let others = statistics.measures.iter().chain([&statistics.subject]).map(ColumnName::as_str);
    let needed: BTreeSet<usize> = dimensions
        .iter()
        .copied()
        .chain(others)
        .map(|name| schema.index_of(name))
        .collect::<Result<_, _>>()?;
    let columns = needed.into_iter().map(|stored| VisibleColumn { stored, mask: None }).collect();
    let filter = policy.filter.as_ref().map(|filter| expression(filter, &schema)).transpose()?;
    let estimate = stored.estimate();
    let rows = GovernedTable::provider(Arc::new(stored), &TablePolicy { columns, filter })?;
    Ok(Arc::new(CellsTable::try_new(rows, &dimensions, statistics, estimate)?))
}

/// Translates a bound policy for a version stored with `schema`.
///
/// A visible column that the version does not have yet is left out: every version shows its own shape. A filter
/// that names a missing column, or whose literal is not of the column's type, is an error, which denies. What a scan adds
/// of its own is kept: it goes no further than into a cursor.
pub(crate) fn translate(policy: &BoundPolicy, schema: &Schema, keys: &MacKey) -> Result<TablePolicy> {
    let columns = policy.columns.iter().filter_map(|column| {
        let stored = schema.index_of(column.column.as_str()).ok()?;
        Some(VisibleColumn { stored, mask: column.mask.clone().map(|kind| Mask::new(kind, keys)) })
    });
    let positions = POSITION.iter().filter_map(|name| schema.index_of(name).ok());
    let positions = positions.map(|stored| VisibleColumn { stored, mask: None });
    let filter = policy.filter.as_ref().map(|filter| expression(filter, schema)).transpose()?;
    Ok(TablePolicy { columns: columns.chain(positions).collect(), filter })
}

/// The filter as an expression of the engine: every literal in its column's own type, so nothing casts or fails.
pub(crate) fn expression(filter: &BoundFilter, schema: &Schema) -> Result<Expr> {
    let value =
        |column: &str, literal: &TypedLiteral| Ok(Expr::Literal(scalar(column, literal, schema)?, None));
    let all = |parts: &[BoundFilter]| -> Result<Vec<Expr>> {
        parts.iter().map(|part| expression(part, schema)).collect()
    };
    Ok(match filter {
        Filter::And(parts) => balanced(all(parts)?, Expr::and).unwrap_or_else(|| lit(true)),
        Filter::Or(parts) => balanced(all(parts)?, Expr::or).unwrap_or_else(|| lit(false)),
        Filter::Not(part) => expression(part, schema)?.not(),
        Filter::Eq(name, v) => column(name).eq(value(name, v)?),
        Filter::Ne(name, v) => column(name).not_eq(value(name, v)?),
        Filter::Lt(name, v) => column(name).lt(value(name, v)?),
        Filter::Le(name, v) => column(name).lt_eq(value(name, v)?),
        Filter::Gt(name, v) => column(name).gt(value(name, v)?),
        Filter::Ge(name, v) => column(name).gt_eq(value(name, v)?),
        Filter::Between(name, low, high) => {
            // Not a BETWEEN node: two comparisons prune row groups and need no rewriting.
            column(name).gt_eq(value(name, low)?).and(column(name).lt_eq(value(name, high)?))
        }
        Filter::In(_, values) if values.is_empty() => lit(false),
        Filter::In(name, values) => {
            let values = values.iter().map(|v| value(name, v)).collect::<Result<Vec<_>>>()?;
            column(name).in_list(values, false)
        }
        Filter::Like(name, pattern) => {
            if !like_pattern_is_sound(pattern) {
                return internal_err!("a policy's LIKE pattern does not compile");
            }
            column(name).like(value(name, &TypedLiteral::Text(pattern.clone()))?)
        }
        Filter::IsNull(name) => {
            schema.index_of(name)?;
            column(name).is_null()
        }
    })
}

/// All parts in one tree of least depth: trees are walked recursively. `None` where there is no part.
pub(crate) fn balanced(mut parts: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let right = parts.split_off(parts.len() / 2);
    balanced(parts, join).zip(balanced(right, join)).map(|(left, right)| join(left, right))
}

/// A column by its exact name: nothing in it is parsed as a qualifier.
fn column(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

/// A literal as a value of exactly the column's type.
pub(crate) fn scalar(column: &str, literal: &TypedLiteral, schema: &Schema) -> Result<ScalarValue> {
    ScalarValue::try_from_array(&typed_array([literal], schema.field_with_name(column)?.data_type())?, 0)
}
