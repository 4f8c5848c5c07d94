//! The server's own pages: health, keys, the API document, the SQL dialect.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::response::Html;
use axum::{Extension, Json};
use catalog_core::{Error, ErrorCode, OpContext};
use exchange_auth::JwkSet;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::document::openapi;
use crate::problem::Refusal;

/// The document, made once.
static DOCUMENT: LazyLock<Option<Value>> = LazyLock::new(|| serde_json::to_value(openapi()).ok());

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_dialect))
        .routes(routes!(get_openapi))
        .routes(routes!(list_platform_keys))
        .routes(routes!(check_health))
        .routes(routes!(check_readiness))
}

/// The SQL dialect
#[utoipa::path(get, path = "/api/v1/sql/dialect", tag = "sql",
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_dialect() -> Html<&'static str> {
    Html(include_str!("pages/dialect.html"))
}

/// This document
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "server",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
async fn get_openapi() -> Result<Json<&'static Value>, Refusal> {
    DOCUMENT.as_ref().map(Json).ok_or_else(|| Error::internal("the API document can't be written").into())
}

/// The platform's keys, present and past (RFC 7517)
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "evidence",
    responses((status = 200, description = "A JWK set; retired keys stay, with their periods", body = Object)))]
async fn list_platform_keys(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<JwkSet>, Refusal> {
    let records = app.services.key_history(&ctx).await?;
    Ok(Json(JwkSet::of_platform(&records)?))
}

/// Whether the process runs
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, description = "It runs")))]
async fn check_health() -> &'static str {
    "ok\n"
}

/// Whether requests can be answered: the catalogue answers
#[utoipa::path(get, path = "/readyz", tag = "server", responses((status = 200, description = "They can")))]
async fn check_readiness(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<&'static str, Refusal> {
    match app.services.key_history(&ctx).await {
        Ok(_) => Ok("ready\n"),
        Err(error) => {
            let error =
                Error::new(ErrorCode::Unavailable, "the catalogue does not answer").with_internal(error);
            Err(error.into())
        }
    }
}
