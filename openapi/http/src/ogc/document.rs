//! The OpenAPI 3.0 document of this door: its tools read no 3.1.

use serde_json::{Value, json};

pub(super) const MEDIA_TYPE: &str = "application/vnd.oai.openapi+json;version=3.0";

/// The document of the door of the server at this address.
pub(super) fn document(server: &str) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": { "title": "数桥 OGC API - Features", "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": server }],
        "paths": {
            "/ogc": operation("getLandingPage", "Landing page", &[], "application/json"),
            "/ogc/conformance": operation("getConformance", "Conformance", &[], "application/json"),
            "/ogc/collections": operation(
                "getCollections", "Collections", &["collectionsLimit", "after"], "application/json"),
            "/ogc/collections/{collectionId}":
                operation("describeCollection", "A collection", &["collectionId"], "application/json"),
            "/ogc/collections/{collectionId}/queryables":
                operation("getQueryables", "Queryables", &["collectionId"], "application/schema+json"),
            "/ogc/collections/{collectionId}/items": operation(
                "getFeatures",
                "Features. Each queryable is a parameter, too.",
                &["collectionId", "limit", "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs",
                    "crs", "count", "cursor"],
                "application/geo+json",
            ),
            "/ogc/collections/{collectionId}/items/{featureId}":
                operation("getFeature", "A feature", &["collectionId", "featureId", "crs"], "application/geo+json"),
        },
        "components": {
            "parameters": parameters(),
            "responses": {
                "Problem": {
                    "description": "What is wrong (RFC 9457)",
                    "content": { "application/problem+json": { "schema": { "type": "object" } } },
                },
            },
        },
    })
}

fn operation(id: &str, summary: &str, parameters: &[&str], media_type: &str) -> Value {
    let names = parameters.iter().copied().chain(["f"]);
    let references = names.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let mut responses = json!({
        "200": {
            "description": summary,
            "content": { (media_type): { "schema": { "type": "object" } }, "text/html": { "schema": { "type": "string" } } },
        },
        "400": problem, "500": problem,
    });
    if parameters.contains(&"collectionId") {
        responses["404"] = problem;
    }
    json!({ "get": {
        "operationId": id, "summary": summary, "parameters": references.collect::<Vec<_>>(), "responses": responses,
    }})
}

fn parameters() -> Value {
    let of = |place: &str, name: &str, schema: Value| json!({ "name": name, "in": place, "required": place == "path", "schema": schema });
    let text = || json!({ "type": "string" });
    let system = || json!({ "type": "string", "format": "uri" });
    let numbers = json!({
        "name": "bbox", "in": "query", "required": false, "style": "form", "explode": false,
        "schema": { "type": "array", "minItems": 4, "maxItems": 6, "items": { "type": "number" } },
    });
    json!({
        "collectionId": of("path", "collectionId", text()),
        "featureId": of("path", "featureId", text()),
        "limit": of("query", "limit", json!({ "type": "integer", "minimum": 1, "maximum": 10000, "default": 100 })),
        "collectionsLimit": of("query", "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 })),
        "after": of("query", "after", text()),
        "bbox": numbers,
        "bbox-crs": of("query", "bbox-crs", system()),
        "datetime": of("query", "datetime", text()),
        "filter": of("query", "filter", text()),
        "filter-lang": of("query", "filter-lang",
            json!({ "type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text" })),
        "filter-crs": of("query", "filter-crs", system()),
        "crs": of("query", "crs", system()),
        "count": of("query", "count", json!({ "type": "boolean", "default": false })),
        "cursor": of("query", "cursor", text()),
        "f": of("query", "f", json!({ "type": "string", "enum": ["json", "html"] })),
    })
}
