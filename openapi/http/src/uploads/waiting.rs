//! Versions that were uploaded and wait to be published: the catalogue knows nothing of them, so they are found among the objects.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result};
use openapi_contract::{PreparedVersion, WaitingVersion};

use super::{signed, unpublished};
use crate::app::App;
use crate::extract::{Code, CodePath};
use crate::problem::Refusal;

/// The most that are listed.
const LISTED: usize = 20;

/// The versions that were uploaded for the next number and wait to be published; for who may deliver
#[utoipa::path(get, path = "/api/v1/resources/{code}/waiting", tag = "data", params(CodePath),
    responses((status = 200, description = "The newest first, twenty at most", body = Vec<WaitingVersion>)))]
pub(super) async fn list_waiting_versions(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Json<Vec<WaitingVersion>>, Refusal> {
    Ok(Json(waiting_versions(&app, &ctx, &code).await?))
}

/// The versions that wait, the newest first. Whatever this platform has not signed is none.
pub(crate) async fn waiting_versions(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
) -> Result<Vec<WaitingVersion>> {
    let number = app.services.next_version(ctx, code).await?;
    let mut waiting = Vec::new();
    for digest in app.datasets.manifests(code, number).await.map_err(Error::from)?.into_iter().take(LISTED) {
        let prepared = PreparedVersion { number, manifest_digest: digest.to_hex() };
        let manifest = match signed(app, ctx, &unpublished(ctx, code.clone(), prepared)).await {
            Ok((manifest, _)) => manifest,
            Err(error)
                if matches!(
                    error.code,
                    ErrorCode::NotFound | ErrorCode::SignatureInvalid | ErrorCode::Corrupt
                ) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        waiting.push(WaitingVersion {
            number,
            manifest_digest: digest.to_hex(),
            made_at: manifest.created_at,
            file: manifest.source.name,
            rows: manifest.rows,
            set_aside: manifest.quality.rows_quarantined,
            breaking: manifest.breaking.is_some(),
        });
    }
    waiting.sort_by_key(|version| std::cmp::Reverse(version.made_at));
    Ok(waiting)
}
