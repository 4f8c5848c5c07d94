//! Text functions whose result or work can be much greater than their arguments, held to a stated bound.
//!
//! A few hundred bytes of SQL can otherwise ask for terabytes: doublings through common table expressions, or a
//! replacement of every letter by a page. The memory pool does not see what one call allocates, and nothing interrupts
//! it: what it may build is counted before, and slow work is done in slices.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::compute::kernels::length::length;
use arrow::compute::{cast, concat as concat_arrays, nullif};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err, resources_err};
use datafusion::functions::core::overlay;
use datafusion::functions::string::concat;
use datafusion::functions::unicode::strpos;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::step::Step;

/// The longest text that a function may build, in bytes.
pub(crate) const TEXT_BYTES: u64 = 64 * 1024;
/// Text that slow work goes through before it looks at the clock, in bytes.
const SLICE_BYTES: u64 = 128 * 1024;

/// Functions that compare every byte of a text with every part of a pattern, or nearly so.
const SLOW: [&str; 5] = ["levenshtein", "regexp_count", "regexp_like", "regexp_replace", "strpos"];

/// The function itself, or its bounded form where it can build long texts or compute for long.
pub(crate) fn bounded(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let (growth, is_slow) = (Growth::of(function.name()), SLOW.contains(&function.name()));
    match growth.is_some() || is_slow {
        true => Arc::new(ScalarUDF::from(Bounded { inner: function, growth, is_slow, operator: false })),
        false => function,
    }
}

/// Plans functions that have a syntax of their own in their bounded forms; `a || b` is NULL where one side is.
#[derive(Debug)]
pub(crate) struct BoundedPlanner;

impl ExprPlanner for BoundedPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        let growth = Some(Growth::Sum);
        let operator = Bounded { inner: concat(), growth, is_slow: false, operator: true };
        let call = ScalarUDF::from(operator).call(vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(call))
    }

    fn plan_overlay(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(bounded(overlay()).call(args)))
    }

    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(bounded(strpos()).call(args)))
    }
}

/// How long a result may get, from the lengths of the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// All arguments one after the other.
    Sum,
    /// As `Sum`, with the first between the others.
    Joined,
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
            "concat" | "overlay" => Some(Self::Sum),
            "concat_ws" => Some(Self::Joined),
            "replace" => Some(Self::Replace),
            "regexp_replace" => Some(Self::RegexReplace),
            "to_char" => Some(Self::Format),
            "levenshtein" => Some(Self::Product),
            _ => None,
        }
    }

    fn bytes(self, lengths: &[u64]) -> u64 {
        let of = |place: usize| lengths.get(place).copied().unwrap_or(0);
        match self {
            Self::Sum => lengths.iter().fold(0, |sum, bytes| sum.saturating_add(*bytes)),
            Self::Joined => {
                let separators = of(0).saturating_mul(lengths.len() as u64);
                separators.saturating_add(Self::Sum.bytes(lengths))
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
    /// `None` where the result is short.
    growth: Option<Growth>,
    is_slow: bool,
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
        let lengths = args.args.iter().map(Lengths::of).collect::<Result<Vec<_>>>()?;
        if let Some(growth) = self.growth {
            self.check(growth, &lengths, &args)?;
        }
        if self.is_slow {
            return in_slices(args, |slice| self.inner.invoke_with_args(slice));
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

impl Bounded {
    /// Refuses what would build too long a text, or too much of it in one step.
    fn check(&self, growth: Growth, lengths: &[Lengths], args: &ScalarFunctionArgs) -> Result<()> {
        let in_step = Step::of(&args.config_options).map_or(u64::MAX, |step| step.call_bytes);
        let is_constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let (mut of_row, mut sum) = (Vec::with_capacity(lengths.len()), 0_u64);
        for row in 0..rows {
            of_row.clear();
            of_row.extend(lengths.iter().map(|lengths| lengths.at(row)));
            let bytes = growth.bytes(&of_row);
            if bytes > TEXT_BYTES {
                return exec_err!("{} would take over {TEXT_BYTES} bytes or steps a value", self.name());
            }
            sum = sum.saturating_add(bytes);
        }
        // Steps are no memory.
        if growth != Growth::Product && sum > in_step {
            return resources_err!("{} would take over {in_step} bytes in one step", self.name());
        }
        Ok(())
    }
}

/// Evaluates slow work slice by slice, and looks at the clock before each.
pub(crate) fn in_slices(
    args: ScalarFunctionArgs,
    evaluate: impl Fn(ScalarFunctionArgs) -> Result<ColumnarValue>,
) -> Result<ColumnarValue> {
    let lengths = args.args.iter().map(Lengths::of).collect::<Result<Vec<_>>>()?;
    let ends = slices(&lengths, args.number_rows);
    let go_on = || match Step::of(&args.config_options) {
        Some(step) if step.stop.is_due() => exec_err!("the query was stopped"),
        _ => Ok(()),
    };
    let (mut start, mut done) = (0, Vec::with_capacity(ends.len()));
    for end in ends {
        go_on()?;
        let rows = end - start;
        let part = args.args.iter().map(|value| match value {
            ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(start, rows)),
            scalar => scalar.clone(),
        });
        let slice = ScalarFunctionArgs { args: part.collect(), number_rows: rows, ..args.clone() };
        match evaluate(slice)? {
            ColumnarValue::Array(array) => done.push(array),
            // Arguments that are the same for all rows have a result that is.
            scalar => return Ok(scalar),
        }
        start = end;
    }
    let done: Vec<&dyn Array> = done.iter().map(AsRef::as_ref).collect();
    Ok(ColumnarValue::Array(concat_arrays(&done)?))
}

/// Where each slice ends: one row at least, and no more text than a slice holds. There is always one slice.
fn slices(lengths: &[Lengths], rows: usize) -> Vec<usize> {
    let arrays: Vec<_> = lengths.iter().filter(|lengths| matches!(lengths, Lengths::Each(_))).collect();
    let (mut ends, mut bytes) = (Vec::new(), 0_u64);
    for row in 0..rows {
        let more: u64 = arrays.iter().map(|lengths| lengths.at(row)).sum();
        if bytes > 0 && bytes.saturating_add(more) > SLICE_BYTES {
            ends.push(row);
            bytes = 0;
        }
        bytes = bytes.saturating_add(more);
    }
    ends.push(rows);
    ends
}

/// The bytes of an argument in each row. What is no text becomes a short one.
enum Lengths {
    Same(u64),
    Each(Int64Array),
}

impl Lengths {
    fn of(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Scalar(ScalarValue::Utf8(text))
            | ColumnarValue::Scalar(ScalarValue::LargeUtf8(text))
            | ColumnarValue::Scalar(ScalarValue::Utf8View(text)) => {
                Self::Same(text.as_deref().map_or(0, |text| text.len() as u64))
            }
            ColumnarValue::Array(array) if is_text(array.data_type()) => {
                let lengths = cast(&length(array)?, &DataType::Int64)?;
                Self::Each(lengths.as_primitive::<Int64Type>().clone())
            }
            _ => Self::Same(64),
        })
    }

    /// NULL has no text, whatever lies in its place.
    fn at(&self, row: usize) -> u64 {
        match self {
            Self::Same(bytes) => *bytes,
            Self::Each(lengths) if lengths.is_null(row) => 0,
            Self::Each(lengths) => u64::try_from(lengths.value(row)).unwrap_or(0),
        }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use arrow::array::StringArray;
    use arrow::datatypes::Field;
    use datafusion::common::config::ConfigOptions;
    use datafusion::functions::regex::regexp_like;

    use super::*;
    use crate::stopping::Stop;

    fn call(
        args: Vec<ColumnarValue>,
        rows: usize,
        wanted: &Arc<()>,
        call_bytes: u64,
        returned: DataType,
    ) -> ScalarFunctionArgs {
        let deadline = Instant::now() + Duration::from_secs(3600);
        let mut options = ConfigOptions::default();
        let stop = Stop { deadline, wanted: Arc::downgrade(wanted) };
        options.extensions.insert(Step { stop, call_bytes });
        let arg_fields =
            args.iter().map(|value| Arc::new(Field::new("x", value.data_type(), true))).collect();
        let return_field = Arc::new(Field::new("y", returned, true));
        ScalarFunctionArgs {
            args,
            arg_fields,
            number_rows: rows,
            return_field,
            config_options: options.into(),
        }
    }

    fn texts(rows: usize, bytes: usize) -> ColumnarValue {
        ColumnarValue::Array(Arc::new(StringArray::from(vec!["a".repeat(bytes); rows])))
    }

    #[test]
    fn slow_work_stops_between_slices() {
        let wanted = Cell::new(Some(Arc::new(())));
        let held = wanted.take().unwrap();
        let args = call(vec![texts(50, 10_000)], 50, &held, u64::MAX, DataType::Utf8);
        wanted.set(Some(held));
        let slices = Cell::new(0);
        let stopped = in_slices(args, |slice| {
            slices.set(slices.get() + 1);
            assert!(slice.number_rows <= 13, "{} rows", slice.number_rows);
            wanted.set(None);
            Ok(slice.args[0].clone())
        });
        assert!(stopped.is_err());
        assert_eq!(slices.get(), 1);
    }

    #[test]
    fn slices_make_the_whole() {
        let wanted = Arc::new(());
        let pattern = ColumnarValue::Scalar(ScalarValue::Utf8(Some("^a+$".to_owned())));
        for (rows, bytes) in [(0, 0), (1, 200_000), (20, 0), (20, 30_000), (3000, 100)] {
            let args =
                call(vec![texts(rows, bytes), pattern.clone()], rows, &wanted, u64::MAX, DataType::Boolean);
            let whole = regexp_like().invoke_with_args(args.clone()).unwrap().into_array(rows).unwrap();
            let sliced = bounded(regexp_like()).invoke_with_args(args).unwrap().into_array(rows).unwrap();
            assert_eq!(whole.as_boolean(), sliced.as_boolean(), "{rows} x {bytes}");
        }
    }

    #[test]
    fn all_rows_of_a_call_together_are_bounded() {
        let wanted = Arc::new(());
        let asked = |rows, bytes| {
            let args =
                call(vec![texts(rows, bytes), texts(rows, bytes)], rows, &wanted, 1 << 20, DataType::Utf8);
            bounded(concat()).invoke_with_args(args).is_ok()
        };
        assert!(asked(2000, 200) && asked(8, 30_000));
        assert!(!asked(8, 60_000), "one value is too long");
        assert!(!asked(3000, 200) && !asked(40, 30_000), "all of them are too much");
    }
}
