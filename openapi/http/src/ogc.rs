//! OGC API - Features under `/ogc`: what the caller may read of datasets that have places, for maps and their tools.
//!
//! Part 1 (core, GeoJSON, HTML, OpenAPI 3.0), Part 2 (coordinate reference systems) and Part 3 (filters in CQL2). A feature
//! collection is a resource with an item of geometries, or with one of longitudes and one of latitudes, that the caller sees
//! as they are. Addresses end in logs of all kinds, so personal items are no queryables.

mod asked;
mod collection;
mod cql2;
mod crs;
mod document;
mod features;
mod metadata;
mod negotiation;
mod pages;
mod past;
#[cfg(test)]
mod tests;
mod time;

use std::sync::Arc;

use http::Uri;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::past::{FeatureLines, asked_again, code_of_features};
use crate::app::App;

/// Where everything of this door lies.
const ROOT: &str = "/ogc";
const GEOJSON: &str = "application/geo+json";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(metadata::show_ogc_landing))
        .routes(routes!(metadata::show_ogc_conformance))
        .routes(routes!(metadata::get_ogc_document))
        .routes(routes!(metadata::list_ogc_collections))
        .routes(routes!(metadata::get_ogc_collection))
        .routes(routes!(metadata::get_ogc_queryables))
        .routes(routes!(features::list_ogc_features))
        .routes(routes!(features::get_ogc_feature))
}

/// The whole address of a path of this door, as the configuration says it is reached.
fn address(app: &App, path: &str) -> String {
    let path = format!("{ROOT}{path}");
    // A path that can't be parsed is not made here.
    path.parse::<Uri>().map_or(path, |uri| app.authenticator.target_uri(&uri))
}

fn link(rel: &str, media_type: &str, title: &str, href: String) -> Value {
    json!({ "rel": rel, "type": media_type, "title": title, "href": href })
}
