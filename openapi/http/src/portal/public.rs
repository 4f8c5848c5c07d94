//! Pages for everyone: they show what the public's directory shows, whoever asks.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::ports::{self, SearchQuery};
use catalog_core::{OpContext, Result};
use openapi_portal::{
    Bar, Chosen, Count, DepartmentsPage, DesignPage, Figures, Home, HomePage, SearchHelp, SearchPage,
    TopicsPage, likeness,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::visit::{LanguageParam, Visit};
use super::{Overview, Usage};
use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;

/// Datasets on the first page.
const FIRST: u32 = 6;
/// Datasets that were updated last on the first page.
const LATEST: usize = 6;
/// Datasets that are used most on the first page.
const MOST_USED: usize = 5;
/// From which likeness on a name is suggested, in thousandths, and how many are.
const ALIKE: u64 = 250;
const SUGGESTED: usize = 5;
/// Topics on the first page.
const TOPICS: usize = 15;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_home))
        .routes(routes!(show_search))
        .routes(routes!(show_departments))
        .routes(routes!(show_topics))
        .routes(routes!(show_design))
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
async fn show_home(visit: Visit) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, visit.public());
    let found = found(app, &ctx, facets(FIRST)).await?;
    let departments = found.facets.iter().find(|facet| facet.field == "department");
    let departments = departments.map_or(0, |facet| facet.counts.iter().map(|_| 1).sum());
    let mut home = Home {
        figures: Figures { resources: found.total, departments, ..Figures::default() },
        topics: Count::topics(&Chosen::default(), &found.facets),
        some: found.hits,
        ..Home::default()
    };
    home.topics.truncate(TOPICS);
    if let Some(overview) = Overview::get(app, &ctx).await? {
        let with_data = || overview.listings.iter().filter(|listing| listing.release.is_some());
        home.figures.with_data = Some(with_data().map(|_| 1).sum());
        home.figures.rows = Some(with_data().filter_map(|listing| listing.rows).sum());
        home.latest = overview.latest(LATEST);
        if let Some(usage) = Usage::get(app, &ctx).await {
            let reads: u64 = overview.listings.iter().map(|listing| usage.reads_of(app, &listing.code)).sum();
            home.figures.uses = Some(reads + usage.calls(ctx.now));
            let used = overview.most_used(app, &usage, MOST_USED).into_iter();
            let bar = |(listing, count): (&openapi_portal::Listing, u64)| {
                Bar::new(listing.title.clone(), Some(listing.address()), count)
            };
            home.most_used = Bar::measured(used.map(bar).collect());
        }
    }
    visit.page(&HomePage { a: visit.around(), home: &home })
}

/// Search the public's directory
#[utoipa::path(get, path = "/search", tag = "portal", params(Asked),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_search(visit: Visit, Params(asked): Params<Asked>) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, visit.public());
    let Asked { q: words, topic, department, opening, format, page } = asked;
    // An empty field of a form is nothing asked.
    let [topic, department, opening, format] =
        [topic, department, opening, format].map(|value| value.filter(|value| !value.is_empty()));
    let page = page.unwrap_or(1).max(1);
    let chosen = Chosen { words, topic, department, opening, format, page };
    let found = found(app, &ctx, chosen.query()?).await?;
    let departments = app.services.departments(&ctx).await?;
    let a = visit.around_at(chosen.address());
    let help = match found.total {
        0 => Some(help(app, &ctx, &chosen).await?),
        _ => None,
    };
    let departments = departments.as_slice();
    visit.page(&SearchPage { a, chosen: &chosen, found: &found, departments, help: help.as_ref() })
}

/// What may help who has found nothing.
async fn help(app: &Arc<App>, ctx: &OpContext, chosen: &Chosen) -> Result<SearchHelp> {
    let without_conditions = match chosen.has_conditions() {
        true => found(app, ctx, SearchQuery { limit: 1, ..chosen.words_alone().query()? }).await?.total,
        false => 0,
    };
    let mut alike = Vec::new();
    if let Some(overview) = Overview::get(app, ctx).await? {
        // All names are read: a page that many would ask for at once has its place.
        let _place = app.page(ctx).await?;
        let alike_to = likeness(&chosen.words);
        let names = overview.listings.iter().map(|listing| (alike_to(&listing.title), listing));
        let mut likest: Vec<_> = names.filter(|(alike, _)| *alike >= ALIKE).collect();
        likest.sort_by_key(|(alike, listing)| (Reverse(*alike), &listing.code));
        alike
            .extend(likest.into_iter().take(SUGGESTED).map(|(_, one)| (one.code.clone(), one.title.clone())));
    }
    Ok(SearchHelp { alike, without_conditions })
}

/// The departments that provide data
#[utoipa::path(get, path = "/departments", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_departments(visit: Visit) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, visit.public());
    let found = found(app, &ctx, facets(1)).await?;
    let departments = app.services.departments(&ctx).await?;
    let counts =
        found.facets.iter().filter(|facet| facet.field == "department").flat_map(|facet| &facet.counts);
    let named = |(id, count): &(String, u64)| {
        let department = departments.iter().find(|department| department.id.as_str() == id)?;
        let (name, address) = (department.name.clone(), format!("/departments/{id}"));
        Some(Count { name, address, count: *count, is_chosen: false })
    };
    let departments = counts.filter_map(named).collect();
    visit.page(&DepartmentsPage { a: visit.around(), departments })
}

/// The classification of the directory
#[utoipa::path(get, path = "/topics", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_topics(visit: Visit) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, visit.public());
    let found = found(app, &ctx, facets(1)).await?;
    let categories = Count::categories(&found.facets);
    visit.page(&TopicsPage { a: visit.around(), categories })
}

/// The design system
#[utoipa::path(get, path = "/design", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_design(visit: Visit) -> Result<Response, Refusal> {
    visit.page(&DesignPage { a: visit.around() })
}
