//! What there is at this door: landing page, conformance, collections, queryables.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use catalog_core::directory::{InformationItem, Resource};
use catalog_core::schema::json_schema;
use catalog_core::services::VersionSelector;
use catalog_core::{OpContext, ResourceCode};
use http::{HeaderMap, HeaderValue, header};
use openapi_portal::Around;
use serde_json::{Map, Value, json};

use super::asked::limit;
use super::collection::{Collection, may_have_places, open};
use super::crs::Crs;
use super::negotiation::{Form, Parameters};
use super::pages::Content;
use super::{GEOJSON, ROOT, address, document, link, pages};
use crate::app::App;
use crate::extract::{Code, CodePath, Params};
use crate::portal::Visit;
use crate::problem::Refusal;

/// The requirements classes that hold here, each whole. LIKE, BETWEEN and IN are offered without the class that names
/// them: it wants an escape character.
const CONFORMANCE: [&str; 15] = [
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus",
    "http://www.opengis.net/spec/cql2/1.0/conf/spatial-functions",
];
/// The relation of a link to queryables.
const QUERYABLES: &str = "http://www.opengis.net/def/rel/ogc/1.0/queryables";
const SCHEMA_JSON: &str = "application/schema+json";

/// Collections of a page where no number is asked for.
const COLLECTIONS: u32 = 100;
/// The most collections of a page; who asks for more gets these.
const MOST_COLLECTIONS: u32 = 1_000;

type Pairs = Params<Vec<(String, String)>>;

/// OGC API - Features: the landing page
#[utoipa::path(get, path = "/ogc", tag = "data",
    params(("f" = Option<String>, Query, description = "`json` or `html`")),
    responses((status = 200, description = "Links", content((Object = "application/json"), (String = "text/html")))))]
pub(super) async fn show_ogc_landing(
    State(app): State<Arc<App>>,
    visit: Visit,
    Params(pairs): Pairs,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = only_form(pairs, &headers)?;
    let to = |rel: &str, media_type: &str, title: &str, path: &str| {
        link(rel, media_type, title, address(&app, path))
    };
    let landing = json!({
        "title": "数桥 空间数据", "description": "有空间位置的数据集，按 OGC API - Features 提供。Datasets that have places.",
        "links": [
            to("self", "application/json", "本页 This page", ""),
            to("alternate", "text/html", "网页 As a page", "?f=html"),
            to("service-desc", document::MEDIA_TYPE, "接口说明 The API (OpenAPI 3.0)", "/api"),
            to("conformance", "application/json", "符合的标准 Conformance", "/conformance"),
            to("data", "application/json", "数据集 Collections", "/collections"),
        ],
    });
    answer((form, &visit), &landing, |a| pages::landing(a, &address(&app, "")))
}

/// OGC API - Features: the requirements classes that hold
#[utoipa::path(get, path = "/ogc/conformance", tag = "data",
    params(("f" = Option<String>, Query, description = "`json` or `html`")),
    responses((status = 200, description = "Their identifiers",
        content((Object = "application/json"), (String = "text/html")))))]
pub(super) async fn show_ogc_conformance(
    visit: Visit,
    Params(pairs): Pairs,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = only_form(pairs, &headers)?;
    answer((form, &visit), &json!({ "conformsTo": CONFORMANCE }), |a| pages::conformance(a, &CONFORMANCE))
}

/// OGC API - Features: its own description
#[utoipa::path(get, path = "/ogc/api", tag = "data",
    responses((status = 200, description = "OpenAPI 3.0", content((Object = "application/vnd.oai.openapi+json")))))]
pub(super) async fn get_ogc_document(State(app): State<Arc<App>>) -> Response {
    let door = address(&app, "");
    let body = document::document(door.strip_suffix(ROOT).unwrap_or(&door)).to_string();
    ([(header::CONTENT_TYPE, document::MEDIA_TYPE)], body).into_response()
}

/// OGC API - Features: the collections that the caller can read now
///
/// The link `next` leads to the next page, which may be the first with any collections of a great directory.
#[utoipa::path(get, path = "/ogc/collections", tag = "data",
    params(("limit" = Option<u32>, Query, description = "Collections of a page, 1 to 1,000; 100 when left out"),
        ("after" = Option<String>, Query, description = "The code of a resource: only what stands after it in the directory"),
        ("f" = Option<String>, Query, description = "`json` or `html`")),
    responses((status = 200, description = "Each with its links",
        content((Object = "application/json"), (String = "text/html")))))]
pub(super) async fn list_ogc_collections(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    visit: Visit,
    Params(pairs): Pairs,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut parameters = Parameters::of(pairs)?;
    let form = parameters.form(&headers)?;
    let limit = limit(parameters.take("limit"), COLLECTIONS, MOST_COLLECTIONS)?;
    let after = parameters.take("after").map(|code| ResourceCode::from_path(&code)).transpose()?;
    parameters.pass_language(form);
    parameters.none_left()?;
    // It reads manifests: as many at a time as queries run.
    let _place = app.place(&ctx).await?;
    let page = app.tables.readable_page(&ctx, &may_have_places, after.as_ref(), limit as usize);
    let (tables, next) = page.await?;
    let found = tables.iter().filter_map(|table| Collection::of(&table.dataset));
    let collections: Vec<Value> = found.map(|collection| described(&app, &collection)).collect();
    let to = |rel: &str, title: &str, form: Form, after: Option<&ResourceCode>| {
        let (media_type, form) = match form {
            Form::Json => ("application/json", "json"),
            Form::Html => ("text/html", "html"),
        };
        let after = after.map(|code| format!("&after={}", code.path_form())).unwrap_or_default();
        link(rel, media_type, title, address(&app, &format!("/collections?f={form}&limit={limit}{after}")))
    };
    let mut links = vec![
        to("self", "本页 This page", Form::Json, after.as_ref()),
        to("alternate", "网页 As a page", Form::Html, after.as_ref()),
    ];
    links.extend(next.map(|next| to("next", "下一页 The next page", form, Some(&next))));
    let whole = json!({
        "links": links,
        "crs": Crs::ALL.map(Crs::uri),
        "collections": collections,
    });
    answer((form, &visit), &whole, |a| pages::collections(a, &whole, &collections))
}

/// OGC API - Features: one collection
#[utoipa::path(get, path = "/ogc/collections/{code}", tag = "data",
    params(CodePath, ("f" = Option<String>, Query, description = "`json` or `html`")),
    responses((status = 200, description = "Title, systems, links",
        content((Object = "application/json"), (String = "text/html")))))]
pub(super) async fn get_ogc_collection(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    visit: Visit,
    Params(pairs): Pairs,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = only_form(pairs, &headers)?;
    let (collection, _) = open(&app, &ctx, code, VersionSelector::Latest).await?;
    let described = described(&app, &collection);
    answer((form, &visit), &described, |a| pages::collection(a, &described))
}

/// OGC API - Features: what conditions may name, as JSON Schema
#[utoipa::path(get, path = "/ogc/collections/{code}/queryables", tag = "data",
    params(CodePath, ("f" = Option<String>, Query, description = "`json` or `html`")),
    responses((status = 200, description = "An object schema",
        content((Object = "application/schema+json"), (String = "text/html")))))]
pub(super) async fn get_ogc_queryables(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    visit: Visit,
    Params(pairs): Pairs,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = only_form(pairs, &headers)?;
    let resource = app.services.resource(&ctx, &code).await?;
    let (collection, _) = open(&app, &ctx, code, VersionSelector::Latest).await?;
    let id = address(&app, &format!("/collections/{}/queryables", collection.code));
    let schema = queryables(&collection, resource, &id);
    let mut response = answer((form, &visit), &schema, |a| pages::queryables(a, &collection))?;
    if form == Form::Json {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(SCHEMA_JSON));
    }
    Ok(response)
}

/// The schema of the queryables, geometry included. Each has one type: that a value may be missing is no condition's business.
fn queryables(collection: &Collection, resource: Resource, id: &str) -> Value {
    let required = |item: &InformationItem| InformationItem { required: true, ..item.clone() };
    let items = collection.queryables.iter().map(required).collect();
    let schema = json_schema(&Resource { items, ..resource });
    let mut properties = schema["properties"].as_object().cloned().unwrap_or_default();
    for property in properties.values_mut().filter_map(Value::as_object_mut) {
        property.retain(|name, _| !name.starts_with("x-"));
    }
    let geometry = json!({
        "title": "几何图形 Geometry", "format": "geometry-any", "x-ogc-role": "primary-geometry",
    });
    properties.insert(collection.geometry().to_owned(), geometry);
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), schema["$schema"].clone());
    whole.insert("$id".to_owned(), json!(id));
    whole.insert("type".to_owned(), json!("object"));
    whole.insert("title".to_owned(), json!(collection.title));
    whole.insert("properties".to_owned(), properties.into());
    whole.insert("additionalProperties".to_owned(), json!(false));
    whole.into()
}

fn described(app: &App, collection: &Collection) -> Value {
    let path = format!("/collections/{}", collection.code);
    let to = |rel: &str, media_type: &str, title: &str, end: &str| {
        link(rel, media_type, title, address(app, &format!("{path}{end}")))
    };
    json!({
        "id": collection.code, "title": collection.title, "description": collection.summary, "itemType": "feature",
        "crs": Crs::ALL.map(Crs::uri),
        "links": [
            to("self", "application/json", "本数据集 This collection", ""),
            to("alternate", "text/html", "网页 As a page", "?f=html"),
            to("items", GEOJSON, "要素 Features", "/items"),
            to("items", "text/html", "要素网页 Features as a page", "/items?f=html"),
            to(QUERYABLES, SCHEMA_JSON, "可查询项 Queryables", "/queryables"),
        ],
    })
}

/// The form asked for, where it is all that may be asked for.
fn only_form(pairs: Vec<(String, String)>, headers: &HeaderMap) -> Result<Form, Refusal> {
    let mut parameters = Parameters::of(pairs)?;
    let form = parameters.form(headers)?;
    parameters.pass_language(form);
    parameters.none_left()?;
    Ok(form)
}

fn answer(
    (form, visit): (Form, &Visit),
    document: &Value,
    page: impl FnOnce(&Around<'_>) -> Content,
) -> Result<Response, Refusal> {
    let mut response = match form {
        Form::Json => ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response(),
        Form::Html => page(&visit.around()).shown(visit)?,
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}
