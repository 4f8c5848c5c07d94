//! GeoJSON (RFC 7946): a FeatureCollection, feature by feature.
//!
//! Properties fill items by name, the geometry fills the resource's geometry item, and a feature's `id` fills the
//! item `id` where there is one and no property of that name.

use std::cell::Cell;
use std::fmt;
use std::io::{BufReader, Read};
use std::rc::Rc;

use catalog_core::directory::ValueFormat;
use catalog_core::{Error, Problem, Result};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::header::item_named;
use super::rows::TextRows;
use super::{Input, MAX_RECORD, Output, json};
use crate::fault::{Rule, malformed};

pub(super) fn read(input: &Input<'_>, out: Output<'_>) -> Result<()> {
    let left = Rc::new(Cell::new(MAX_RECORD));
    let bounded = Bounded { inner: input.stream()?, left: Rc::clone(&left) };
    let mut reader = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, bounded));
    let mut features = Features {
        rows: TextRows::new(vec![true; input.items.len()], out),
        input,
        left,
        geometry: input.items.iter().position(|item| item.format == Some(ValueFormat::Geometry)),
        id: item_named(input.items, "id"),
        count: 0,
        failure: None,
    };
    let parsed = reader.deserialize_map(Collection(&mut features)).and_then(|()| reader.end());
    if let Some(failure) = features.failure {
        return Err(failure);
    }
    parsed.map_err(|error| {
        malformed(format!("`{}` is no whole GeoJSON FeatureCollection: {error}", input.delivery.name))
    })?;
    features.rows.finish()
}

/// Features on their way into rows.
struct Features<'a, 'b> {
    rows: TextRows<'a, 'b>,
    input: &'a Input<'a>,
    left: Rc<Cell<usize>>,
    geometry: Option<usize>,
    id: Option<usize>,
    count: u64,
    failure: Option<Error>,
}

#[derive(Deserialize)]
struct Feature {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    geometry: Value,
    #[serde(default)]
    properties: Option<Map<String, Value>>,
}

impl Features<'_, '_> {
    fn push(&mut self, feature: Value) -> Result<()> {
        self.left.set(MAX_RECORD);
        self.count += 1;
        let feature = match serde_json::from_value::<Feature>(feature) {
            Ok(feature) if feature.kind == "Feature" => feature,
            _ => return self.rows.broken(self.count, 1, Rule::Syntax, "not a feature"),
        };
        let mut members = feature.properties.unwrap_or_default();
        if let Some(item) = self.id.filter(|_| !feature.id.is_null()) {
            let name = self.input.items[item].column.as_str();
            if !members.contains_key(name) {
                members.insert(name.to_owned(), feature.id);
            }
        }
        if self.geometry.is_none() && !feature.geometry.is_null() {
            let message = "the features have geometries, and no item takes them: give the item of type 通用型 G the value \
                format `geometry` 几何, or deliver a table without geometry";
            let problem = Problem::new("geometry", "header.unknown", message);
            return Err(Error::invalid(message, vec![problem]));
        }
        let geometry = self.geometry.map(|item| (item, &feature.geometry));
        json::push(&mut self.rows, self.input, self.count, &members, geometry)
    }
}

/// The collection object: everything but `features` is skipped.
struct Collection<'x, 'a, 'b>(&'x mut Features<'a, 'b>);

impl<'de> Visitor<'de> for Collection<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a FeatureCollection")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "features" {
                map.next_value_seed(Sequence(&mut *self.0))?;
                found = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(A::Error::missing_field("features")) }
    }
}

/// The array of features.
struct Sequence<'x, 'a, 'b>(&'x mut Features<'a, 'b>);

impl<'de> DeserializeSeed<'de> for Sequence<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Sequence<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(feature) = sequence.next_element::<Value>()? {
            if let Err(failure) = self.0.push(feature) {
                self.0.failure = Some(failure);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Refuses to read more than [`MAX_RECORD`] bytes without a feature.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.get().checked_sub(read) {
            Some(left) => self.left.set(left),
            None => return Err(std::io::Error::other("a feature of over 16 MiB")),
        }
        Ok(read)
    }
}
