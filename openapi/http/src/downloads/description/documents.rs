//! The documents beside the files of a dataset: Data Package, JSON Schema, dictionary, quality report.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use catalog_core::directory::{InformationItem, ItemKind};
use catalog_core::schema::json_schema;
use catalog_core::{ColumnName, OpContext, Result};
use datasets_store::{Manifest, Quality};
use openapi_dcat::{Described, Release, csvw};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Data, answer, with_data};
use crate::app::App;
use crate::extract::{Code, CodePath};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_data_package))
        .routes(routes!(get_file_schema))
        .routes(routes!(get_csv_metadata))
        .routes(routes!(get_quality_report))
}

/// The newest version as a Data Package (Data Package 2.0), with paths relative to this address
#[utoipa::path(get, path = "/datasets/{code}/datapackage.json", tag = "downloads", params(CodePath),
    responses((status = 200, description = "Files, digests, columns, licence", body = Object)))]
async fn get_data_package(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    code: Code,
) -> Result<Response, Refusal> {
    let (described, data) = with_data(&app, &ctx, code).await?;
    let package = data_package(&described, &data.release);
    Ok(answer("application/json", package.to_string(), Some(data.reading)))
}

/// The JSON Schema (2020-12) of one row of the newest version's files
#[utoipa::path(get, path = "/datasets/{code}/schema.json", tag = "downloads", params(CodePath),
    responses((status = 200, description = "The schema", body = Object, content_type = "application/schema+json")))]
async fn get_file_schema(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    code: Code,
) -> Result<Response, Refusal> {
    let (described, data) = with_data(&app, &ctx, code).await?;
    let schema = json_schema(&described.resource).to_string();
    Ok(answer("application/schema+json", schema, Some(data.reading)))
}

/// The data dictionary 数据字典 of the newest version's CSV file, as CSV on the Web
#[utoipa::path(get, path = "/datasets/{code}/csv-metadata.json", tag = "downloads", params(CodePath),
    responses((status = 200, description = "Columns, types, key", body = Object, content_type = "application/csvm+json")))]
async fn get_csv_metadata(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    code: Code,
) -> Result<Response, Refusal> {
    let (described, data) = with_data(&app, &ctx, code).await?;
    let metadata = csvw(&described, &data.release);
    Ok(answer("application/csvm+json", metadata.to_string(), Some(data.reading)))
}

/// The quality report of the newest version: counts alone
///
/// `rules` are those that every row of the files was checked against; rows that broke one are not in them. How many those
/// were is said under `delivery`, where the caller sees every row and item.
#[utoipa::path(get, path = "/datasets/{code}/quality.json", tag = "downloads", params(CodePath),
    responses((status = 200, description = "The report", body = Object)))]
async fn get_quality_report(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    code: Code,
) -> Result<Response, Refusal> {
    let (described, data) = with_data(&app, &ctx, code).await?;
    let told = |error: catalog_core::Error| error.after_opening([data.open.dataset.source()]);
    let whole =
        app.datasets.manifest(&data.open.dataset.version).await.map_err(|error| told(error.into()))?;
    let report = quality(&described, &data, &whole);
    Ok(answer("application/json", report.to_string(), Some(data.reading)))
}

/// The documents beside the files in a bundle, by their names.
pub(super) fn bundled(described: &Described, data: &Data, whole: &Manifest) -> Vec<(&'static str, String)> {
    let number = format!("{}.csv", data.release.number);
    let mut metadata = csvw(described, &data.release);
    if let Some(tables) = metadata["tables"].as_array_mut() {
        // There is no other version beside it.
        tables.retain(|table| table["url"] == number);
    }
    vec![
        ("datapackage.json", data_package(described, &data.release).to_string()),
        ("csv-metadata.json", metadata.to_string()),
        ("schema.json", json_schema(&described.resource).to_string()),
        ("quality.json", quality(described, data, whole).to_string()),
    ]
}

fn data_package(described: &Described, release: &Release) -> Value {
    let (resource, licence) = (&described.resource, described.resource.licence.as_deref());
    let licences: Vec<_> = described
        .licence_address()
        .map(|address| match licence == Some(address.as_str()) {
            true => json!({ "path": address }),
            false => json!({ "name": licence, "path": address }),
        })
        .into_iter()
        .collect();
    let fields: Vec<_> = resource
        .items
        .iter()
        .map(|item| json!({ "name": item.column, "title": item.title, "type": field_type(item.item_type.kind) }))
        .collect();
    let schema = json!({ "fields": fields, "primaryKey": resource.key });
    let files = release.files.iter().map(|file| {
        let (bytes, sha256) = file.stored.clone().unwrap_or_default();
        json!({
            "name": file.format, "path": release.file_name(file), "format": file.format, "mediatype": file.media_type,
            "bytes": bytes, "hash": format!("sha256:{sha256}"), "schema": schema,
        })
    });
    let files: Vec<_> = files.collect();
    json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": resource.code.path_form(), "title": resource.title, "description": resource.summary,
        "version": release.number.to_string(), "created": release.published_at, "keywords": resource.keywords,
        "licenses": licences, "contributors": [{ "title": described.provider.name, "roles": ["publisher"] }],
        "resources": files,
    })
}

/// The Table Schema type.
fn field_type(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::N | ItemKind::Y | ItemKind::B | ItemKind::F => "number",
        ItemKind::I => "integer",
        ItemKind::D => "date",
        ItemKind::T => "datetime",
        ItemKind::L => "boolean",
        ItemKind::C | ItemKind::M => "string",
        ItemKind::G => "any",
    }
}

fn quality(described: &Described, data: &Data, whole: &Manifest) -> Value {
    let Data { manifest, .. } = data;
    let rules = rules_of(described, whole).into_iter();
    let rules: Vec<_> =
        rules.map(|(column, rule)| json!({ "column": column, "rule": rule, "violations": 0 })).collect();
    let mut report = json!({
        "resource": described.resource.code, "version": manifest.version, "rows": manifest.rows,
        "checked_at": whole.created_at, "rules": rules,
    });
    if let Some(delivery) = delivery_of(data, whole) {
        report["delivery"] = json!(delivery);
    }
    report
}

/// What was found in the delivery of a version, for a reader from whom nothing of it is hidden: beside what is there to see,
/// these counts tell how much is hidden.
pub(super) fn delivery_of<'m>(data: &Data, whole: &'m Manifest) -> Option<&'m Quality> {
    let sees_all = data.open.dataset.granted.policy.is_transparent() && whole.erased.is_empty();
    sees_all.then_some(&whole.quality)
}

/// The rules that every row satisfies: column and rule. Rows that were taken over from earlier versions were checked against the
/// rules of their time.
pub(super) fn rules_of(described: &Described, whole: &Manifest) -> Vec<(ColumnName, &'static str)> {
    match whole.based_on {
        None => described.resource.items.iter().flat_map(|item| rules(item, described, whole)).collect(),
        Some(_) => Vec::new(),
    }
}

/// The rules of an item, by the names that reports of deliveries use.
fn rules(item: &InformationItem, described: &Described, whole: &Manifest) -> Vec<(ColumnName, &'static str)> {
    let is_bounded = item.minimum.is_some() || item.maximum.is_some();
    let is_checked =
        !whole.quality.unchecked_references.iter().any(|column| *column == *item.column.as_str());
    let rules = [
        ("type", true),
        ("required", item.required),
        ("length", item.item_type.length > 0),
        ("range", is_bounded),
        ("enumeration", !item.enumeration.is_empty()),
        ("format", item.format.is_some()),
        ("reference", item.reference.is_some() && is_checked),
        ("unique", described.resource.key.as_slice() == std::slice::from_ref(&item.column)),
    ];
    let named = rules.into_iter().filter(|(_, applies)| *applies);
    named.map(|(rule, _)| (item.column.clone(), rule)).collect()
}
