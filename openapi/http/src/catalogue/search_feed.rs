//! What is new in what a search finds, as Atom.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use catalog_core::directory::resource::UpdateCycle;
use catalog_core::ports::{SearchQuery, VersionPlace};
use catalog_core::{DepartmentId, Error, OpContext, Result};
use http::HeaderMap;
use openapi_dcat::Site;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::feeds::recent;
use super::{public, site};
use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_search_feed))
}

/// A page of the feed of a search.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FeedSearch {
    /// Words in Chinese or English; all must occur.
    #[serde(default)]
    q: String,
    /// Prefix of the classification code: `3`, `301`, `301001`.
    classification: Option<String>,
    /// Provider.
    #[param(value_type = Option<String>)]
    department: Option<DepartmentId>,
    /// Sharing type: 1, 2 or 3.
    sharing: Option<u8>,
    /// Openness: `open` or `conditional`.
    opening: Option<String>,
    /// Update cycle.
    #[param(inline)]
    update_cycle: Option<UpdateCycle>,
    /// Format class 信息资源格式分类.
    format: Option<String>,
    /// The page with what is older than this place; a `next` link leads there.
    before: Option<String>,
}

/// The search as the feed's address says it: the same search has one address.
#[derive(Serialize)]
struct Said<'a> {
    q: &'a str,
    classification: Option<&'a str>,
    department: Option<&'a DepartmentId>,
    sharing: Option<u8>,
    opening: Option<&'a str>,
    update_cycle: Option<UpdateCycle>,
    format: Option<&'a str>,
}

impl FeedSearch {
    fn address(&self, site: &Site) -> Result<String> {
        let Self { q, classification, department, sharing, opening, update_cycle, format, .. } = self;
        let (classification, opening, format) =
            (classification.as_deref(), opening.as_deref(), format.as_deref());
        let (department, sharing, update_cycle) = (department.as_ref(), *sharing, *update_cycle);
        let said = Said { q, classification, department, sharing, opening, update_cycle, format };
        let mut address = Url::parse(&site.address("/feeds/search.atom")).map_err(Error::internal)?;
        let said = serde_json::to_value(said).map_err(Error::internal)?;
        for (name, value) in said.as_object().into_iter().flatten() {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            address.query_pairs_mut().append_pair(name, &text);
        }
        Ok(address.into())
    }

    fn query(self) -> SearchQuery {
        let Self { q, classification, department, sharing, opening, update_cycle, format, .. } = self;
        SearchQuery {
            text: q,
            classification,
            department,
            sharing,
            opening,
            update_cycle,
            format,
            ..SearchQuery::default()
        }
    }
}

/// What is new in the open data that a search finds, as Atom: versions published, announced and withdrawn
#[utoipa::path(get, path = "/feeds/search.atom", tag = "catalogue", params(FeedSearch),
    responses((status = 200, description = "A page, the newest first; `next` leads to older changes",
        body = String, content_type = "application/atom+xml"),
        (status = 304, description = "Nothing has changed")))]
async fn get_search_feed(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(search): Params<FeedSearch>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let after = search.before.as_deref().map(str::parse::<VersionPlace>).transpose()?;
    let (site, ctx) = (site(&app)?, public(&ctx));
    let (first, title) = (search.address(&site)?, format!("公共数据开放目录：{}", search.q));
    let query = search.query();
    recent(&app, &ctx, (&site, first, title), (after, Some(&query)), &headers).await
}
