//! CQL2 as JSON.

use serde_json::{Map, Value};

use super::{Comparison, DEPTH, Figure, Node, Scalar, relation, turned, wrong};
use crate::problem::Refusal;

pub(super) fn parse(text: &str) -> Result<Node, Refusal> {
    let value: Value = serde_json::from_str(text).map_err(|_| wrong("it is no JSON"))?;
    node(&value, DEPTH)
}

fn node(value: &Value, depth: usize) -> Result<Node, Refusal> {
    let depth = depth.checked_sub(1).ok_or_else(|| wrong("it nests too deep"))?;
    let object = match value {
        Value::Bool(flag) => return Ok(Node::Is(*flag)),
        Value::Object(object) => object,
        _ => return Err(wrong("a condition is an object with `op` and `args`")),
    };
    let op = object.get("op").and_then(Value::as_str).unwrap_or_default();
    let args = object.get("args").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let all = || args.iter().map(|part| node(part, depth)).collect::<Result<Vec<_>, _>>();
    if let Some(comparison) = Comparison::parse(op) {
        return compare(comparison, args);
    }
    if let Some(relation) = relation(op).filter(|_| op.starts_with("s_")) {
        return match args {
            [one, other] => match (property(one), property(other)) {
                (Some(name), None) => Ok(Node::Lies(relation, name, figure(other)?)),
                (None, Some(name)) => Ok(Node::Lies(turned(relation), name, figure(one)?)),
                _ => Err(wrong("a spatial function compares the geometry with a literal")),
            },
            _ => Err(wrong("a spatial function has two arguments")),
        };
    }
    match (op, args) {
        ("and", [_, _, ..]) => Ok(Node::And(all()?)),
        ("or", [_, _, ..]) => Ok(Node::Or(all()?)),
        ("not", [part]) => Ok(Node::Not(Box::new(node(part, depth)?))),
        ("isNull", [part]) => Ok(Node::IsNull(named(part)?)),
        ("like", [part, Value::String(pattern)]) => Ok(Node::Like(named(part)?, pattern.clone())),
        ("between", [part, low, high]) => Ok(Node::Between(named(part)?, scalar(low)?, scalar(high)?)),
        ("in", [part, Value::Array(values)]) => {
            Ok(Node::In(named(part)?, values.iter().map(scalar).collect::<Result<_, _>>()?))
        }
        _ => Err(wrong("an operator is unknown, not offered here, or has other arguments")),
    }
}

fn compare(comparison: Comparison, args: &[Value]) -> Result<Node, Refusal> {
    match args {
        [one, other] => match (property(one), property(other)) {
            (Some(name), None) => Ok(Node::Compare(comparison, name, scalar(other)?)),
            (None, Some(name)) => Ok(Node::Compare(comparison.turned(), name, scalar(one)?)),
            _ => Err(wrong("a comparison has a property on one side and a literal on the other")),
        },
        _ => Err(wrong("a comparison has two arguments")),
    }
}

fn property(value: &Value) -> Option<String> {
    value.get("property").and_then(Value::as_str).map(str::to_owned)
}

fn named(value: &Value) -> Result<String, Refusal> {
    property(value).ok_or_else(|| wrong("a property is named as {\"property\": \"..\"}"))
}

fn scalar(value: &Value) -> Result<Scalar, Refusal> {
    let instant = |object: &Map<String, Value>| {
        let text = ["date", "timestamp"].into_iter().find_map(|name| object.get(name)?.as_str());
        text.map(|text| Scalar::Text(text.to_owned()))
    };
    match value {
        Value::String(text) => Ok(Scalar::Text(text.clone())),
        Value::Number(number) => Ok(Scalar::Number(number.to_string())),
        Value::Bool(flag) => Ok(Scalar::Bool(*flag)),
        Value::Object(object) => instant(object).ok_or_else(|| wrong("a literal is not offered here")),
        Value::Null | Value::Array(_) => {
            Err(wrong("a literal is a text, a number, a flag, a date or a time"))
        }
    }
}

fn figure(value: &Value) -> Result<Figure, Refusal> {
    match value.get("bbox").and_then(Value::as_array) {
        Some(numbers) => {
            let numbers = numbers.iter().map(Value::as_f64).collect::<Option<Vec<_>>>();
            numbers.map(Figure::Box).ok_or_else(|| wrong("a box is made of numbers"))
        }
        None if value.get("type").is_some() => Ok(Figure::GeoJson(value.clone())),
        None => Err(wrong("a geometry is GeoJSON, or {\"bbox\": [..]}")),
    }
}
