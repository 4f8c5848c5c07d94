//! Public keys: listed with their periods, registered, replaced, ended.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::ports::{KeyOwner, KeyRecord};
use catalog_core::{Error, ErrorCode, OpContext, Timestamp};
use exchange_crypto::{PublicKey, from_base64url};
use http::StatusCode;
use openapi_contract::KeyRotation;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input};
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_keys, put_key))
        .routes(routes!(rotate_key))
        .routes(routes!(retire_key))
}

/// All public keys ever registered, with their periods
#[utoipa::path(get, path = "/api/v1/keys", tag = "organisation",
    responses((status = 200, description = "Oldest first", body = Vec<KeyRecord>)))]
async fn list_keys(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<KeyRecord>>, Refusal> {
    Ok(Json(app.services.key_history(&ctx).await?))
}

/// Register a public key, or end one by its `valid_until`
#[utoipa::path(put, path = "/api/v1/keys", tag = "organisation", request_body = KeyRecord,
    responses((status = 204, description = "Done")))]
async fn put_key(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(key): Input<KeyRecord>,
) -> Result<StatusCode, Refusal> {
    app.services.put_key(&ctx, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace a key by its successor, which is valid from now on
///
/// For the security administrator, and for the holder who signs with the old key.
#[utoipa::path(post, path = "/api/v1/keys/{id}/rotate", tag = "organisation", request_body = KeyRotation,
    params(("id" = String, Path, description = "Id of the old key")),
    responses((status = 201, description = "The successor", body = KeyRecord)))]
async fn rotate_key(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(KeyRotation { public_key, overlap_seconds }): Input<KeyRotation>,
) -> Result<(StatusCode, Json<KeyRecord>), Refusal> {
    let new = app.services.rotate_key(&ctx, &id, &public_key, overlap_seconds).await?;
    Ok((StatusCode::CREATED, Json(new)))
}

/// End a key now; what it signed stays provable
///
/// For the security administrator, and for the holder who signs with it.
#[utoipa::path(post, path = "/api/v1/keys/{id}/retire", tag = "organisation",
    params(("id" = String, Path, description = "Id of the key")),
    responses((status = 200, description = "The key with its end", body = KeyRecord)))]
async fn retire_key(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<KeyRecord>, Refusal> {
    Ok(Json(app.services.retire_key(&ctx, &id).await?))
}

/// The record of a public key (base64url) that is valid from a time on.
pub(crate) fn key_record(
    owner: KeyOwner,
    public_key: String,
    valid_from: Timestamp,
) -> Result<KeyRecord, Error> {
    let key = from_base64url(&public_key).and_then(|bytes| PublicKey::from_bytes(&bytes));
    let message = "this is no Ed25519 or SM2 public key in base64url";
    let id = key.map_err(|_| Error::new(ErrorCode::InvalidInput, message))?.id();
    Ok(KeyRecord { id, owner, public_key, valid_from, valid_until: None })
}
