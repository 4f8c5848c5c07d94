//! Records by their keys.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use catalog_core::dataset::Version;
use catalog_core::directory::Resource;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, Timestamp};
use datasets_ingest::Prepared;
use exchange_query::{LookUp, Place, SHORT_LOOKUP, StoredVersion, TableName};
use http::HeaderMap;
use openapi_contract::{RecordKey, RecordLookup, Rows};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answered_in, format_of, is_personal};
use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath, Input, Params, invalid};
use crate::problem::Refusal;
use crate::sql::FormatParam;
use crate::subjects;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(look_up_records)).routes(routes!(get_record))
}

/// A place for a look-up of so many: few are done before a query would begin, and wait for none.
pub(crate) async fn look_up_place(app: &App, ctx: &OpContext, many: usize) -> Result<Option<Place>, Error> {
    match many > SHORT_LOOKUP {
        true => app.place(ctx).await.map(Some),
        false => Ok(None),
    }
}

/// Whether records are looked up at an address: who only reads may, although the keys travel in a body.
pub(crate) fn are_looked_up(path: &str) -> bool {
    path.starts_with("/api/v1/datasets/") && path.ends_with("/records/lookup")
}

/// Look up records by their keys; what is hidden is as what is not there
///
/// The keys travel in the body, never in an address, which ends in logs of all kinds.
#[utoipa::path(post, path = "/api/v1/datasets/{code}/records/lookup", tag = "data", params(CodePath, FormatParam),
    request_body = RecordLookup,
    responses((status = 200, description = "Those that are there, in the order of the keys", body = Rows)))]
async fn look_up_records(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(FormatParam { format }): Params<FormatParam>,
    headers: HeaderMap,
    Input(wanted): Input<RecordLookup>,
) -> Result<Response, Refusal> {
    let RecordLookup { keys, items } = wanted;
    let format = format_of(format.as_deref(), &headers)?;
    let keys: Vec<_> = keys.into_iter().map(RecordKey::into_texts).collect();
    let wanted = LookUp { table: TableName::Code(code), keys, columns: items };
    let _place = look_up_place(&app, &ctx, wanted.keys.len()).await?;
    let mut answer = app.engine.look_up(&ctx, wanted).await?;
    let asked_for = std::mem::take(&mut answer.subjects);
    let mut response = answered_in(&app, &ctx, answer, format).await?;
    if let Some(reading) = response.extensions_mut().get_mut::<Reading>() {
        reading.subjects = subjects::hashes(&app, asked_for);
    }
    Ok(response)
}

/// One record by its key in the address, where the key is one item that is not personal
#[utoipa::path(get, path = "/api/v1/datasets/{code}/records/{key}", tag = "data",
    params(CodePath, ("key" = String, Path, description = "The value of the key"), FormatParam),
    responses((status = 200, description = "The record", body = Rows)))]
async fn get_record(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Path((_, key)): Path<(String, String)>,
    Params(FormatParam { format }): Params<FormatParam>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let format = format_of(format.as_deref(), &headers)?;
    let dataset = app.services.open(&ctx, &app.datasets, &code, VersionSelector::Latest).await?;
    let resource = &dataset.resource;
    let personal = resource
        .key
        .iter()
        .any(|name| resource.item(name.as_str()).is_none_or(|item| is_personal(resource, item)));
    if personal {
        return Err(invalid("the key is personal; send it in the body of POST …/records/lookup instead"));
    }
    let table = TableName::Code(code.clone());
    let wanted = LookUp { table, keys: vec![vec![key]], columns: Vec::new() };
    let answer = app.engine.look_up(&ctx, wanted).await?;
    if answer.total == Some(0) {
        let missing = Error::new(ErrorCode::NotFound, format!("no record of {code} has this key"));
        return Err(missing.after_opening(answer.sources).into());
    }
    answered_in(&app, &ctx, answer, format).await
}

/// Builds what look-ups of a version need before it is published, so that the first one waits for nothing. Where that fails
/// the operator is told, and the version is published all the same: the first look-up builds it.
pub(crate) async fn make_ready(app: &App, prepared: &Prepared, before: Option<&Version>) {
    let Prepared { manifest, digest } = prepared;
    let made = async {
        let resource = app.services.resource_of_evidence(&manifest.resource).await?;
        let profiles = resource.map(|resource| resource.verifications).unwrap_or_default();
        let version = StoredVersion::of(manifest, digest.to_hex());
        app.engine.prepare(&version, &profiles, before.map(|version| version.manifest_digest.as_str())).await
    };
    if let Err(error) = made.await {
        tracing::warn!(resource = %manifest.resource, cause = error.internal_cause(), "look-ups are not prepared");
    }
}

/// Removes what look-ups keep of versions that are not in effect, nor to come, and gives those that are.
pub(crate) async fn sweep_lookups(app: &App, now: Timestamp) -> Result<Vec<(Resource, Version)>, Error> {
    let standing = app.services.standing_versions(now).await?;
    let digests = standing.iter().map(|(_, version)| version.manifest_digest.clone());
    app.engine.keep_prepared(&digests.collect()).await?;
    Ok(standing)
}

/// Prepares what look-ups need of each standing version whose provider lets others verify it, or that was looked up; writes anew
/// what stands under a secret that is being replaced; and removes what is kept of other versions. `false` where some of it
/// failed, and will be built when it is asked for.
pub async fn prepare_lookups(app: &App) -> Result<bool, Error> {
    let mut is_whole = true;
    for (resource, version) in sweep_lookups(app, app.now()).await? {
        let renewed = async {
            let manifest = app.datasets.manifest(&version).await?;
            let stored = StoredVersion::of(&manifest, version.manifest_digest.clone());
            app.engine.renew(&stored, &resource.verifications).await
        };
        if let Err(error) = renewed.await {
            tracing::warn!(resource = %resource.code, cause = error.internal_cause(), "look-ups are not prepared");
            is_whole = false;
        }
    }
    Ok(is_whole)
}
