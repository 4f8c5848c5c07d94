//! Patterns of LIKE and regular expressions, whose work the caller chooses.
//!
//! A few bytes of pattern can compile to megabytes and take minutes for one batch. So a pattern is a literal, short, and
//! small once compiled; and texts are matched in slices, see `bounded.rs`. Only a LIKE on stored text stays the engine's
//! own, for it may cross the barrier.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Datum};
use arrow::compute::kernels::comparison::{ilike, like, nilike, nlike};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue, internal_err, plan_err};
use datafusion::functions::regex::regexp_like;
use datafusion::logical_expr::expr::{Like, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, lit,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use regex::RegexBuilder;

use crate::barrier::like_pattern_is_sound;
use crate::bounded::{bounded, in_slices};

/// The longest pattern, in bytes; a LIKE below the barrier has the same bound.
pub(crate) const PATTERN_BYTES: usize = 256;
/// The largest compiled regular expression, in bytes. The work for a byte of text goes with it.
const COMPILED_BYTES: usize = 512 * 1024;
/// The most flags of a regular expression; each is one letter.
const FLAGS: usize = 8;

/// Plans `a ~ b` and its kin as calls of the bounded `regexp_like`.
#[derive(Debug)]
pub(crate) struct RegexPlanner;

impl ExprPlanner for RegexPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (negated, ignores_case) = match expr.op {
            BinaryOperator::PGRegexMatch => (false, false),
            BinaryOperator::PGRegexIMatch => (false, true),
            BinaryOperator::PGRegexNotMatch => (true, false),
            BinaryOperator::PGRegexNotIMatch => (true, true),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let flags = ignores_case.then(|| lit("i"));
        let args = [expr.left, expr.right].into_iter().chain(flags);
        let matches = bounded(regexp_like()).call(args.collect());
        Ok(PlannerResult::Planned(if negated { !matches } else { matches }))
    }
}

/// Refuses a pattern that is not known beforehand, or too long or heavy.
pub(crate) fn check(expr: &Expr) -> Result<()> {
    match expr {
        Expr::Like(Like { pattern, .. }) => match text(pattern)? {
            Some(pattern) if !like_pattern_is_sound(pattern) => {
                plan_err!("a pattern of LIKE has at most {PATTERN_BYTES} bytes, and no `\\` at its end")
            }
            _ => Ok(()),
        },
        Expr::SimilarTo(_) => {
            plan_err!("SIMILAR TO is not offered; use LIKE, or ~ with a regular expression")
        }
        Expr::BinaryExpr(binary) if is_match(binary.op) => {
            plan_err!("the operator {} is not offered; use LIKE or ~", binary.op)
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => match func.name() {
            "regexp_like" => check_regex(args, 2),
            "regexp_count" | "regexp_replace" => check_regex(args, 3),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn is_match(op: Operator) -> bool {
    matches!(
        op,
        Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch
            | Operator::LikeMatch
            | Operator::ILikeMatch
            | Operator::NotLikeMatch
            | Operator::NotILikeMatch
    )
}

/// The pattern is the second argument. Flags are written into it, so they are letters and nothing else.
fn check_regex(args: &[Expr], flags: usize) -> Result<()> {
    if let Some(flags) = args.get(flags).map(text).transpose()?.flatten()
        && (flags.len() > FLAGS || !flags.bytes().all(|flag| flag.is_ascii_alphabetic()))
    {
        return plan_err!("the flags of a regular expression are at most {FLAGS} letters");
    }
    let Some(pattern) = args.get(1).map(text).transpose()?.flatten() else { return Ok(()) };
    if pattern.len() > PATTERN_BYTES {
        return plan_err!("a regular expression has at most {PATTERN_BYTES} bytes");
    }
    match RegexBuilder::new(pattern).case_insensitive(true).size_limit(COMPILED_BYTES).build() {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => {
            plan_err!("the regular expression is too heavy; repeat less in it, or write [0-9] for \\d")
        }
        Err(_) => {
            plan_err!("this is no regular expression: {}", pattern.chars().take(60).collect::<String>())
        }
    }
}

/// The text of a literal; `None` for NULL.
fn text(expr: &Expr) -> Result<Option<&str>> {
    match expr {
        Expr::Literal(value, _) => Ok(value.try_as_str().flatten()),
        _ => plan_err!("write the pattern and the flags as text; they can't be computed"),
    }
}

/// The plan with every LIKE matched in slices that does not read stored text as it is.
pub(crate) fn sliced(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        let reads_stored = matches!(&node, LogicalPlan::Filter(filter)
            if matches!(filter.input.as_ref(), LogicalPlan::TableScan(_)));
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let sliced = expr.transform_up(|expr| match expr {
                Expr::Like(like) if !(reads_stored && matches!(*like.expr, Expr::Column(_))) => {
                    Ok(like_call(like))
                }
                other => Ok(Transformed::no(other)),
            })?;
            Ok(sliced.update_data(|expr| name.restore(expr)))
        })
    });
    plan.map(|plan| plan.data)
}

fn like_call(like: Like) -> Transformed<Expr> {
    if like.escape_char.is_some_and(|escape| escape != '\\') {
        return Transformed::no(Expr::Like(like));
    }
    let Like { negated, expr, pattern, escape_char: _, case_insensitive } = like;
    let signature = Signature::any(2, Volatility::Immutable);
    let function = ScalarUDF::from(LikeCall { negated, ignores_case: case_insensitive, signature });
    Transformed::yes(function.call(vec![*expr, *pattern]))
}

/// LIKE as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LikeCall {
    negated: bool,
    ignores_case: bool,
    signature: Signature,
}

impl ScalarUDFImpl for LikeCall {
    fn name(&self) -> &str {
        "like"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), DataType::Boolean, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        in_slices(args, |slice| self.matched(&slice.args))
    }
}

impl LikeCall {
    fn matched(&self, args: &[ColumnarValue]) -> Result<ColumnarValue> {
        let kernel: fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError> =
            match (self.negated, self.ignores_case) {
                (false, false) => like,
                (false, true) => ilike,
                (true, false) => nlike,
                (true, true) => nilike,
            };
        match args {
            [ColumnarValue::Array(values), ColumnarValue::Scalar(pattern)] => {
                Ok(ColumnarValue::Array(Arc::new(kernel(values, &pattern.to_scalar()?)?)))
            }
            [ColumnarValue::Scalar(value), ColumnarValue::Scalar(pattern)] => {
                let matched = kernel(&value.to_scalar()?, &pattern.to_scalar()?)?;
                let matched = matched.is_valid(0).then(|| matched.value(0));
                Ok(ColumnarValue::Scalar(ScalarValue::Boolean(matched)))
            }
            _ => internal_err!("LIKE has a value and a literal pattern"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_patterns_are_light_and_heavy_ones_refused() {
        let refused = |pattern: &str| check(&bounded(regexp_like()).call(vec![lit("x"), lit(pattern)])).err();
        for honest in [
            r"^\d{17}[\dXx]$",
            r"^1[3-9]\d{9}$",
            r"^\w+([.-]\w+)*@\w+([.-]\w+)*\.\w{2,}$",
            "^[一-龥·]{2,20}$",
            r"^\p{Han}{2,4}$",
            r"^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$",
            "(省|市|区|县)$",
        ] {
            assert!(refused(honest).is_none(), "{honest}: {:?}", refused(honest));
        }
        for heavy in ["^(?:a?){20000}b$", r"\w{250}", &"x".repeat(300), "(", r"(\pL{50}){50}"] {
            assert!(refused(heavy).is_some(), "{heavy}");
        }
    }
}
