//! Which filters of a query may run before the policy's own filter.
//!
//! A filter is leakproof when it cannot fail and cannot show a value, whatever row it meets. The list is of what may
//! pass; an expression that is not on it is barred, also one that a later engine version invents.

use std::sync::Arc;

use arrow::array::{BooleanArray, StringArray};
use arrow::compute::kernels::comparison::{ilike, like};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, Column, DynamicFilterPhysicalExpr, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal,
    NotExpr,
};
use datafusion::physical_expr::scalar_subquery::ScalarSubqueryExpr;

use crate::patterns::PATTERN_BYTES;

/// Whether the filter may cross a barrier with this schema, whose columns `plain` marks as unmasked.
pub(super) fn is_leakproof(expr: &Arc<dyn PhysicalExpr>, schema: &Schema, plain: &[bool]) -> bool {
    Scope { schema, plain }.predicate(expr)
}

/// Whether a LIKE pattern is short and compiles, so that matching it never fails.
pub(crate) fn like_pattern_is_sound(pattern: &str) -> bool {
    let compiles = |kernel: fn(&dyn arrow::array::Datum, &dyn arrow::array::Datum) -> _| {
        let matched: Result<BooleanArray, _> =
            kernel(&StringArray::from(vec!["x"]), &StringArray::new_scalar(pattern));
        matched.is_ok()
    };
    pattern.len() <= PATTERN_BYTES && compiles(like) && compiles(ilike)
}

struct Scope<'a> {
    schema: &'a Schema,
    plain: &'a [bool],
}

impl Scope<'_> {
    fn predicate(&self, expr: &Arc<dyn PhysicalExpr>) -> bool {
        if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
            return match binary.op() {
                Operator::And | Operator::Or => {
                    self.predicate(binary.left()) && self.predicate(binary.right())
                }
                op if is_comparison(*op) => self.comparable(binary.left(), binary.right()),
                _ => false,
            };
        }
        if let Some(not) = expr.downcast_ref::<NotExpr>() {
            return self.predicate(not.arg());
        }
        if let Some(test) = expr.downcast_ref::<IsNullExpr>() {
            return self.is_plain_column(test.arg());
        }
        if let Some(test) = expr.downcast_ref::<IsNotNullExpr>() {
            return self.is_plain_column(test.arg());
        }
        if let Some(list) = expr.downcast_ref::<InListExpr>() {
            return self.is_plain_column(list.expr())
                && list.list().iter().all(|item| item.is::<Literal>() && self.comparable(list.expr(), item));
        }
        if let Some(like) = expr.downcast_ref::<LikeExpr>() {
            return self.is_plain_column(like.expr())
                && self.comparable(like.expr(), like.pattern())
                && literal_text(like.pattern()).is_some_and(like_pattern_is_sound);
        }
        if let Some(dynamic) = expr.downcast_ref::<DynamicFilterPhysicalExpr>() {
            // Its text grows while the query runs, but only ever compares its children.
            return dynamic.children().iter().all(|key| self.is_plain_column(key));
        }
        self.is_operand(expr)
    }

    /// Two operands of one and the same flat type: comparing them never fails.
    fn comparable(&self, left: &Arc<dyn PhysicalExpr>, right: &Arc<dyn PhysicalExpr>) -> bool {
        let types = (left.data_type(self.schema), right.data_type(self.schema));
        let (Ok(left_type), Ok(right_type)) = types else { return false };
        self.is_operand(left) && self.is_operand(right) && left_type == right_type && is_flat(&left_type)
    }

    fn is_operand(&self, expr: &Arc<dyn PhysicalExpr>) -> bool {
        self.is_plain_column(expr) || expr.is::<Literal>() || expr.is::<ScalarSubqueryExpr>()
    }

    /// Name and place must agree with the barrier's own schema.
    fn is_plain_column(&self, expr: &Arc<dyn PhysicalExpr>) -> bool {
        expr.downcast_ref::<Column>().is_some_and(|column| {
            let field = self.schema.fields().get(column.index());
            field.is_some_and(|field| field.name() == column.name())
                && self.plain.get(column.index()).copied().unwrap_or(false)
        })
    }
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// Nested and dictionary types have comparisons of their own that may be missing or fail.
fn is_flat(data_type: &DataType) -> bool {
    !data_type.is_nested() && !matches!(data_type, DataType::Dictionary(..) | DataType::RunEndEncoded(..))
}

fn literal_text(expr: &Arc<dyn PhysicalExpr>) -> Option<&str> {
    match expr.downcast_ref::<Literal>()?.value() {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.as_deref()
        }
        _ => None,
    }
}
