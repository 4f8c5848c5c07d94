//! The catalogue for everyone: pages of DCAT-AP for other portals, feeds of what is new, the sitemap.
//!
//! Whoever asks sees what the public sees: these documents are handed on. They tell of the directory and of the versions there
//! are, never of their rows, and count as no read of data.

mod feeds;
pub(crate) mod listed;
mod search_feed;
mod sitemap;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use catalog_core::ports::SearchQuery;
use catalog_core::{Channel, Error, ErrorCode, OpContext, Result};
use exchange_auth::public_context;
use exchange_crypto::Digest;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, VARY};
use http::{HeaderMap, StatusCode, Uri};
use openapi_dcat::{CONTEXT, Page, Site, Syntax, catalogue};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::downloads::matches;
use crate::extract::{Params, invalid};
use crate::negotiation::negotiated;
use crate::problem::Refusal;

/// Datasets on a page.
const PAGE_DATASETS: u32 = 50;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_catalogue))
        .routes(routes!(get_catalogue_turtle))
        .routes(routes!(get_catalogue_json_ld))
        .routes(routes!(get_catalogue_rdf_xml))
        .routes(routes!(get_context))
        .merge(feeds::routes())
        .merge(search_feed::routes())
        .merge(sitemap::routes())
}

/// A page of a long document.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PageParam {
    /// Its number, from 1; the first when left out.
    page: Option<u32>,
}

impl PageParam {
    /// The number of the page, and of the first of its members, where each has that many.
    fn place(&self, members: u32) -> Result<(u32, u32), Refusal> {
        let number = self.page.unwrap_or(1);
        let offset = number.checked_sub(1).and_then(|before| before.checked_mul(members));
        let offset = offset.ok_or_else(|| invalid("`page` is a number from 1 on"))?;
        Ok((number, offset))
    }
}

/// The public's catalogue (DCAT-AP 3.0.1), in the syntax that `accept` prefers
#[utoipa::path(get, path = "/catalog", tag = "catalogue", params(PageParam),
    responses((status = 200, description = "A page; `link` and Hydra's terms lead to the others",
            content((String = "text/turtle"), (Object = "application/ld+json"), (String = "application/rdf+xml"))),
        (status = 304, description = "Nothing has changed")))]
async fn get_catalogue(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(page): Params<PageParam>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let offered = Syntax::ALL.map(|syntax| (syntax.media_type(), syntax));
    let syntax = negotiated(&headers, &offered)?;
    answer(&app, &ctx, "/catalog", syntax, &page, &headers).await
}

/// The public's catalogue (DCAT-AP 3.0.1) in Turtle
#[utoipa::path(get, path = "/catalog.ttl", tag = "catalogue", params(PageParam),
    responses((status = 200, description = "A page", body = String, content_type = "text/turtle"),
        (status = 304, description = "Nothing has changed")))]
async fn get_catalogue_turtle(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(page): Params<PageParam>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    answer(&app, &ctx, "/catalog.ttl", Syntax::Turtle, &page, &headers).await
}

/// The public's catalogue (DCAT-AP 3.0.1) in JSON-LD
#[utoipa::path(get, path = "/catalog.jsonld", tag = "catalogue", params(PageParam),
    responses((status = 200, description = "A page", body = Object, content_type = "application/ld+json"),
        (status = 304, description = "Nothing has changed")))]
async fn get_catalogue_json_ld(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(page): Params<PageParam>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    answer(&app, &ctx, "/catalog.jsonld", Syntax::JsonLd, &page, &headers).await
}

/// The public's catalogue (DCAT-AP 3.0.1) in RDF/XML
#[utoipa::path(get, path = "/catalog.rdf", tag = "catalogue", params(PageParam),
    responses((status = 200, description = "A page", body = String, content_type = "application/rdf+xml"),
        (status = 304, description = "Nothing has changed")))]
async fn get_catalogue_rdf_xml(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(page): Params<PageParam>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    answer(&app, &ctx, "/catalog.rdf", Syntax::RdfXml, &page, &headers).await
}

/// The JSON-LD context of the directory's own terms
#[utoipa::path(get, path = "/schemas/directory.jsonld", tag = "catalogue",
    responses((status = 200, description = "The context", body = Object, content_type = "application/ld+json"),
        (status = 304, description = "Nothing has changed")))]
async fn get_context(headers: HeaderMap) -> Response {
    document(Syntax::JsonLd.media_type(), CONTEXT.into(), &headers)
}

/// One page: only its own entries are fetched.
async fn answer(
    app: &Arc<App>,
    ctx: &OpContext,
    path: &str,
    syntax: Syntax,
    page: &PageParam,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let (number, offset) = page.place(PAGE_DATASETS)?;
    let (site, ctx) = (site(app)?, public(ctx));
    // A page costs about as much as a query, and has places of its own.
    let _place = app.page(&ctx).await?;
    let query = SearchQuery { offset, limit: PAGE_DATASETS, ..SearchQuery::default() };
    let found = app.services.codes(&ctx, query).await?;
    let last = found.total.div_ceil(u64::from(PAGE_DATASETS)).max(1);
    if u64::from(number) > last {
        return Err(Error::new(ErrorCode::NotFound, format!("the catalogue has {last} pages")).into());
    }
    let datasets = listed::described(app, &ctx, &found.codes).await?;
    let page = Page { path, number: u64::from(number), last, total: found.total };
    let links = links(&site, &page);
    let written = syntax.write(catalogue(&site, &page, &datasets))?;
    let mut response = document(syntax.media_type(), written, headers);
    if path == "/catalog" {
        response.headers_mut().append(VARY, http::HeaderValue::from_static("accept"));
    }
    response.headers_mut().insert(LINK, links.try_into().map_err(Error::internal)?);
    Ok(response)
}

/// The other pages, as `link` fields say it (RFC 8288).
fn links(site: &Site, page: &Page<'_>) -> String {
    let pages = [
        ("first", Some(page.path_of(1))),
        ("last", Some(page.path_of(page.last))),
        ("next", page.next()),
        ("prev", page.previous()),
    ];
    let link = |(relation, path): (&str, Option<String>)| {
        path.map(|path| format!("<{}>; rel=\"{relation}\"", site.address(&path)))
    };
    pages.into_iter().filter_map(link).collect::<Vec<_>>().join(", ")
}

/// The addresses of this server.
pub(crate) fn site(app: &App) -> Result<Site> {
    Site::new(&app.authenticator.target_uri(&Uri::from_static("/")))
}

/// The request as the public makes it at the door of files.
pub(crate) fn public(ctx: &OpContext) -> OpContext {
    public_context(ctx.request_id.clone(), Channel::File, ctx.now)
}

/// A document of the public, with the tag by which caches ask whether it has changed.
pub(crate) fn document(media_type: &'static str, content: Vec<u8>, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", Digest::of(&content));
    // Caches ask each time, so that a withdrawal works at once.
    let fields = [(CACHE_CONTROL, "public, no-cache".to_owned()), (ETAG, tag.clone())];
    if matches(headers, IF_NONE_MATCH, &tag, true) {
        return (StatusCode::NOT_MODIFIED, fields).into_response();
    }
    (fields, [(CONTENT_TYPE, media_type)], content).into_response()
}
