//! The pages of the portal and of the public's datasets, for search engines.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use catalog_core::ports::SearchQuery;
use catalog_core::{Error, ErrorCode, OpContext};
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
/// Pages of the portal beside those of datasets: in the first list.
const OWN: [&str; 6] = ["/", "/search", "/topics", "/departments", "/statistics", "/standards"];
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
    let _place = app.page(&ctx).await?;
    let query = SearchQuery { offset, limit: SITEMAP_PAGES, ..SearchQuery::default() };
    let found = app.services.codes(&ctx, query).await?;
    let last = u32::try_from(found.total.div_ceil(u64::from(SITEMAP_PAGES))).unwrap_or(u32::MAX).max(1);
    if number > last {
        return Err(Error::new(ErrorCode::NotFound, format!("the sitemap has {last} parts")).into());
    }
    if page.page.is_none() && last > 1 {
        let parts: Vec<_> =
            (1..=last).map(|number| site.address(&format!("/sitemap.xml?page={number}"))).collect();
        return Ok(document(XML, sitemap_index(&parts)?, &headers));
    }
    let own = OWN.iter().filter(|_| number == 1).map(|path| site.address(path));
    let departments = match number {
        1 => app.services.departments(&ctx).await?,
        _ => Vec::new(),
    };
    let departments =
        departments.iter().map(|department| site.address(&format!("/departments/{}", department.id)));
    let datasets = found.codes.iter().map(|code| site.dataset(code));
    let pages: Vec<_> = datasets.chain(own).chain(departments).collect();
    Ok(document(XML, sitemap(&pages)?, &headers))
}
