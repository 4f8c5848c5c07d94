//! The directory passes every rule of the sheet, and its items are the columns of the tables.

use std::collections::HashSet;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, TimeUnit};
use catalog_core::directory::{
    DataClass, InformationItem, ItemKind, Level, Opening, Resource, Sharing, ValueFormat, sheet,
};
use catalog_core::identity::{CitizenId, CreditCode};

use super::*;
use crate::{Divisions, SampleCity, Table, boundaries_geojson, is_synthetic};

/// The resources of the two sheets, which have no problem.
fn resources() -> Vec<Resource> {
    let workbook = catalog_sheet::read(DIRECTORY_CSV.as_bytes(), Some(EXTENSION_CSV.as_bytes())).unwrap();
    let imported = sheet::read(&workbook, None, &departments().unwrap());
    assert_eq!(imported.problems, []);
    imported.resources.into_iter().map(|imported| imported.resource).collect()
}

#[test]
fn departments_have_codes_of_nobody_parents_and_divisions() {
    let departments = departments().unwrap();
    let ids: HashSet<&str> = departments.iter().map(|department| department.id.as_str()).collect();
    assert_eq!(ids.len(), 17);
    for department in &departments {
        assert!(is_synthetic(&department.credit_code), "{}", department.credit_code);
        assert!(CreditCode::parse(&department.credit_code).unwrap().has_organisation_check());
        assert!(Divisions::load().get(&department.division_code).is_some());
        assert!(department.parent.as_ref().is_none_or(|parent| ids.contains(parent.as_str())));
        assert_eq!(department.level == Level::County, department.division_code == "360481");
    }
}

#[test]
fn the_directory_covers_every_kind_of_sharing_and_opening() {
    let resources = resources();
    let providers: HashSet<&str> = resources.iter().map(|resource| resource.provider.as_str()).collect();
    assert!(resources.len() >= 30 && providers.len() >= 10);
    let count = |test: &dyn Fn(&Resource) -> bool| resources.iter().filter(|resource| test(resource)).count();
    assert!(count(&|resource| *resource.opening() == Opening::Open) >= 10);
    assert!(count(&|resource| matches!(resource.opening(), Opening::Conditional { .. })) >= 2);
    assert!(count(&|resource| resource.sharing() == Some(&Sharing::Unconditional)) >= 10);
    assert!(count(&|resource| matches!(resource.sharing(), Some(Sharing::Conditional { .. }))) >= 3);
    assert!(count(&|resource| matches!(resource.sharing(), Some(Sharing::Withheld { .. }))) >= 3);
    assert!(count(&|resource| resource.data_class == DataClass::Important) >= 3);
}

#[test]
fn related_resources_and_references_exist() {
    let resources = resources();
    assert!(resources.iter().any(|resource| !resource.derived_from.is_empty()));
    let find = |code: &str| resources.iter().find(|resource| resource.code.as_str() == code);
    for resource in &resources {
        for code in resource.related.iter().chain(&resource.derived_from) {
            assert!(find(code.as_str()).is_some(), "{} {code}", resource.title);
        }
        for reference in resource.items.iter().filter_map(|item| item.reference.as_ref()) {
            let target = find(reference.resource.as_str()).unwrap();
            assert!(target.item(reference.column.as_str()).is_some(), "{} {reference:?}", resource.title);
        }
    }
}

#[test]
fn items_of_mounted_resources_are_the_columns_of_their_tables() {
    let city = SampleCity::new(21, 30_000).unwrap();
    let resources = resources();
    for table in Table::ALL {
        let resource = resources.iter().find(|resource| resource.sql_name.as_str() == table.name()).unwrap();
        let schema = table.schema();
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let items: Vec<&str> = resource.items.iter().map(|item| item.column.as_str()).collect();
        assert_eq!(items, columns, "{}", table.name());
        for (item, field) in resource.items.iter().zip(schema.fields()) {
            let place = format!("{}.{}", table.name(), item.column);
            assert_eq!(arrow(item), *field.data_type(), "{place}");
            assert_eq!(item.required, !field.is_nullable(), "{place}");
        }
        for batch in city.batches(table) {
            values_fit(resource, &batch.unwrap());
        }
    }
}

#[test]
fn items_of_the_boundaries_are_the_properties_of_their_file() {
    let resources = resources();
    let resource =
        resources.iter().find(|resource| resource.sql_name.as_str() == "county_boundaries").unwrap();
    let file: serde_json::Value = serde_json::from_str(&boundaries_geojson("360400").unwrap()).unwrap();
    let features = file["features"].as_array().unwrap();
    assert_eq!(features.len(), 13);
    for feature in features {
        let properties: Vec<&str> =
            feature["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let items: Vec<&str> = resource.items.iter().map(|item| item.column.as_str()).collect();
        let (geometry, plain) = items.split_last().unwrap();
        assert_eq!((plain, *geometry), (properties.as_slice(), "geometry"));
    }
}

/// The type table of the product: item to Arrow.
fn arrow(item: &InformationItem) -> DataType {
    match item.item_type.kind {
        ItemKind::C | ItemKind::M => DataType::Utf8View,
        ItemKind::N | ItemKind::Y => {
            let (precision, scale) = item.item_type.decimal().unwrap();
            DataType::Decimal128(precision, scale)
        }
        ItemKind::D => DataType::Date32,
        ItemKind::T => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ItemKind::L => DataType::Boolean,
        ItemKind::I => DataType::Int64,
        ItemKind::B => DataType::Float64,
        ItemKind::F => DataType::Float32,
        ItemKind::G => DataType::Binary,
    }
}

/// Texts keep to the length, the allowed values and the format of their item.
fn values_fit(resource: &Resource, batch: &RecordBatch) {
    for item in &resource.items {
        let column = batch.column_by_name(item.column.as_str()).unwrap();
        let Some(column) = column.as_any().is::<StringViewArray>().then(|| column.as_string_view()) else {
            continue;
        };
        for value in column.iter().flatten() {
            let place = format!("{}.{} {value}", resource.sql_name, item.column);
            let length = usize::from(item.item_type.length);
            assert!(length == 0 || value.chars().count() <= length, "{place}");
            assert!(
                item.enumeration.is_empty() || item.enumeration.iter().any(|one| one == value),
                "{place}"
            );
            let formatted = match item.format {
                Some(ValueFormat::CitizenId) => CitizenId::parse(value).is_ok(),
                Some(ValueFormat::CreditCode) => CreditCode::parse(value).is_ok(),
                Some(ValueFormat::DivisionCode) => Divisions::load().get(value).is_some(),
                Some(ValueFormat::Material) => value.len() == 64,
                Some(ValueFormat::Longitude | ValueFormat::Latitude | ValueFormat::Geometry) => true,
                Some(ValueFormat::FileName) | None => true,
            };
            assert!(formatted, "{place}");
        }
    }
}
