//! The filter language: a small expression tree that cannot fail while it runs.
//!
//! In JSON a node is an object with one member: `{"and": [..]}`, `{"not": node}`, `{"=": ["county", "360481"]}`,
//! `{"in": ["status", ["A", "B"]]}`, `{"between": ["amount", 1, 100]}`, `{"like": ["name", "九江%"]}`,
//! `{"is_null": "closed_on"}`. A value is a JSON scalar or `{"subject": "division_code"}`, which is replaced by
//! the attribute of whoever asks when the policy is bound; a missing attribute denies.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::directory::{ItemKind, ItemType};
use crate::error::{Error, Problem, Result};
use crate::time::Timestamp;

/// The deepest nesting of a filter.
pub const MAX_DEPTH: usize = 16;
/// The most nodes of a filter, at any depth.
pub const MAX_NODES: usize = 1_000;
/// The most values in one IN list.
pub const MAX_IN_LIST: usize = 1_000;
/// The longest LIKE pattern, in characters.
pub const MAX_PATTERN: usize = 200;

/// A value as written: its type comes from the column it is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// A flag.
    Bool(bool),
    /// A number without fraction.
    Int(i64),
    /// A number with fraction.
    Float(f64),
    /// Text, a date (`2026-01-31`), a time (RFC 3339) or an exact decimal.
    Text(String),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Operand {
    /// `$subject.attribute`: an attribute of whoever asks.
    Subject {
        /// The attribute's name.
        subject: String,
    },
    /// A literal.
    Literal(Literal),
}

/// An expression over the columns of one dataset, with values of type `V`'s shape as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Filter<V = Operand> {
    /// All hold; true when empty.
    #[serde(rename = "and")]
    And(Vec<Filter<V>>),
    /// One holds; false when empty.
    #[serde(rename = "or")]
    Or(Vec<Filter<V>>),
    /// Does not hold (NULL stays NULL, as in SQL).
    #[serde(rename = "not")]
    Not(Box<Filter<V>>),
    /// Column equals value.
    #[serde(rename = "=")]
    Eq(String, V),
    /// Column differs from value.
    #[serde(rename = "<>")]
    Ne(String, V),
    /// Column is less than value.
    #[serde(rename = "<")]
    Lt(String, V),
    /// Column is at most value.
    #[serde(rename = "<=")]
    Le(String, V),
    /// Column is greater than value.
    #[serde(rename = ">")]
    Gt(String, V),
    /// Column is at least value.
    #[serde(rename = ">=")]
    Ge(String, V),
    /// Column is one of the values.
    #[serde(rename = "in")]
    In(String, Vec<V>),
    /// Column lies between two values, both included.
    #[serde(rename = "between")]
    Between(String, V, V),
    /// Text column matches a SQL LIKE pattern (`%`, `_`, no escape).
    #[serde(rename = "like")]
    Like(String, String),
    /// Column has no value.
    #[serde(rename = "is_null")]
    IsNull(String),
}

/// A literal in the type of its column. Comparing it with the column cannot fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum TypedLiteral {
    /// For `C` and `M`.
    Text(String),
    /// For `I`.
    Int(i64),
    /// For `N` and `Y`: unscaled value in the column's own precision and scale.
    Decimal {
        /// The number times ten to the `scale`. Text in JSON, which has no 128-bit numbers.
        #[serde(with = "decimal_text")]
        unscaled: i128,
        /// Total digits.
        precision: u8,
        /// Digits after the point.
        scale: i8,
    },
    /// For `B`.
    Double(f64),
    /// For `F`.
    Float(f32),
    /// For `D`.
    Date(NaiveDate),
    /// For `T`: microseconds, UTC.
    Timestamp(Timestamp),
    /// For `L`.
    Bool(bool),
}

mod decimal_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A filter whose values are literals in their columns' types.
pub type BoundFilter = Filter<TypedLiteral>;

/// The types of the columns that a filter may name.
pub type ColumnTypes<'a> = BTreeMap<&'a str, ItemType>;

impl<V> Filter<V> {
    /// Calls `visit` with every column named.
    pub fn each_column<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_column(visit)),
            Self::Not(part) => part.each_column(visit),
            Self::Eq(column, _)
            | Self::Ne(column, _)
            | Self::Lt(column, _)
            | Self::Le(column, _)
            | Self::Gt(column, _)
            | Self::Ge(column, _)
            | Self::In(column, _)
            | Self::Between(column, _, _)
            | Self::Like(column, _)
            | Self::IsNull(column) => visit(column),
        }
    }

    fn nodes(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => 1 + parts.iter().map(Self::nodes).sum::<usize>(),
            Self::Not(part) => 1 + part.nodes(),
            _ => 1,
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => 1 + parts.iter().map(Self::depth).max().unwrap_or(0),
            Self::Not(part) => 1 + part.depth(),
            _ => 1,
        }
    }
}

impl Filter<Operand> {
    /// Checks the filter against the columns of its dataset when it is written: names, types, bounds.
    ///
    /// Subject attributes are checked for their names only; their values are checked when bound.
    pub fn check(&self, columns: &ColumnTypes<'_>) -> Result<()> {
        let known = ["department", "credit_code", "level", "parent", "division_code"];
        let placeholder = |name: &str, ty: ItemType| {
            if known.contains(&name) && matches!(ty.kind, ItemKind::C | ItemKind::M) {
                Ok(TypedLiteral::Text(String::new()))
            } else {
                Err(format!("`$subject.{name}` is not an attribute that can be compared with this column"))
            }
        };
        self.typed(columns, &placeholder).map(|_| ())
    }

    /// Replaces subject attributes by the values of whoever asks. A missing attribute is an error, which denies.
    pub fn bind(
        &self,
        columns: &ColumnTypes<'_>,
        attributes: &BTreeMap<String, String>,
    ) -> Result<BoundFilter> {
        self.typed(columns, &|name, ty| match attributes.get(name) {
            Some(value) => typed_literal(&Literal::Text(value.clone()), ty),
            None => Err(format!("whoever asks has no attribute `{name}`")),
        })
    }

    fn typed(
        &self,
        columns: &ColumnTypes<'_>,
        subject: &dyn Fn(&str, ItemType) -> Result<TypedLiteral, String>,
    ) -> Result<BoundFilter> {
        if self.depth() > MAX_DEPTH {
            return Err(refused("filter", "filter.depth", format!("nest at most {MAX_DEPTH} levels")));
        }
        if self.nodes() > MAX_NODES {
            return Err(refused("filter", "filter.nodes", format!("use at most {MAX_NODES} conditions")));
        }
        Typing { columns, subject }.node(self)
    }
}

/// One pass that turns operands into typed literals.
struct Typing<'a> {
    columns: &'a ColumnTypes<'a>,
    subject: &'a dyn Fn(&str, ItemType) -> Result<TypedLiteral, String>,
}

impl Typing<'_> {
    fn node(&self, filter: &Filter) -> Result<BoundFilter> {
        let all = |parts: &[Filter]| parts.iter().map(|part| self.node(part)).collect::<Result<Vec<_>>>();
        let value = |column: &String, operand: &Operand| self.value(column, operand);
        Ok(match filter {
            Filter::And(parts) => Filter::And(all(parts)?),
            Filter::Or(parts) => Filter::Or(all(parts)?),
            Filter::Not(part) => Filter::Not(Box::new(self.node(part)?)),
            Filter::Eq(c, v) => Filter::Eq(c.clone(), value(c, v)?),
            Filter::Ne(c, v) => Filter::Ne(c.clone(), value(c, v)?),
            Filter::Lt(c, v) => Filter::Lt(c.clone(), value(c, v)?),
            Filter::Le(c, v) => Filter::Le(c.clone(), value(c, v)?),
            Filter::Gt(c, v) => Filter::Gt(c.clone(), value(c, v)?),
            Filter::Ge(c, v) => Filter::Ge(c.clone(), value(c, v)?),
            Filter::Between(c, low, high) => Filter::Between(c.clone(), value(c, low)?, value(c, high)?),
            Filter::In(c, values) => self.in_list(c, values)?,
            Filter::Like(c, pattern) => self.like(c, pattern)?,
            Filter::IsNull(c) => {
                self.column(c)?;
                Filter::IsNull(c.clone())
            }
        })
    }

    fn column(&self, column: &str) -> Result<ItemType> {
        self.columns.get(column).copied().ok_or_else(|| {
            refused(column, "filter.column", format!("there is no column `{column}` to filter on"))
        })
    }

    fn value(&self, column: &str, operand: &Operand) -> Result<TypedLiteral> {
        let ty = self.column(column)?;
        let typed = match operand {
            Operand::Subject { subject } => (self.subject)(subject, ty),
            Operand::Literal(literal) => typed_literal(literal, ty),
        };
        typed.map_err(|message| refused(column, "filter.value", message))
    }

    fn in_list(&self, column: &str, values: &[Operand]) -> Result<BoundFilter> {
        self.column(column)?;
        if values.len() > MAX_IN_LIST {
            return Err(refused(column, "filter.in", format!("list at most {MAX_IN_LIST} values")));
        }
        let values = values.iter().map(|value| self.value(column, value)).collect::<Result<_>>()?;
        Ok(Filter::In(column.to_owned(), values))
    }

    fn like(&self, column: &str, pattern: &str) -> Result<BoundFilter> {
        let ty = self.column(column)?;
        if !matches!(ty.kind, ItemKind::C | ItemKind::M) {
            return Err(refused(column, "filter.like", "LIKE needs a text column".to_owned()));
        }
        if pattern.chars().count() > MAX_PATTERN || pattern.contains('\\') {
            let rule = format!("a pattern has at most {MAX_PATTERN} characters and no backslash");
            return Err(refused(column, "filter.like", rule));
        }
        Ok(Filter::Like(column.to_owned(), pattern.to_owned()))
    }
}

fn refused(at: &str, rule: &str, message: String) -> Error {
    Error::invalid(format!("the filter is not valid: {message}"), vec![Problem::new(at, rule, message)])
}

/// The literal in the column's type, or what is wrong with it.
pub fn typed_literal(literal: &Literal, ty: ItemType) -> Result<TypedLiteral, String> {
    let mismatch = || Err(format!("{literal:?} is not a value of type {}", ty.kind.label()));
    if let Some((precision, scale)) = ty.decimal() {
        let text = match literal {
            Literal::Int(value) => value.to_string(),
            Literal::Float(value) => value.to_string(),
            Literal::Text(text) => text.clone(),
            Literal::Bool(_) => return mismatch(),
        };
        return match parse_decimal(&text, precision, scale) {
            Some(unscaled) => Ok(TypedLiteral::Decimal { unscaled, precision, scale }),
            None => mismatch(),
        };
    }
    match (ty.kind, literal) {
        (ItemKind::C | ItemKind::M, Literal::Text(text)) => Ok(TypedLiteral::Text(text.clone())),
        (ItemKind::I, Literal::Int(value)) => Ok(TypedLiteral::Int(*value)),
        (ItemKind::I, Literal::Text(text)) => text.parse().map(TypedLiteral::Int).or_else(|_| mismatch()),
        (ItemKind::L, Literal::Bool(value)) => Ok(TypedLiteral::Bool(*value)),
        (ItemKind::L, Literal::Text(text)) => text.parse().map(TypedLiteral::Bool).or_else(|_| mismatch()),
        (ItemKind::D, Literal::Text(text)) => text.parse().map(TypedLiteral::Date).or_else(|_| mismatch()),
        (ItemKind::T, Literal::Text(text)) => {
            Timestamp::parse(text).map_or_else(mismatch, |time| Ok(TypedLiteral::Timestamp(time)))
        }
        (ItemKind::B | ItemKind::F, _) => match as_double(literal) {
            Some(value) if ty.kind == ItemKind::B => Ok(TypedLiteral::Double(value)),
            Some(value) => Ok(TypedLiteral::Float(value as f32)),
            None => mismatch(),
        },
        _ => mismatch(),
    }
}

fn as_double(literal: &Literal) -> Option<f64> {
    let value = match literal {
        Literal::Int(value) => *value as f64,
        Literal::Float(value) => *value,
        Literal::Text(text) => text.parse().ok()?,
        Literal::Bool(_) => return None,
    };
    value.is_finite().then_some(value)
}

/// Reads plain decimal text exactly into `precision` digits with `scale` after the point; `None` if it does not fit.
pub fn parse_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let scale = usize::try_from(scale).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() > scale {
        return None;
    }
    let joined = format!("{whole}{fraction:0<scale$}");
    let significant = joined.trim_start_matches('0');
    if significant.len() > usize::from(precision) {
        return None;
    }
    let value: i128 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    Some(if negative { -value } else { value })
}
