//! The history of an entry, and unfinished drafts.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use catalog_core::directory::diff::Change;
use catalog_core::directory::history::HistoryStep;
use catalog_core::directory::unfinished::Unfinished;
use catalog_core::{OpContext, Timestamp};
use http::StatusCode;
use openapi_contract::UnfinishedInput;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Code, CodePath, Id, Input, Params};
use crate::matters::paged;
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_entry_history))
        .routes(routes!(compare_revisions))
        .routes(routes!(list_unfinished))
        .routes(routes!(get_unfinished, put_unfinished, delete_unfinished))
}

/// The history of an entry: who did what to it, when and why
///
/// For the people of its department; for officers of the authority and auditors without what each step changed in the draft. `record`
/// names the evidence of the step. Where there are more, a `link` field with `rel="next"` leads to them, and `shuqiao-next` names the
/// revision for `after`.
#[utoipa::path(get, path = "/api/v1/resources/{code}/history", tag = "directory", params(CodePath, Part),
    responses((status = 200, description = "The newest first, 50 of a page", body = Vec<HistoryStep>)))]
async fn get_entry_history(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(Part { after }): Params<Part>,
    uri: OriginalUri,
) -> Result<Response, Refusal> {
    let part = app.services.entry_history(&ctx, &code, after).await?;
    paged(Json(part.steps).into_response(), &uri, part.next.map(|next| next.to_string()).as_deref())
}

/// Which part of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Part {
    /// The page behind the revision that `shuqiao-next` of the page before named.
    after: Option<i64>,
}

/// Two revisions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Revisions {
    /// The earlier one.
    from: i64,
    /// The later one.
    to: i64,
}

/// What differs in the draft of an entry between two revisions; for its department
#[utoipa::path(get, path = "/api/v1/resources/{code}/history/diff", tag = "directory", params(CodePath, Revisions),
    responses((status = 200, description = "Field by field", body = Vec<Change>)))]
async fn compare_revisions(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(Revisions { from, to }): Params<Revisions>,
) -> Result<Json<Vec<Change>>, Refusal> {
    Ok(Json(app.services.entry_difference(&ctx, &code, from, to).await?))
}

/// The unfinished drafts of the caller's department
///
/// What directory editors have typed and what breaks rules as yet: no entries, so that nothing finds, exports or submits them.
#[utoipa::path(get, path = "/api/v1/unfinished", tag = "directory",
    responses((status = 200, description = "By id", body = Vec<Unfinished>)))]
async fn list_unfinished(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<Unfinished>>, Refusal> {
    Ok(Json(app.services.unfinished_drafts(&ctx).await?))
}

/// One unfinished draft of the caller's department
#[utoipa::path(get, path = "/api/v1/unfinished/{id}", tag = "directory",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The draft", body = Unfinished)))]
async fn get_unfinished(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<Unfinished>, Refusal> {
    Ok(Json(app.services.unfinished(&ctx, &id).await?))
}

/// Keep what was typed for an entry, whatever rules it breaks
#[utoipa::path(put, path = "/api/v1/unfinished/{id}", tag = "directory",
    params(("id" = String, Path, description = "A UUID for a new entry, the code (`301001-000001`) for a known one")),
    request_body = UnfinishedInput, responses((status = 200, description = "Kept", body = Unfinished),
        (status = 429, description = "As many as a department may have: finish or discard one first")))]
async fn put_unfinished(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(UnfinishedInput { revision, kept, fields }): Input<UnfinishedInput>,
) -> Result<Json<Unfinished>, Refusal> {
    Ok(Json(app.services.keep_unfinished(&ctx, &id, revision, kept, &fields).await?))
}

/// Which draft is discarded.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Discarded {
    /// `updated_at` of the one that is meant: one that was kept since then stays. Without it, whichever there is.
    #[param(value_type = Option<String>, format = DateTime)]
    kept: Option<Timestamp>,
}

/// Discard an unfinished draft
#[utoipa::path(delete, path = "/api/v1/unfinished/{id}", tag = "directory",
    params(("id" = String, Path, description = "Its id"), Discarded), responses((status = 204, description = "Gone")))]
async fn delete_unfinished(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Params(Discarded { kept }): Params<Discarded>,
) -> Result<StatusCode, Refusal> {
    app.services.discard_unfinished(&ctx, &id, kept).await?;
    Ok(StatusCode::NO_CONTENT)
}
