//! Grants, which matters make, and why an access is decided as it is.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::policy::{Decision, Grant};
use catalog_core::{GrantId, OpContext};
use openapi_contract::Reason;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Code, CodePath, Id, Input};
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_grants))
        .routes(routes!(revoke_grant))
        .routes(routes!(explain_decision))
}

/// The grants that concern the caller
#[utoipa::path(get, path = "/api/v1/grants", tag = "grants",
    responses((status = 200, description = "Held, or on one's own resources; oldest first", body = Vec<Grant>)))]
async fn list_grants(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<Grant>>, Refusal> {
    Ok(Json(app.services.grants(&ctx).await?))
}

/// Revoke a grant at once, running reads included
#[utoipa::path(post, path = "/api/v1/grants/{id}/revoke", tag = "grants",
    params(("id" = String, Path, description = "The grant")), request_body = Reason,
    responses((status = 200, description = "Revoked", body = Grant)))]
async fn revoke_grant(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(Reason { reason }): Input<Reason>,
) -> Result<Json<Grant>, Refusal> {
    let id = GrantId::new(id)?;
    let revoke = async move { app.services.revoke_grant(&ctx, &id, &reason).await };
    Ok(Json(App::to_the_end(revoke).await?))
}

/// Whether the caller may read a resource, what decided, and what would be seen
#[utoipa::path(get, path = "/api/v1/resources/{code}/why", tag = "grants", params(CodePath),
    responses((status = 200, description = "The decision", body = Decision)))]
async fn explain_decision(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Json<Decision>, Refusal> {
    app.services.resource(&ctx, &code).await?;
    Ok(Json(app.services.why(&ctx, &code).await?))
}
