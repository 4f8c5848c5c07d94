//! Text functions whose result or work can be much greater than their arguments, held to a stated bound.
//!
//! A few hundred bytes of SQL can otherwise ask for terabytes: doublings through common table expressions, or a
//! replacement of every letter by a page. The memory pool does not see what one call allocates.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::kernels::length::length;
use arrow::compute::{cast, max, nullif};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::functions::string::concat;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// The longest text that a function may build, in bytes.
pub(crate) const TEXT_BYTES: u64 = 64 * 1024;

/// The function itself, or its bounded form where it can build long texts.
pub(crate) fn bounded(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match Growth::of(function.name()) {
        Some(growth) => Arc::new(ScalarUDF::from(Bounded { inner: function, growth, operator: false })),
        None => function,
    }
}

/// Plans `a || b` as a bounded concatenation that is NULL where one side is.
#[derive(Debug)]
pub(crate) struct ConcatPlanner;

impl ExprPlanner for ConcatPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        let operator = Bounded { inner: concat(), growth: Growth::Sum, operator: true };
        let call = ScalarUDF::from(operator).call(vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(call))
    }
}

/// How long a result may get, from the longest value of each argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// All arguments one after the other, with the first between them.
    Sum,
    /// The third argument for every occurrence of the second in the first.
    Replace,
    /// As `Replace`, for matches of any length, which the replacement may quote.
    RegexReplace,
    /// A format in the second argument.
    Format,
    /// Work, not length: every character of one argument with every one of the other.
    Product,
}

impl Growth {
    fn of(name: &str) -> Option<Self> {
        match name {
            "concat" | "concat_ws" => Some(Self::Sum),
            "replace" => Some(Self::Replace),
            "regexp_replace" => Some(Self::RegexReplace),
            "to_char" => Some(Self::Format),
            "levenshtein" => Some(Self::Product),
            _ => None,
        }
    }

    fn bytes(self, longest: &[u64]) -> u64 {
        let of = |place: usize| longest.get(place).copied().unwrap_or(0);
        match self {
            Self::Sum => {
                let separators = of(0).saturating_mul(longest.len() as u64);
                longest.iter().fold(separators, |sum, bytes| sum.saturating_add(*bytes))
            }
            Self::Replace => of(0).max((of(0) / of(1).max(1)).saturating_add(1).saturating_mul(of(2))),
            Self::RegexReplace => of(0).saturating_add(1).saturating_mul(of(2).saturating_add(1)),
            Self::Format => of(1).saturating_mul(16),
            Self::Product => of(0).saturating_mul(of(1)),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    /// The operator `||`, which is NULL where an argument is.
    operator: bool,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        if self.operator { "||" } else { self.inner.name() }
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<Arc<arrow::datatypes::Field>> {
        let field = self.inner.return_field_from_args(args)?;
        Ok(Arc::new(field.as_ref().clone().with_nullable(true)))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let longest = args.args.iter().map(longest).collect::<Result<Vec<_>>>()?;
        if self.growth.bytes(&longest) > TEXT_BYTES {
            return exec_err!("{} would take over {TEXT_BYTES} bytes or steps a value", self.name());
        }
        if !self.operator {
            return self.inner.invoke_with_args(args);
        }
        let rows = args.number_rows;
        let missing = missing(&args.args, rows)?;
        let joined = self.inner.invoke_with_args(args)?.into_array(rows)?;
        Ok(ColumnarValue::Array(nullif(&joined, &missing)?))
    }
}

/// The longest text among the values, in bytes; other types are short.
fn longest(value: &ColumnarValue) -> Result<u64> {
    match value {
        ColumnarValue::Scalar(ScalarValue::Utf8(text))
        | ColumnarValue::Scalar(ScalarValue::LargeUtf8(text))
        | ColumnarValue::Scalar(ScalarValue::Utf8View(text)) => {
            Ok(text.as_deref().map_or(0, |text| text.len() as u64))
        }
        ColumnarValue::Array(array) if is_text(array.data_type()) => {
            let lengths = cast(&length(array)?, &DataType::Int64)?;
            let longest = max(lengths.as_primitive::<Int64Type>()).unwrap_or(0);
            Ok(u64::try_from(longest).unwrap_or(0))
        }
        _ => Ok(64),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn missing(args: &[ColumnarValue], rows: usize) -> Result<BooleanArray> {
    let arrays: Vec<ArrayRef> =
        args.iter().map(|value| value.clone().into_array(rows)).collect::<Result<_>>()?;
    Ok((0..rows).map(|row| Some(arrays.iter().any(|array| array.is_null(row)))).collect())
}
