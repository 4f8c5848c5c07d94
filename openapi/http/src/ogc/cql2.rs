//! Conditions in CQL2 (OGC 21-065r2), as text and as JSON: read into a tree, and from it made a typed condition of the
//! engine. Nothing of them becomes SQL.
//!
//! The class Basic CQL2, the spatial functions, and LIKE, BETWEEN and IN: one property is compared with literals. Numbers
//! keep all their digits: they are read as text until the item's type is known.

mod json;
#[cfg(test)]
mod tests;
mod text;

use catalog_core::directory::{InformationItem, ItemKind};
use catalog_core::policy::{Filter, Literal, Operand};
use exchange_query::{Area, Condition, Located, Relation};
use serde_json::Value as Json;

use super::collection::Collection;
use super::crs::{Crs, boxes};
use super::negotiation::unknown;
use crate::extract::invalid;
use crate::problem::Refusal;

/// Bytes of a condition.
const BYTES: usize = 16 * 1024;
/// Levels of brackets and negations.
const DEPTH: usize = 12;

/// How a condition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Text,
    Json,
}

/// A condition as it is written.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Is(bool),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Compare(Comparison, String, Scalar),
    Like(String, String),
    Between(String, Scalar, Scalar),
    In(String, Vec<Scalar>),
    IsNull(String),
    Lies(Relation, String, Figure),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Comparison {
    fn parse(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "=" => Self::Eq,
            "<>" => Self::Ne,
            "<" => Self::Lt,
            "<=" => Self::Le,
            ">" => Self::Gt,
            ">=" => Self::Ge,
            _ => return None,
        })
    }

    /// The same with the sides exchanged.
    fn turned(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            same => same,
        }
    }
}

/// A literal. Dates and times are texts until the item's type is known.
#[derive(Debug, Clone, PartialEq)]
enum Scalar {
    Text(String),
    Number(String),
    Bool(bool),
}

/// A geometry as it is written.
#[derive(Debug, Clone, PartialEq)]
enum Figure {
    Text(String),
    GeoJson(Json),
    Box(Vec<f64>),
}

/// The spatial function of a name; text writes it in whatever case.
fn relation(name: &str) -> Option<Relation> {
    Some(match name.to_ascii_lowercase().as_str() {
        "s_intersects" => Relation::Intersects,
        "s_disjoint" => Relation::Disjoint,
        "s_contains" => Relation::Contains,
        "s_within" => Relation::Within,
        "s_equals" => Relation::Equals,
        "s_touches" => Relation::Touches,
        "s_crosses" => Relation::Crosses,
        "s_overlaps" => Relation::Overlaps,
        _ => return None,
    })
}

/// The same with the geometries exchanged.
fn turned(relation: Relation) -> Relation {
    match relation {
        Relation::Contains => Relation::Within,
        Relation::Within => Relation::Contains,
        same => same,
    }
}

fn wrong(what: &str) -> Refusal {
    invalid(&format!("the filter is not right: {what}"))
}

/// The condition that a filter states about a collection.
pub(super) fn condition(
    text: &str,
    language: Language,
    crs: Crs,
    collection: &Collection,
) -> Result<Condition, Refusal> {
    if text.len() > BYTES {
        return Err(wrong(&format!("it has over {BYTES} bytes")));
    }
    let node = match language {
        Language::Text => text::parse(text)?,
        Language::Json => json::parse(text)?,
    };
    Meaning { crs, collection }.of(node)
}

/// What names and geometries mean.
struct Meaning<'a> {
    crs: Crs,
    collection: &'a Collection,
}

impl Meaning<'_> {
    fn of(&self, node: Node) -> Result<Condition, Refusal> {
        let all =
            |parts: Vec<Node>| parts.into_iter().map(|part| self.of(part)).collect::<Result<Vec<_>, _>>();
        Ok(match node {
            Node::Is(true) => Condition::And(Vec::new()),
            Node::Is(false) => Condition::Or(Vec::new()),
            Node::And(parts) => Condition::And(all(parts)?),
            Node::Or(parts) => Condition::Or(all(parts)?),
            Node::Not(part) => Condition::Not(Box::new(self.of(*part)?)),
            Node::Lies(relation, name, figure) => self.place(relation, &name, figure)?,
            Node::Compare(comparison, name, value) => {
                let item = self.item(&name)?;
                let (column, value) = (item.column.to_string(), operand(item, value)?);
                Condition::Values(match comparison {
                    Comparison::Eq => Filter::Eq(column, value),
                    Comparison::Ne => Filter::Ne(column, value),
                    Comparison::Lt => Filter::Lt(column, value),
                    Comparison::Le => Filter::Le(column, value),
                    Comparison::Gt => Filter::Gt(column, value),
                    Comparison::Ge => Filter::Ge(column, value),
                })
            }
            Node::Like(name, pattern) => {
                Condition::Values(Filter::Like(self.item(&name)?.column.to_string(), pattern))
            }
            Node::Between(name, low, high) => {
                let item = self.item(&name)?;
                let (low, high) = (operand(item, low)?, operand(item, high)?);
                Condition::Values(Filter::Between(item.column.to_string(), low, high))
            }
            Node::In(name, values) => {
                let item = self.item(&name)?;
                let values = values.into_iter().map(|value| operand(item, value));
                Condition::Values(Filter::In(item.column.to_string(), values.collect::<Result<_, _>>()?))
            }
            Node::IsNull(name) => Condition::Values(Filter::IsNull(self.item(&name)?.column.to_string())),
        })
    }

    fn item(&self, name: &str) -> Result<&InformationItem, Refusal> {
        self.collection.queryable(name).ok_or_else(|| unknown(name))
    }

    fn place(&self, relation: Relation, name: &str, figure: Figure) -> Result<Condition, Refusal> {
        if name != self.collection.geometry() && name != "geometry" {
            return Err(unknown(name));
        }
        let of = |area| Condition::Located(Located { shape: self.collection.shape.clone(), relation, area });
        let area = match figure {
            Figure::Text(text) => Area::of_text(&text)?,
            Figure::GeoJson(geometry) => return self.geojson(&geometry).map(of),
            Figure::Box(numbers) => {
                let boxes =
                    boxes(&numbers, self.crs).ok_or_else(|| wrong("a box has four or six numbers"))?;
                return match boxes.as_slice() {
                    [one] => Ok(of(Area::of_box(*one)?)),
                    _ => Err(wrong("a box across the antimeridian is offered in `bbox` alone")),
                };
            }
        };
        Ok(of(if self.crs.latitude_first() { area.swapped() } else { area }))
    }

    /// Positions are turned before they are read: the reader knows longitude first.
    fn geojson(&self, geometry: &Json) -> Result<Area, Refusal> {
        let area = match self.crs.latitude_first() {
            true => Area::of_geojson(&swapped(geometry)),
            false => Area::of_geojson(geometry),
        };
        Ok(area?)
    }
}

/// JSON in which each array that begins with two numbers has them exchanged.
fn swapped(json: &Json) -> Json {
    match json {
        Json::Array(members) => match members.as_slice() {
            [Json::Number(one), Json::Number(other), rest @ ..] => {
                let turned = [Json::Number(other.clone()), Json::Number(one.clone())];
                turned.into_iter().chain(rest.iter().cloned()).collect()
            }
            members => members.iter().map(swapped).collect(),
        },
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, member)| (name.clone(), swapped(member))).collect())
        }
        other => other.clone(),
    }
}

/// The literal for an item, whose type the engine compares it with.
fn operand(item: &InformationItem, value: Scalar) -> Result<Operand, Refusal> {
    let kind = item.item_type.kind;
    let is_number = matches!(kind, ItemKind::N | ItemKind::Y | ItemKind::I | ItemKind::B | ItemKind::F);
    Ok(Operand::Literal(match value {
        Scalar::Text(text) => Literal::Text(text),
        Scalar::Bool(flag) => Literal::Bool(flag),
        Scalar::Number(text) if is_number => number(text, kind)?,
        Scalar::Number(_) => return Err(wrong(&format!("`{}` holds no numbers", item.column))),
    }))
}

/// Plain digits stay text, so that none is lost; a power of ten is worked out.
fn number(text: String, kind: ItemKind) -> Result<Literal, Refusal> {
    let value: f64 = text.parse().map_err(|_| wrong("a number can't be read"))?;
    let is_plain = !text.contains(['e', 'E']);
    let is_whole = value.fract() == 0.0 && value.abs() < 9.0e15;
    match kind {
        ItemKind::I if is_whole && text.contains(['.', 'e', 'E']) => Ok(Literal::Text(format!("{value:.0}"))),
        _ if is_plain => Ok(Literal::Text(text)),
        _ if value.is_finite() => Ok(Literal::Float(value)),
        _ => Err(wrong("a number is too great")),
    }
}
