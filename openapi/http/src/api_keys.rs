//! Developer keys 开发者密钥: made, listed with their use and revoked by the developer who has signed in.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::services::Services;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use exchange_auth::issue_api_key;
use http::StatusCode;
use openapi_contract::{ApiKeyRequest, ApiKeyView, IssuedApiKey};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input};
use crate::problem::Refusal;
use crate::wire::Wire;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_api_keys, create_api_key)).routes(routes!(delete_api_key))
}

/// The caller's developer keys, each with how it was used
#[utoipa::path(get, path = "/api/v1/developer-keys", tag = "session",
    responses((status = 200, description = "Newest first", body = Vec<ApiKeyView>)))]
async fn list_api_keys(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<ApiKeyView>>, Refusal> {
    Ok(Json(own(&app, &ctx).await?))
}

/// The caller's keys, with what was counted until now.
pub(crate) async fn own(app: &Arc<App>, ctx: &OpContext) -> Result<Vec<ApiKeyView>> {
    Services::check_developer(ctx)?;
    app.meter.flush(app).await?;
    let keys = app.services.api_keys(ctx).await?;
    Ok(keys.into_iter().map(|(key, usage)| ApiKeyView::new(key, usage)).collect())
}

/// Make a developer key for oneself: it reads what the developer may read, within a greater quota than without one
///
/// Sent as `x-api-key` or `Authorization: Bearer` at the doors of open data; never at those of accounts and matters.
#[utoipa::path(post, path = "/api/v1/developer-keys", tag = "session", request_body = ApiKeyRequest,
    responses((status = 201, description = "Made; the secret is shown this once", body = IssuedApiKey),
        (status = 429, description = "As many keys as a developer may have")))]
async fn create_api_key(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(request): Input<ApiKeyRequest>,
) -> Result<(StatusCode, Json<IssuedApiKey>), Refusal> {
    Ok((StatusCode::CREATED, Json(make(&app, &ctx, wire, request).await?)))
}

/// Makes a key of the caller.
pub(crate) async fn make(
    app: &Arc<App>,
    ctx: &OpContext,
    wire: Wire,
    ApiKeyRequest { name, days }: ApiKeyRequest,
) -> Result<IssuedApiKey> {
    if !wire.confidential {
        let message = "anyone on the way could read the secret: ask for it over https";
        return Err(Error::new(ErrorCode::Forbidden, message));
    }
    let (key, secret) = issue_api_key(ctx, name, days)?;
    app.services.add_api_key(ctx, &key).await?;
    Ok(IssuedApiKey { key: ApiKeyView::new(key, Vec::new()), secret })
}

/// Revoke a developer key at once: one's own, or anyone's for the security administrator
#[utoipa::path(delete, path = "/api/v1/developer-keys/{id}", tag = "session",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 204, description = "Revoked")))]
async fn delete_api_key(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<StatusCode, Refusal> {
    app.services.revoke_api_key(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
