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

/// The terms as they stand in a body. A name that is no term is refused: a misspelt filter would show every row.
pub(crate) fn terms_of(asked: Value) -> Result<GrantTerms, Refusal> {
    let wrong = |found: serde_json::Error| invalid(&format!("the body is not the terms of a grant: {found}"));
    let names: Vec<String> =
        asked.as_object().map(|terms| terms.keys().cloned().collect()).unwrap_or_default();
    let terms: GrantTerms = serde_json::from_value(asked).map_err(wrong)?;
    let known = serde_json::to_value(&terms).map_err(wrong)?;
    match names.iter().find(|name| known.get(name.as_str()).is_none()) {
        Some(unknown) => Err(invalid(&format!("`{unknown}` is no term of a grant: check its spelling"))),
        None => Ok(terms),
    }
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
