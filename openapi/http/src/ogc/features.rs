//! Features: pages of a collection, and one by its id.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, OriginalUri, State};
use axum::response::Response;
use catalog_core::directory::ItemKind;
use catalog_core::policy::Literal;
use catalog_core::policy::filter::typed_literal;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, OpContext, ResourceCode, Result};
use exchange_query::{Feature, QueryAnswer, QueryRequest};
use futures::{StreamExt, TryStreamExt, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::asked::{Asked, no_feature, one};
use super::collection::{Collection, open};
use super::crs::Crs;
use super::negotiation::{Form, Parameters};
use super::{GEOJSON, address, link, pages};
use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath, Params, parameter};
use crate::portal::Visit;
use crate::problem::Refusal;
use crate::records::counted;

/// The system in which geometries are written (Part 2).
const CONTENT_CRS: HeaderName = HeaderName::from_static("content-crs");
/// Characters of an id that stand in an address as they are.
const UNRESERVED: &[u8] = b"-_~";

/// The id in an address.
pub(super) struct FeatureId(String);

impl<S: Send + Sync> FromRequestParts<S> for FeatureId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        parameter(parts, state, "feature").await.map(Self)
    }
}

/// The feature in an address.
#[derive(Debug, serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FeaturePath {
    /// The feature's `id`: the value of the resource's key, several with `;` between.
    #[expect(dead_code, reason = "documents the parameter; `FeatureId` reads it")]
    feature: String,
}

/// A page of features
///
/// Besides the parameters named, each queryable is one: `?county=360481`. The link `next` leads to the next page.
#[utoipa::path(get, path = "/ogc/collections/{code}/items", tag = "data", params(CodePath,
        ("limit" = Option<u32>, Query, description = "Features of a page, 1 to 10,000; 100 when left out"),
        ("bbox" = Option<String>, Query, description = "Four numbers: features that meet this box"),
        ("bbox-crs" = Option<String>, Query, description = "The system of `bbox`: CRS84, or EPSG 4326 with latitude first"),
        ("datetime" = Option<String>, Query, description = "A time or an interval `start/end`; `..` is open"),
        ("filter" = Option<String>, Query, description = "A condition in CQL2"),
        ("filter-lang" = Option<String>, Query, description = "`cql2-text` or `cql2-json`"),
        ("filter-crs" = Option<String>, Query, description = "The system of geometries in `filter`"),
        ("crs" = Option<String>, Query, description = "The system of geometries in the answer"),
        ("count" = Option<bool>, Query, description = "Whether to count the features of all pages: `numberMatched`"),
        ("cursor" = Option<String>, Query, description = "Made by the server for the link `next`"),
        ("f" = Option<String>, Query, description = "`json` or `html`")),
    responses((status = 200, description = "A feature collection",
        content((Object = "application/geo+json"), (String = "text/html")))))]
pub(super) async fn list_ogc_features(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    visit: Visit,
    Code(code): Code,
    Params(pairs): Params<Vec<(String, String)>>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut parameters = Parameters::of(pairs)?;
    let form = parameters.form(&headers)?;
    let mut asked = Asked::of(parameters)?;
    let version = asked.version(&app)?;
    let (collection, source) = open(&app, &ctx, code.clone(), version).await?;
    if form == Form::Html {
        asked.pass_language(&collection);
    }
    let crs = asked.crs;
    let answered = async {
        let mut selection = asked.selection(code, version, &collection)?;
        if form == Form::Html {
            // A page is made as a whole, and read by people.
            selection.limit = selection.limit.map(|limit| limit.min(PAGE_ROWS));
        }
        let answer = app.run(&ctx, QueryRequest::Selection(selection)).await?;
        let links = page_links(&app, &collection, &uri, answer.next.as_deref());
        match form {
            Form::Json => page(answer, collection, crs, links),
            Form::Html => html_page(answer, collection, (crs, &visit), links).await,
        }
    };
    answered.await.map_err(|refusal: Refusal| refusal.after_opening([source]))
}

/// One feature
#[utoipa::path(get, path = "/ogc/collections/{code}/items/{feature}", tag = "data", params(CodePath, FeaturePath,
        ("crs" = Option<String>, Query, description = "The system of its geometry in the answer"),
        ("f" = Option<String>, Query, description = "`json` or `html`")),
    responses((status = 200, description = "A feature",
        content((Object = "application/geo+json"), (String = "text/html")))))]
pub(super) async fn get_ogc_feature(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    visit: Visit,
    Code(code): Code,
    FeatureId(id): FeatureId,
    Params(pairs): Params<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut parameters = Parameters::of(pairs)?;
    let form = parameters.form(&headers)?;
    let crs = Crs::named("crs", parameters.take("crs").as_deref())?;
    parameters.pass_language(form);
    parameters.none_left()?;
    let (collection, source) = open(&app, &ctx, code.clone(), VersionSelector::Latest).await?;
    let answered = async {
        let key = key_of(&collection, &id).ok_or_else(no_feature)?;
        feature(&app, &ctx, code, (collection, key), (crs, form, &visit)).await
    };
    answered.await.map_err(|refusal: Refusal| refusal.after_opening([source]))
}

/// The values of an id that fit the types of the key's items.
pub(super) fn key_of(collection: &Collection, id: &str) -> Option<Vec<String>> {
    let key = collection.key_of(id)?;
    let fits = |(column, value): (&String, &String)| {
        let item = collection.queryable(column);
        item.is_some_and(|item| typed_literal(&Literal::Text(value.clone()), item.item_type).is_ok())
    };
    collection.key.iter().zip(&key).all(fits).then_some(key)
}

async fn feature(
    app: &App,
    ctx: &OpContext,
    code: ResourceCode,
    (collection, key): (Collection, Vec<String>),
    (crs, form, visit): (Crs, Form, &Visit),
) -> Result<Response, Refusal> {
    let selection = one(code, VersionSelector::Latest, &collection, key);
    let answer = app.run(ctx, QueryRequest::Selection(selection)).await?;
    let (answer, rows) = counted(answer);
    let reading = Reading { rows, now: Some(answer.now), ..Reading::of(answer.sources.clone()) };
    let features = collection.features(crs.latitude_first());
    let names = features.properties(&answer);
    let found: Vec<Vec<Feature>> = features.of(answer).try_collect().await?;
    let found = found.into_iter().flatten().next().ok_or_else(no_feature)?;
    let up = format!("/collections/{}", collection.code);
    let own = collection.id(&found.key).map_or(up.clone(), |id| format!("{up}/items/{}", encoded(&id)));
    let links = vec![
        link("self", GEOJSON, "This feature", address(app, &own)),
        link("alternate", "text/html", "As a page", address(app, &format!("{own}?f=html"))),
        link("collection", "application/json", &collection.title, address(app, &up)),
    ];
    match form {
        Form::Html => {
            let page = pages::feature(&visit.around(), &collection, &names, &found, &links).shown(visit)?;
            told(page, crs, reading)
        }
        Form::Json => {
            let links = Value::Array(links);
            let text = written(&collection, &found);
            let text = text.strip_suffix('}').unwrap_or(&text);
            respond(GEOJSON, crs, format!("{text},\"links\":{links}}}"), reading)
        }
    }
}

fn respond(
    media_type: &'static str,
    crs: Crs,
    body: impl Into<Body>,
    reading: Reading,
) -> Result<Response, Refusal> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    told(response, crs, reading)
}

/// An answer with its system of coordinates, and what was read for it.
fn told(mut response: Response, crs: Crs, reading: Reading) -> Result<Response, Refusal> {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    let crs = HeaderValue::try_from(format!("<{}>", crs.uri())).map_err(Error::internal)?;
    headers.insert(CONTENT_CRS, crs);
    response.extensions_mut().insert(reading);
    Ok(response)
}

/// A page as GeoJSON, written as it is read.
fn page(
    answer: QueryAnswer,
    collection: Collection,
    crs: Crs,
    links: Vec<Value>,
) -> Result<Response, Refusal> {
    let (answer, rows) = counted(answer);
    let reading =
        Reading { rows: Arc::clone(&rows), now: Some(answer.now), ..Reading::of(answer.sources.clone()) };
    let (now, total) = (answer.now, answer.total);
    let features = collection.features(crs.latitude_first()).of(answer);
    let mut is_first = true;
    let pieces = features.map(move |some| {
        let mut text = String::new();
        for feature in some? {
            text.push_str(if is_first { "\n" } else { ",\n" });
            text.push_str(&written(&collection, &feature));
            is_first = false;
        }
        Ok::<_, Error>(Bytes::from(text))
    });
    let head = Bytes::from_static(b"{\"type\":\"FeatureCollection\",\"features\":[");
    let tail = stream::once(async move {
        let matched = total.map(|total| format!(",\"numberMatched\":{total}")).unwrap_or_default();
        let (returned, links) = (rows.load(Ordering::Relaxed), Value::Array(links));
        let end = format!(
            "\n],\"numberReturned\":{returned}{matched},\"timeStamp\":\"{now}\",\"links\":{links}}}\n"
        );
        Ok(Bytes::from(end))
    });
    // What fails ends the transfer, so that a part never looks whole.
    let body = stream::iter([Ok(head)]).chain(pieces).chain(tail);
    respond(GEOJSON, crs, Body::from_stream(body), reading)
}

/// Features of a page for people.
const PAGE_ROWS: u32 = 100;

async fn html_page(
    answer: QueryAnswer,
    collection: Collection,
    (crs, visit): (Crs, &Visit),
    links: Vec<Value>,
) -> Result<Response, Refusal> {
    let (answer, rows) = counted(answer);
    let reading = Reading { rows, now: Some(answer.now), ..Reading::of(answer.sources.clone()) };
    let features = collection.features(crs.latitude_first());
    let names = features.properties(&answer);
    let total = answer.total;
    let found: Vec<Vec<Feature>> = features.of(answer).try_collect().await?;
    let found: Vec<Feature> = found.into_iter().flatten().collect();
    let page = pages::features(&visit.around(), &collection, &names, &found, (total, &links));
    told(page.shown(visit)?, crs, reading)
}

/// A feature as a GeoJSON object.
pub(super) fn written(collection: &Collection, feature: &Feature) -> String {
    let Feature { key, geometry, properties, .. } = feature;
    let id = collection.id(key).map(|id| format!("\"id\":{},", id_value(collection, id)));
    let id = id.unwrap_or_default();
    format!("{{\"type\":\"Feature\",{id}\"geometry\":{geometry},\"properties\":{properties}}}")
}

/// A number where the key is one, else a text.
fn id_value(collection: &Collection, id: String) -> Value {
    let kind = match collection.key.as_slice() {
        [one] => collection.queryable(one).map(|item| item.item_type.kind),
        _ => None,
    };
    match (kind, id.parse::<i64>()) {
        (Some(ItemKind::I), Ok(number)) => json!(number),
        _ => json!(id),
    }
}

/// A text as one segment of a path.
pub(super) fn encoded(id: &str) -> String {
    id.bytes().fold(String::new(), |mut out, byte| {
        match byte.is_ascii_alphanumeric() || UNRESERVED.contains(&byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn page_links(app: &App, collection: &Collection, uri: &Uri, next: Option<&str>) -> Vec<Value> {
    let own = app.authenticator.target_uri(uri);
    let up = format!("/collections/{}", collection.code);
    let without = |left_out: &str| {
        let pairs = uri.query().unwrap_or_default().split('&');
        let kept = pairs.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(left_out));
        kept.map(str::to_owned).collect::<Vec<_>>()
    };
    let with = |mut pairs: Vec<String>, added: String| {
        pairs.push(added);
        address(app, &format!("{up}/items?{}", pairs.join("&")))
    };
    let mut links = vec![
        link("self", GEOJSON, "This page", own),
        link("alternate", "text/html", "As a page to read", with(without("f"), "f=html".to_owned())),
        link("collection", "application/json", &collection.title, address(app, &up)),
    ];
    links.extend(next.map(|cursor| {
        link("next", GEOJSON, "The next page", with(without("cursor"), format!("cursor={cursor}")))
    }));
    links
}
