//! Feeds of what was published, announced and withdrawn (RFC 4287, in pages by RFC 5005).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use catalog_core::dataset::{Standing, Version};
use catalog_core::directory::{Department, Resource};
use catalog_core::ports::{SearchQuery, VersionPlace};
use catalog_core::{ErrorCode, OpContext, Result, Timestamp};
use http::HeaderMap;
use openapi_dcat::{Change, Feed, Site};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{document, public, site};
use crate::app::App;
use crate::extract::{Code, CodePath, Params};
use crate::problem::Refusal;

/// Changes on a page.
const PAGE_CHANGES: usize = 50;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_feed)).routes(routes!(get_dataset_feed))
}

/// A page of a feed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FeedPage {
    /// The page with what is older than this place; a `next` link leads there.
    before: Option<String>,
}

/// What is new in open data, as Atom: versions published, announced and withdrawn
#[utoipa::path(get, path = "/feed.atom", tag = "catalogue", params(FeedPage),
    responses((status = 200, description = "A page, the newest first; `next` leads to older changes",
        body = String, content_type = "application/atom+xml"),
        (status = 304, description = "Nothing has changed")))]
async fn get_feed(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(FeedPage { before }): Params<FeedPage>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let after = before.as_deref().map(str::parse::<VersionPlace>).transpose()?;
    let (site, ctx) = (site(&app)?, public(&ctx));
    let (first, title) = (site.address("/feed.atom"), "公共数据开放目录：数据更新".to_owned());
    recent(&app, &ctx, (&site, first, title), (after, None), &headers).await
}

/// A page of a feed, named by its first page's address, of the datasets that a search finds or of all.
pub(super) async fn recent(
    app: &App,
    ctx: &OpContext,
    (site, first, title): (&Site, String, String),
    (after, search): (Option<VersionPlace>, Option<&SearchQuery>),
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let mark = if first.contains('?') { '&' } else { '?' };
    let at = |place: &VersionPlace| format!("{first}{mark}before={place}");
    let address = after.as_ref().map_or_else(|| first.clone(), at);
    let _place = app.page(ctx).await?;
    let page = app.services.recent_versions(ctx, search, after, PAGE_CHANGES).await?;
    let departments = app.services.departments(ctx).await?;
    let change =
        |(resource, version): &(Resource, Version)| change(site, &departments, resource, version, ctx.now);
    let feed = Feed {
        title,
        address,
        page: site.address("/"),
        next: page.next.as_ref().map(at),
        changes: page.versions.iter().map(change).collect(),
        id: first.clone(),
    };
    Ok(document(Feed::MEDIA_TYPE, feed.write()?, headers))
}

/// What is new in one dataset, as Atom: all its versions
#[utoipa::path(get, path = "/datasets/{code}/feed.atom", tag = "catalogue", params(CodePath),
    responses((status = 200, description = "The newest first", body = String, content_type = "application/atom+xml"),
        (status = 304, description = "Nothing has changed")))]
async fn get_dataset_feed(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (site, ctx) = (site(&app)?, public(&ctx));
    let resource = app.services.resource(&ctx, &code).await?;
    let versions = match app.services.versions(&ctx, &code).await {
        // Nothing is open yet.
        Err(error) if error.code == ErrorCode::NotGranted => Vec::new(),
        found => found?,
    };
    let departments = app.services.departments(&ctx).await?;
    let mut changes: Vec<_> =
        versions.iter().map(|version| change(&site, &departments, &resource, version, ctx.now)).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.updated));
    let page = site.dataset(&code);
    let id = format!("{page}/feed.atom");
    let title = format!("{}：数据更新", resource.title);
    let feed = Feed { title, address: id.clone(), id, page, next: None, changes };
    Ok(document(Feed::MEDIA_TYPE, feed.write()?, &headers))
}

fn change(
    site: &Site,
    departments: &[Department],
    resource: &Resource,
    version: &Version,
    now: Timestamp,
) -> Change {
    let (kind, summary, updated) = said(resource, version, now);
    let page = site.dataset(&resource.code);
    let provider = departments.iter().find(|department| department.id == resource.provider);
    Change {
        id: format!("{page}#version-{}", version.number),
        title: format!("{}：第 {} 版", resource.title, version.number),
        author: provider.map_or_else(|| resource.provider.to_string(), |provider| provider.name.clone()),
        published: version.published_at,
        updated,
        kind,
        summary,
        description: format!("{page}/dcat.ttl"),
        page,
    }
}

/// What became of a version, in a word and for people, and when.
fn said(resource: &Resource, version: &Version, now: Timestamp) -> (&'static str, String, Timestamp) {
    if let Some(tombstone) = &version.tombstone {
        return ("withdrawn", format!("已撤回：{}", tombstone.reason), tombstone.at);
    }
    let Some(change) = &version.breaking else {
        return ("published", resource.summary.clone(), version.published_at);
    };
    let from = version.effective_from().unwrap_or(version.published_at);
    let announced = change.review.as_ref().map_or(version.published_at, |review| review.at);
    match version.standing(now) {
        Standing::Published => ("published", change.notice.reason.clone(), from),
        _ => {
            let day = from.shanghai_text();
            ("announced", format!("字段变更，自 {day} 起生效：{}", change.notice.reason), announced)
        }
    }
}
