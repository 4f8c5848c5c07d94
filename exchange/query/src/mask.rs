//! Masks as physical expressions. They are no SQL functions: no query can call one, least of all the keyed hash.

#[cfg(test)]
mod tests;

use std::any::type_name;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int64Array, PrimitiveArray, RecordBatch, StringViewArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, FieldRef, Int64Type, Schema, TimeUnit,
    TimestampMicrosecondType,
};
use catalog_core::policy::Mask as MaskKind;
use chrono::{DateTime, Datelike};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use exchange_crypto::{MacKey, to_hex};

/// Timestamps are points in time; their year is the one in China.
const SHANGHAI_MICROS: i64 = 8 * 3600 * 1_000_000;
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// A mask with the key it needs, bound to no column yet.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    kind: MaskKind,
    /// For pseudonyms: the application's key.
    key: Option<MacKey>,
}

impl Mask {
    /// A mask whose pseudonyms, if it gives any, come from the application's key derived from `master`.
    pub(crate) fn new(kind: MaskKind, master: &MacKey) -> Self {
        let key = match &kind {
            MaskKind::Pseudonym { application } => Some(master.derive(&format!("pseudonym:{application}"))),
            _ => None,
        };
        Self { kind, key }
    }

    /// The column that the caller sees in place of `stored`; an error where the mask does not fit its type.
    pub(crate) fn field(&self, stored: &Field) -> Result<Field> {
        let is_text = stored.data_type() == &DataType::Utf8View;
        let (data_type, nullable) = match (&self.kind, stored.data_type()) {
            (MaskKind::Null, other) => (other.clone(), true),
            (MaskKind::Constant { .. }, _) => (DataType::Utf8View, false),
            (MaskKind::KeepFirst { .. } | MaskKind::KeepLast { .. } | MaskKind::Pseudonym { .. }, text)
                if is_text =>
            {
                (text.clone(), stored.is_nullable())
            }
            (MaskKind::Year, DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _)) => {
                (DataType::Int64, true)
            }
            (MaskKind::Bucket { .. }, number @ (DataType::Int64 | DataType::Decimal128(..))) => {
                (number.clone(), stored.is_nullable())
            }
            (kind, other) => return internal_err!("mask {kind:?} does not fit type {other}"),
        };
        Ok(Field::new(stored.name(), data_type, nullable))
    }

    /// The expression that shows `input` through this mask.
    pub(crate) fn over(
        &self,
        input: Arc<dyn PhysicalExpr>,
        schema: &Schema,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let output = Arc::new(self.field(input.return_field(schema)?.as_ref())?);
        Ok(match &self.kind {
            MaskKind::Null => Arc::new(Literal::new(ScalarValue::try_from(output.data_type())?)),
            MaskKind::Constant { text } => Arc::new(Literal::new(ScalarValue::Utf8View(Some(text.clone())))),
            _ => Arc::new(MaskExpr { input, mask: self.clone(), output }),
        })
    }

    fn apply(&self, column: &ArrayRef) -> Result<ArrayRef> {
        Ok(match &self.kind {
            MaskKind::KeepFirst { count } => map_text(column, |text| keep_first(text, usize::from(*count)))?,
            MaskKind::KeepLast { count } => map_text(column, |text| keep_last(text, usize::from(*count)))?,
            MaskKind::Pseudonym { .. } => {
                let Some(key) = &self.key else { return internal_err!("a pseudonym needs a key") };
                map_text(column, |text| to_hex(&key.tag(text.as_bytes())[..16]))?
            }
            MaskKind::Year => years(column)?,
            MaskKind::Bucket { width } => buckets(column, *width)?,
            MaskKind::Null | MaskKind::Constant { .. } => {
                return internal_err!("a constant mask is a literal");
            }
        })
    }
}

fn keep_first(text: &str, count: usize) -> String {
    let blank = |(place, character)| if place < count { character } else { '*' };
    text.chars().enumerate().map(blank).collect()
}

fn keep_last(text: &str, count: usize) -> String {
    let hidden = text.chars().count().saturating_sub(count);
    let blank = |(place, character)| if place < hidden { '*' } else { character };
    text.chars().enumerate().map(blank).collect()
}

fn map_text(column: &ArrayRef, mask: impl Fn(&str) -> String) -> Result<ArrayRef> {
    let Some(texts) = column.as_string_view_opt() else { return wrong_type::<StringViewArray>(column) };
    Ok(Arc::new(texts.iter().map(|text| text.map(&mask)).collect::<StringViewArray>()))
}

fn years(column: &ArrayRef) -> Result<ArrayRef> {
    let year = |micros: i64| DateTime::from_timestamp_micros(micros).map(|time| i64::from(time.year()));
    let years: Int64Array = if let Some(days) = column.as_primitive_opt::<Date32Type>() {
        days.iter().map(|day| year(i64::from(day?).checked_mul(DAY_MICROS)?)).collect()
    } else if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        times.iter().map(|time| year(time?.checked_add(SHANGHAI_MICROS)?)).collect()
    } else {
        return wrong_type::<PrimitiveArray<Date32Type>>(column);
    };
    Ok(Arc::new(years))
}

fn buckets(column: &ArrayRef, width: u32) -> Result<ArrayRef> {
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        let width = i64::from(width.max(1));
        return Ok(Arc::new(numbers.unary::<_, Int64Type>(|n| n.div_euclid(width).saturating_mul(width))));
    }
    match (column.as_primitive_opt::<Decimal128Type>(), column.data_type()) {
        (Some(numbers), DataType::Decimal128(precision, scale)) => {
            let unit = 10_i128.saturating_pow(u32::try_from(*scale).unwrap_or(0));
            let width = unit.saturating_mul(i128::from(width.max(1)));
            let least = 1 - 10_i128.saturating_pow(u32::from(*precision));
            let floor = |n: i128| n.div_euclid(width).saturating_mul(width).max(least);
            let floors: Decimal128Array = numbers.unary(floor);
            Ok(Arc::new(floors.with_data_type(column.data_type().clone())))
        }
        _ => wrong_type::<PrimitiveArray<Decimal128Type>>(column),
    }
}

fn wrong_type<T>(column: &ArrayRef) -> Result<ArrayRef> {
    internal_err!("a mask expected {} and met {}", type_name::<T>(), column.data_type())
}

/// A mask over an input expression.
#[derive(Debug)]
struct MaskExpr {
    input: Arc<dyn PhysicalExpr>,
    mask: Mask,
    output: FieldRef,
}

impl PartialEq for MaskExpr {
    fn eq(&self, other: &Self) -> bool {
        self.mask.kind == other.mask.kind && self.input.eq(&other.input)
    }
}

impl Eq for MaskExpr {}

impl Hash for MaskExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
    }
}

impl fmt::Display for MaskExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mask({})", self.input)
    }
}

impl PhysicalExpr for MaskExpr {
    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(Arc::clone(&self.output))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let column = self.input.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(self.mask.apply(&column)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => {
                Ok(Arc::new(Self { input, mask: self.mask.clone(), output: Arc::clone(&self.output) }))
            }
            _ => internal_err!("a mask has exactly one input"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
