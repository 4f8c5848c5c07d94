//! What keeps a server's folder in order, and who looked at its accesses.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use catalog_core::policy::{Action, decide_action};
use catalog_core::{Error, ErrorCode, OpContext};
use chrono::NaiveDate;
use datasets_ingest::{Eraser, Prepared};
use datasets_store::{Collected, Garbage};
use futures::{StreamExt as _, stream};
use http::{HeaderValue, header};
use openapi_contract::{ErasedRecords, GarbageCollected, GarbageCollection};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Input, Params};
use crate::problem::Refusal;
use crate::records::sweep_lookups;

/// Nothing younger is erased: it may belong to a version that is being written.
const GRACE_SECONDS: i64 = 3600;
/// Bytes of the access log read in one go.
const PIECE: usize = 1 << 16;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(collect_garbage)).routes(routes!(get_access_log))
}

/// The longest wait for deliveries that are under way: new ones wait behind it.
const QUIET: Duration = Duration::from_secs(30);

/// Erase objects that no version needs, and withdrawn records whose time is over
///
/// Versions that hold such records are written anew without them; reads that run go on. Deliveries that are under way are waited for, half a minute at most, and new ones wait until it is done.
#[utoipa::path(post, path = "/api/v1/maintenance/gc", tag = "server", request_body = GarbageCollection,
    responses((status = 200, description = "What was erased, or would be", body = GarbageCollected)))]
async fn collect_garbage(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(GarbageCollection { dry_run }): Input<GarbageCollection>,
) -> Result<Json<GarbageCollected>, Refusal> {
    Ok(Json(collect(app, ctx, dry_run).await?))
}

/// Erases, or says what would be erased.
pub(crate) async fn collect(app: Arc<App>, ctx: OpContext, dry_run: bool) -> Result<GarbageCollected, Error> {
    let garbage = Garbage { older_than: ctx.now.plus_seconds(-GRACE_SECONDS), dry_run };
    let collected = App::to_the_end(async move {
        let versions_erased = erase_withdrawn(&app, &ctx, dry_run).await?;
        let quiet = tokio::time::timeout(QUIET, app.no_writing()).await;
        let _nobody_publishes_what_is_erased = quiet.map_err(|_| {
            Error::new(
                ErrorCode::Unavailable,
                "deliveries are under way, which a collection waits for; try again later",
            )
        })?;
        let versions = app.services.all_versions(&ctx).await?;
        let mut collected = app.datasets.gc(&versions, garbage).await?;
        if let Some(folder) = &app.objects_folder {
            datasets_store::collect_unfinished(folder, garbage, &mut collected).map_err(Error::internal)?;
        }
        // Extracts were among what was erased.
        app.extracts.ask_again();
        if !dry_run {
            sweep_lookups(&app, ctx.now).await?;
            app.staging.forget_expired(ctx.now)?;
        }
        Ok((collected, versions_erased))
    });
    let (Collected { objects, bytes, kept }, versions) = collected.await?;
    Ok(GarbageCollected { objects, bytes, kept, dry_run, versions })
}

/// Takes withdrawn records whose time is over out of the stored objects, version by version: where it is cut short, those that
/// are done are done, and the rest is still due.
async fn erase_withdrawn(app: &App, ctx: &OpContext, dry_run: bool) -> Result<Vec<ErasedRecords>, Error> {
    let _its_objects_are_no_garbage = app.no_erasing().await;
    let mut versions = Vec::new();
    let mut eraser = Eraser::new(&app.datasets, &app.signer);
    for due in app.services.erasures_due(ctx, &app.datasets).await? {
        let (resource, version, rows) = (due.version.resource.clone(), due.version.number, due.version.rows);
        if dry_run {
            versions.push(ErasedRecords { resource, version, rows: None });
            continue;
        }
        let prepared = eraser.erase(&due, ctx.now).await?;
        let before = due.version.manifest_digest.clone();
        let after = app.services.record_erasure(ctx, due, prepared.as_ref().map(Prepared::rewritten)).await?;
        app.engine.forget_prepared(&before)?;
        if prepared.is_some() {
            versions.push(ErasedRecords { resource, version, rows: Some(rows - after.rows) });
        }
    }
    Ok(versions)
}

/// The day of an access log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Day {
    /// `2026-11-22` in Asia/Shanghai; today without it.
    #[param(value_type = Option<String>)]
    date: Option<NaiveDate>,
}

/// The access log of one day, for auditors
#[utoipa::path(get, path = "/api/v1/access-log", tag = "evidence", params(Day),
    responses((status = 200, description = "One JSON document a line: time, address, principal, method, path without \
        query, status, bytes, request id", content_type = "application/x-ndjson")))]
async fn get_access_log(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Day { date }): Params<Day>,
) -> Result<Response, Refusal> {
    let file = access_log(&app, &ctx, date.unwrap_or_else(|| ctx.now.shanghai_date())).await?;
    // Up to where it reaches now: this very answer adds to it.
    let end = file.metadata().await.map_err(Error::internal)?.len();
    let pieces = stream::try_unfold(file.take(end), |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE);
        (&mut file).take(PIECE as u64).read_to_end(&mut piece).await?;
        Ok::<_, std::io::Error>((!piece.is_empty()).then_some((piece, file)))
    });
    let mut response = Body::from_stream(pieces.boxed()).into_response();
    let media_type = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

/// The access log of a day, for auditors.
pub(crate) async fn access_log(app: &App, ctx: &OpContext, day: NaiveDate) -> Result<tokio::fs::File, Error> {
    decide_action(&ctx.principal, Action::ReadEvidence, None).into_permission()?;
    let opened = tokio::fs::File::open(app.access_log.path_of(day)).await;
    opened.map_err(|_| Error::not_found(format!("an access log of {day}")))
}
