//! The pages of the public's datasets, for search engines.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use catalog_core::ports::{SearchPage, SearchQuery};
use catalog_core::{Error, ErrorCode, OpContext, Result};
use http::HeaderMap;
use openapi_dcat::{sitemap, sitemap_index};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PageParam, document, public, site};
use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;

/// Pages in one sitemap; a longer list is an index of several.
const SITEMAP_PAGES: u32 = 1_000;
/// Entries fetched at a time.
const BATCH: u32 = 100;
const XML: &str = "application/xml";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_sitemap))
}

/// The pages of all datasets (sitemaps.org): a list, or beyond 1,000 an index of lists
#[utoipa::path(get, path = "/sitemap.xml", tag = "catalogue", params(PageParam),
    responses((status = 200, description = "A list of pages, or of lists", body = String, content_type = "application/xml"),
        (status = 304, description = "Nothing has changed")))]
async fn get_sitemap(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(page): Params<PageParam>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (number, offset) = page.place(SITEMAP_PAGES)?;
    let (site, ctx) = (site(&app)?, public(&ctx));
    let _place = app.place(&ctx).await?;
    let mut found = fetched(&app, &ctx, offset).await?;
    let last = u32::try_from(found.total.div_ceil(u64::from(SITEMAP_PAGES))).unwrap_or(u32::MAX).max(1);
    if number > last {
        return Err(Error::new(ErrorCode::NotFound, format!("the sitemap has {last} parts")).into());
    }
    if page.page.is_none() && last > 1 {
        let parts: Vec<_> =
            (1..=last).map(|number| site.address(&format!("/sitemap.xml?page={number}"))).collect();
        return Ok(document(XML, sitemap_index(&parts)?, &headers));
    }
    let (mut pages, mut next) = (Vec::new(), offset);
    loop {
        pages.extend(found.hits.iter().map(|hit| site.dataset(&hit.code)));
        next = next.saturating_add(BATCH);
        if next >= offset.saturating_add(SITEMAP_PAGES) || u64::from(next) >= found.total {
            break;
        }
        found = fetched(&app, &ctx, next).await?;
    }
    Ok(document(XML, sitemap(&pages)?, &headers))
}

async fn fetched(app: &App, ctx: &OpContext, offset: u32) -> Result<SearchPage> {
    app.services.search(ctx, SearchQuery { offset, limit: BATCH, ..SearchQuery::default() }).await
}
