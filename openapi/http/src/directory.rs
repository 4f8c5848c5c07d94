//! The resource directory: search, entries, their life cycle.

mod history;
pub(crate) mod sheet;

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::directory::diff::{Change, diff};
use catalog_core::directory::resource::{Entry, UpdateCycle};
use catalog_core::directory::{LifecycleStep, Resource};
use catalog_core::ports::{SearchPage, SearchQuery};
use catalog_core::{DepartmentId, Error, OpContext, ResourceCode};
use http::StatusCode;
use openapi_contract::{BulkStep, NewCode, Step, StepOutcome, TakenCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Code, CodePath, Input, Params, invalid};
use crate::problem::{Refusal, details};

/// Entries in one bulk step.
const BULK_ENTRIES: usize = 1_000;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(search_resources))
        .routes(routes!(get_resource, put_resource))
        .routes(routes!(list_entries))
        .routes(routes!(get_entry))
        .routes(routes!(get_difference))
        .routes(routes!(create_code))
        .routes(routes!(advance_resource))
        .routes(routes!(advance_resources))
        .merge(sheet::routes())
        .merge(history::routes())
}

/// A search in the published directory.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Search {
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
    /// Openness: `open`, `conditional` or `closed`.
    opening: Option<String>,
    /// Update cycle.
    #[param(inline)]
    update_cycle: Option<UpdateCycle>,
    /// Format class 信息资源格式分类.
    format: Option<String>,
    /// First hit, counted from 0.
    #[serde(default)]
    offset: u32,
    /// Hits wanted, 1 to 100; 20 when left out.
    limit: Option<u32>,
    /// Whether to count facets.
    #[serde(default)]
    facets: bool,
}

/// Hits of a page where the caller does not say.
const PAGE_HITS: u32 = 20;

/// Search the published directory
#[utoipa::path(get, path = "/api/v1/resources", tag = "directory", params(Search),
    responses((status = 200, description = "Hits, best first; the public finds what is open", body = SearchPage)))]
async fn search_resources(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(search): Params<Search>,
) -> Result<Json<SearchPage>, Refusal> {
    let limit = search.limit.unwrap_or(PAGE_HITS);
    if !(1..=100).contains(&limit) {
        return Err(invalid("`limit` lies between 1 and 100"));
    }
    let Search { q, classification, department, sharing, opening, update_cycle, format, .. } = search;
    let query = SearchQuery {
        text: q,
        classification,
        department,
        sharing,
        opening,
        update_cycle,
        format,
        public_only: true,
        offset: search.offset,
        limit,
        facets: search.facets,
        ..SearchQuery::default()
    };
    Ok(Json(app.services.search(&ctx, query).await?))
}

/// One published resource with its information items
#[utoipa::path(get, path = "/api/v1/resources/{code}", tag = "directory", params(CodePath),
    responses((status = 200, description = "The resource", body = Resource)))]
async fn get_resource(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Json<Resource>, Refusal> {
    Ok(Json(app.services.resource(&ctx, &code).await?))
}

/// Write a draft: a new entry, or a change to one
#[utoipa::path(put, path = "/api/v1/resources/{code}", tag = "directory", params(CodePath),
    request_body = Resource, responses((status = 200, description = "The entry", body = Entry)))]
async fn put_resource(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Input(draft): Input<Resource>,
) -> Result<Json<Entry>, Refusal> {
    if draft.code != code {
        return Err(invalid(&format!("the address names {code}, the body {}", draft.code)));
    }
    Ok(Json(app.services.save_draft(&ctx, draft).await?))
}

/// All entries of the caller's department, drafts included
#[utoipa::path(get, path = "/api/v1/entries", tag = "directory",
    responses((status = 200, description = "By code", body = Vec<Entry>)))]
async fn list_entries(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<Entry>>, Refusal> {
    Ok(Json(app.services.entries(&ctx).await?))
}

/// One entry of the caller's department: draft, state, what is published
#[utoipa::path(get, path = "/api/v1/resources/{code}/entry", tag = "directory", params(CodePath),
    responses((status = 200, description = "The entry", body = Entry)))]
async fn get_entry(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Json<Entry>, Refusal> {
    Ok(Json(app.services.entry(&ctx, &code).await?))
}

/// The difference of a draft to the published state
#[utoipa::path(get, path = "/api/v1/resources/{code}/diff", tag = "directory", params(CodePath),
    responses((status = 200, description = "Field by field", body = Vec<Change>)))]
async fn get_difference(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Json<Vec<Change>>, Refusal> {
    let entry = app.services.entry(&ctx, &code).await?;
    Ok(Json(diff(entry.published.as_ref(), &entry.draft)))
}

/// Take a code for a new resource; it is never given again
#[utoipa::path(post, path = "/api/v1/codes", tag = "directory", request_body = NewCode,
    responses((status = 201, description = "Taken", body = TakenCode)))]
async fn create_code(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(NewCode { provider, classification }): Input<NewCode>,
) -> Result<(StatusCode, Json<TakenCode>), Refusal> {
    let code = app.services.allocate_code(&ctx, &provider, &classification).await?;
    Ok((StatusCode::CREATED, Json(TakenCode { code })))
}

/// Move an entry one step on in its life cycle
#[utoipa::path(post, path = "/api/v1/resources/{code}/steps", tag = "directory", params(CodePath),
    request_body = Step, responses((status = 200, description = "The entry after the step", body = Entry)))]
async fn advance_resource(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Input(Step { step, remark }): Input<Step>,
) -> Result<Json<Entry>, Refusal> {
    Ok(Json(advance(&app, &ctx, &code, step, remark).await?))
}

pub(crate) async fn advance(
    app: &Arc<App>,
    ctx: &OpContext,
    code: &ResourceCode,
    step: LifecycleStep,
    remark: Option<String>,
) -> Result<Entry, Error> {
    let (app, ctx, code) = (Arc::clone(app), ctx.clone(), code.clone());
    App::to_the_end(async move { app.services.advance(&ctx, &code, step, remark).await }).await
}

/// Move many entries one step on; each succeeds or fails by itself
#[utoipa::path(post, path = "/api/v1/resources/steps", tag = "directory", request_body = BulkStep,
    responses((status = 200, description = "What became of each", body = Vec<StepOutcome>)))]
async fn advance_resources(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(wanted): Input<BulkStep>,
) -> Result<Json<Vec<StepOutcome>>, Refusal> {
    Ok(Json(advance_all(&app, &ctx, wanted).await?))
}

pub(crate) async fn advance_all(
    app: &Arc<App>,
    ctx: &OpContext,
    BulkStep { codes, step, remark }: BulkStep,
) -> Result<Vec<StepOutcome>, Refusal> {
    if codes.len() > BULK_ENTRIES {
        return Err(invalid(&format!("name at most {BULK_ENTRIES} entries")));
    }
    let mut outcomes = Vec::with_capacity(codes.len());
    for code in codes {
        let outcome = advance(app, ctx, &code, step, remark.clone()).await;
        let (state, problem) = match outcome {
            Ok(entry) => (Some(entry.state), None),
            Err(error) => {
                let refusal = Refusal::from(error);
                (None, Some(details(&refusal.error, refusal.status, &ctx.request_id)))
            }
        };
        outcomes.push(StepOutcome { code, state, problem });
    }
    Ok(outcomes)
}
