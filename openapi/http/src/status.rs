//! How the platform works: what is harmless for anyone, and how it is kept for those who keep it.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::services::Services;
use catalog_core::{OpContext, Result, Timestamp};
use exchange_ledger::SignedCheckpoint;
use exchange_ledger::note::NoteSignature;
use openapi_contract::{CheckpointStatus, OperationStatus, PlatformStatus};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::catalogue::public;
use crate::portal::{Overview, Usage};
use crate::problem::Refusal;

/// Bytes of a witness's signature: the time, then the signature itself (C2SP tlog-cosignature).
const COSIGNATURE: usize = 72;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_status))
}

/// How the platform works
///
/// Backups and deliveries are told to those who maintain the platform and to auditors: strangers would learn when it is weak.
#[utoipa::path(get, path = "/api/v1/status", tag = "server",
    responses((status = 200, description = "How it works", body = PlatformStatus)))]
async fn get_status(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<PlatformStatus>, Refusal> {
    Ok(Json(status(&app, &ctx).await?))
}

/// How the platform works, as far as it is the caller's business.
pub(crate) async fn status(app: &Arc<App>, ctx: &OpContext) -> Result<PlatformStatus> {
    let open = public(ctx);
    let _place = app.page(&open).await?;
    let overview = Overview::get(app, &open).await;
    let has_directory = overview.is_ok();
    let latest = overview.ok().flatten().map(|overview| overview.latest(1)).unwrap_or_default();
    let operation = match Services::may_see_operation(ctx) {
        true => Some(operation(app, ctx).await?),
        false => None,
    };
    Ok(PlatformStatus {
        at: ctx.now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        has_directory,
        updated_at: latest.first().and_then(|listing| listing.release).map(|(_, at)| at),
        checkpoint: app.evidence.latest().map(|signed| checkpoint(&signed, app.evidence.uncovered())),
        operation,
    })
}

fn checkpoint(signed: &SignedCheckpoint, uncovered: u64) -> CheckpointStatus {
    // The first signature is the platform's own.
    let cosignatures = signed.note.signatures.iter().skip(1);
    CheckpointStatus {
        size: signed.checkpoint.size,
        root: signed.checkpoint.root.to_base64(),
        uncovered,
        witnesses: u32::try_from(cosignatures.clone().count()).unwrap_or(u32::MAX),
        cosigned_at: cosignatures.filter_map(signed_at).max(),
    }
}

/// When a witness signed: its signature was checked when it was taken in.
fn signed_at(signature: &NoteSignature) -> Option<Timestamp> {
    let (time, _) = signature.bytes.split_at_checked(8).filter(|_| signature.bytes.len() == COSIGNATURE)?;
    let seconds = u64::from_be_bytes(time.try_into().ok()?);
    Some(Timestamp(i64::try_from(seconds).ok()?.checked_mul(1_000_000)?))
}

async fn operation(app: &Arc<App>, ctx: &OpContext) -> Result<OperationStatus> {
    let usage = Usage::get(app, ctx).await;
    let is_read = usage.is_some();
    let (backup, backup_begun_at) = usage.map(|usage| usage.backups()).unwrap_or_default();
    let subscriptions = app.services.subscription_counts(ctx).await?;
    Ok(OperationStatus { is_read, backup, backup_begun_at, subscriptions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_says_when_it_signed() {
        let of = |bytes: Vec<u8>| {
            let signature = NoteSignature { name: "witness.example".to_owned(), id: [0; 4], bytes };
            signed_at(&signature)
        };
        let cosignature = [1_795_309_200u64.to_be_bytes().to_vec(), vec![7; 64]].concat();
        assert_eq!(of(cosignature), Some(Timestamp(1_795_309_200_000_000)));
        assert_eq!(of(vec![7; 64]), None, "a log's own signature has no time");
        assert_eq!(of(vec![0xff; 72]), None, "no time at all");
    }
}
