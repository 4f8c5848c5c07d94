//! The portal: pages for people. They show what the public's directory shows, whoever asks, and need no scripts.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use catalog_core::ports::{self, SearchQuery};
use catalog_core::{Error, OpContext, Result};
use exchange_crypto::Digest;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use openapi_dcat::Site;
use openapi_portal::{
    Around, Chosen, Count, DepartmentsPage, DesignPage, Figures, HomePage, Language, Page, SearchPage,
    TopicsPage, asset,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::catalogue::{public, site};
use crate::downloads::matches;
use crate::extract::Params;
use crate::problem::Refusal;

/// Datasets on the first page.
const FIRST: u32 = 6;
/// Topics on the first page.
const TOPICS: usize = 15;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_home))
        .routes(routes!(show_search))
        .routes(routes!(show_departments))
        .routes(routes!(show_topics))
        .routes(routes!(show_design))
        .routes(routes!(get_asset))
}

/// The language of a page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LanguageParam {
    /// `en` for English; Chinese without it.
    lang: Option<String>,
}

impl LanguageParam {
    /// What surrounds the page at an address.
    pub(crate) fn around<'a>(&self, app: &'a App, site: &'a Site, address: String) -> Around<'a> {
        around(app, site, self.lang.as_deref(), address)
    }
}

/// What is searched for, and the language of the page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Words.
    #[serde(default)]
    q: String,
    /// Prefix of the classification.
    topic: Option<String>,
    /// Provider.
    department: Option<String>,
    /// `open`, `conditional` or `closed`.
    opening: Option<String>,
    /// Format class.
    format: Option<String>,
    /// The page, from 1.
    page: Option<u32>,
    /// `en` for English; Chinese without it.
    lang: Option<String>,
}

fn around<'a>(app: &'a App, site: &'a Site, lang: Option<&str>, address: String) -> Around<'a> {
    Around { site, identity: &app.identity, language: Language::read(lang), address }
}

fn html(page: &impl Page) -> Result<Response, Refusal> {
    Ok(Html(page.write()?).into_response())
}

/// What the public's directory holds. A page costs about as much as a query, and has places of its own.
async fn found(app: &Arc<App>, ctx: &OpContext, query: SearchQuery) -> Result<ports::SearchPage> {
    let _place = app.page(ctx).await?;
    app.services.search(ctx, query).await
}

fn facets(limit: u32) -> SearchQuery {
    SearchQuery { limit, facets: true, ..SearchQuery::default() }
}

/// The portal's first page
#[utoipa::path(get, path = "/", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_home(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(asked): Params<LanguageParam>,
) -> Result<Response, Refusal> {
    let (site, ctx) = (site(&app)?, public(&ctx));
    let found = found(&app, &ctx, facets(FIRST)).await?;
    let counts = |field: &'static str| {
        found.facets.iter().filter(move |facet| facet.field == field).flat_map(|facet| &facet.counts)
    };
    let figures = Figures {
        resources: found.total,
        open: counts("opening").filter(|(value, _)| value == "open").map(|(_, count)| count).sum(),
        departments: counts("department").map(|_| 1).sum(),
    };
    let mut topics = Count::topics(&Chosen::default(), &found.facets);
    topics.truncate(TOPICS);
    html(&HomePage { a: asked.around(&app, &site, "/".to_owned()), figures, topics, some: found.hits })
}

/// Search the public's directory
#[utoipa::path(get, path = "/search", tag = "portal", params(Asked),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_search(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(asked): Params<Asked>,
) -> Result<Response, Refusal> {
    let (site, ctx) = (site(&app)?, public(&ctx));
    let Asked { q: words, topic, department, opening, format, page, lang } = asked;
    // An empty field of a form is nothing asked.
    let [topic, department, opening, format] =
        [topic, department, opening, format].map(|value| value.filter(|value| !value.is_empty()));
    let page = page.unwrap_or(1).max(1);
    let chosen = Chosen { words, topic, department, opening, format, page };
    let found = found(&app, &ctx, chosen.query()?).await?;
    let departments = app.services.departments(&ctx).await?;
    let a = around(&app, &site, lang.as_deref(), chosen.address());
    html(&SearchPage { a, chosen: &chosen, found: &found, departments: &departments })
}

/// The departments that provide data
#[utoipa::path(get, path = "/departments", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_departments(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(asked): Params<LanguageParam>,
) -> Result<Response, Refusal> {
    let (site, ctx) = (site(&app)?, public(&ctx));
    let found = found(&app, &ctx, facets(1)).await?;
    let departments = app.services.departments(&ctx).await?;
    let departments = Count::departments(&Chosen::default(), &found.facets, &departments);
    html(&DepartmentsPage { a: asked.around(&app, &site, "/departments".to_owned()), departments })
}

/// The classification of the directory
#[utoipa::path(get, path = "/topics", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_topics(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(asked): Params<LanguageParam>,
) -> Result<Response, Refusal> {
    let (site, ctx) = (site(&app)?, public(&ctx));
    let found = found(&app, &ctx, facets(1)).await?;
    let categories = Count::categories(&found.facets);
    html(&TopicsPage { a: asked.around(&app, &site, "/topics".to_owned()), categories })
}

/// The design system
#[utoipa::path(get, path = "/design", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_design(
    State(app): State<Arc<App>>,
    Params(asked): Params<LanguageParam>,
) -> Result<Response, Refusal> {
    let site = site(&app)?;
    html(&DesignPage { a: asked.around(&app, &site, "/design".to_owned()) })
}

/// A file that pages refer to
#[utoipa::path(get, path = "/assets/{file}", tag = "portal",
    params(("file" = String, Path, description = "Its name")),
    responses((status = 200, description = "The file", content_type = "text/css"),
        (status = 304, description = "Nothing has changed")))]
async fn get_asset(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let asset = asset(&file).ok_or_else(|| Error::not_found("file of the portal"))?;
    let tag = format!("\"{}\"", Digest::of(asset.content));
    let fields = [(CACHE_CONTROL, "public, no-cache".to_owned()), (ETAG, tag.clone())];
    if matches(&headers, IF_NONE_MATCH, &tag, true) {
        return Ok((StatusCode::NOT_MODIFIED, fields).into_response());
    }
    Ok((fields, [(CONTENT_TYPE, asset.media_type)], asset.content).into_response())
}
