//! Datasets: versions, their withdrawal, schema, dictionary, preview.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use catalog_core::dataset::{RecordsWithdrawal, Version};
use catalog_core::directory::Resource;
use catalog_core::policy::GrantKind;
use catalog_core::schema::{DictionaryLine, dictionary, json_schema, visible};
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode};
use exchange_query::export::Format;
use exchange_query::{QueryRequest, Selection, TableName};
use http::StatusCode;
use openapi_contract::{Reason, RecordActView, Rows, VersionView};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Code, CodePath, Input, Number, NumberPath, Params};
use crate::problem::Refusal;
use crate::records::answered;

/// Rows of a preview.
const PREVIEW_ROWS: u32 = 20;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_versions))
        .routes(routes!(review_version))
        .routes(routes!(withdraw_version))
        .routes(routes!(list_record_acts))
        .routes(routes!(withdraw_records))
        .routes(routes!(reinstate_records))
        .routes(routes!(get_schema))
        .routes(routes!(get_dictionary))
        .routes(routes!(preview_records))
}

/// The versions of a dataset
#[utoipa::path(get, path = "/api/v1/resources/{code}/versions", tag = "data", params(CodePath),
    responses((status = 200, description = "Oldest first, withdrawn ones with reason", body = Vec<VersionView>)))]
async fn list_versions(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Json<Vec<VersionView>>, Refusal> {
    Ok(Json(version_views(&app, &ctx, &code).await?))
}

/// The versions of a dataset as the caller may know of them, oldest first.
pub(crate) async fn version_views(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
) -> Result<Vec<VersionView>, Refusal> {
    let granted = app.services.why(ctx, code).await?.into_policy();
    // Beside what is there to see, the number of all rows tells how many are withdrawn.
    let whole = app.services.record_acts(ctx, code).await?.is_empty();
    let sees_all = granted
        .is_ok_and(|granted| granted.policy.is_transparent() && (whole || granted.kind == GrantKind::Own));
    let versions = app.services.versions(ctx, code).await?;
    Ok(versions.into_iter().map(|version| VersionView::of(version, sees_all, ctx.now)).collect())
}

/// Consent to a breaking change, as another person of the provider than the one who delivered it
///
/// From now on its notice runs. `latest` keeps the old columns until the date in the answer.
#[utoipa::path(post, path = "/api/v1/resources/{code}/versions/{number}/review", tag = "data",
    params(CodePath, NumberPath),
    responses((status = 200, description = "The announced version, with its date", body = Version)))]
async fn review_version(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Number(number): Number,
) -> Result<Json<Version>, Refusal> {
    Ok(Json(app.services.review_version(&ctx, &code, number).await?))
}

/// Withdraw a version: unreadable at every door at once
#[utoipa::path(post, path = "/api/v1/resources/{code}/versions/{number}/withdraw", tag = "data",
    params(CodePath, NumberPath), request_body = Reason,
    responses((status = 204, description = "Withdrawn; a tombstone with the reason remains")))]
async fn withdraw_version(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Number(number): Number,
    Input(Reason { reason }): Input<Reason>,
) -> Result<StatusCode, Refusal> {
    App::to_the_end(async move { withdraw(&app, &ctx, &code, number, &reason).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Withdraws a version; what look-ups keep of its rows goes at once.
pub(crate) async fn withdraw(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
    number: i64,
    reason: &str,
) -> Result<(), Error> {
    app.services.withdraw_version(ctx, code, number, reason).await?;
    let versions = app.services.versions(ctx, code).await?;
    let mut withdrawn = versions.iter().filter(|version| version.number == number);
    withdrawn.try_for_each(|version| app.engine.forget_prepared(&version.manifest_digest))
}

/// What was withdrawn and reinstated of the records of a dataset, and why
#[utoipa::path(get, path = "/api/v1/resources/{code}/records/acts", tag = "data", params(CodePath),
    responses((status = 200, description = "Oldest first, without the records' keys", body = Vec<RecordActView>)))]
async fn list_record_acts(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Json<Vec<RecordActView>>, Refusal> {
    let acts = app.services.record_acts(&ctx, &code).await?;
    let provider = app.services.resource(&ctx, &code).await?.provider;
    let is_own = ctx.principal.acts_for(&provider);
    Ok(Json(acts.into_iter().map(|act| RecordActView::of(act, is_own)).collect()))
}

/// Withdraw records, named by their keys, from all versions
///
/// A version that lacks the columns of the key can't be read by anyone until the withdrawal is said again by a key that it
/// has: with `again`, its id, and `columns`.
#[utoipa::path(post, path = "/api/v1/resources/{code}/records/withdraw", tag = "data", params(CodePath),
    request_body = RecordsWithdrawal, responses((status = 204, description = "Withdrawn")))]
async fn withdraw_records(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Input(said): Input<RecordsWithdrawal>,
) -> Result<StatusCode, Refusal> {
    let withdraw = async move { app.services.withdraw_records(&ctx, &app.datasets, &code, said).await };
    App::to_the_end(withdraw).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reinstate withdrawn records, named by their keys, for data delivered later
///
/// They show again in versions that go back to a whole delivery (`replace`) made after this, and stay hidden in all
/// others: in versions that are there, and in appends and upserts to them.
#[utoipa::path(post, path = "/api/v1/resources/{code}/records/reinstate", tag = "data", params(CodePath),
    request_body = RecordsWithdrawal,
    responses((status = 204, description = "Reinstated for later deliveries")))]
async fn reinstate_records(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Input(said): Input<RecordsWithdrawal>,
) -> Result<StatusCode, Refusal> {
    app.services.reinstate_records(&ctx, &code, said).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which version is described.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Described {
    /// A version by number; the latest when left out.
    version: Option<i64>,
}

/// The JSON Schema (2020-12) of one row, as the caller sees it
#[utoipa::path(get, path = "/api/v1/resources/{code}/schema", tag = "data", params(CodePath, Described),
    responses((status = 200, description = "Items that the caller does not see are absent", body = Object)))]
async fn get_schema(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(described): Params<Described>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(json_schema(&seen(&app, &ctx, &code, &described).await?)))
}

/// The data dictionary 数据字典, as the caller sees it
#[utoipa::path(get, path = "/api/v1/resources/{code}/dictionary", tag = "data", params(CodePath, Described),
    responses((status = 200, description = "One line per item", body = Vec<DictionaryLine>)))]
async fn get_dictionary(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(described): Params<Described>,
) -> Result<Json<Vec<DictionaryLine>>, Refusal> {
    Ok(Json(dictionary(&seen(&app, &ctx, &code, &described).await?)))
}

/// The first rows of the newest version
#[utoipa::path(get, path = "/api/v1/resources/{code}/preview", tag = "data", params(CodePath),
    responses((status = 200, description = "At most 20 rows", body = Rows)))]
async fn preview_records(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Response, Refusal> {
    let selection = Selection { limit: Some(PREVIEW_ROWS), ..Selection::of(TableName::Code(code)) };
    let answer = app.run(&ctx, QueryRequest::Selection(selection)).await?;
    answered(answer, Format::Json)
}

/// A version of the resource as the caller's one policy shows it. Before there is data, the directory describes it.
async fn seen(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
    described: &Described,
) -> Result<Resource, Refusal> {
    let selector = described.version.map_or(VersionSelector::Latest, VersionSelector::Number);
    match app.services.open(ctx, &app.datasets, code, selector).await {
        Ok(dataset) => Ok(visible(&dataset.resource, &dataset.granted.policy)),
        Err(error)
            if described.version.is_none()
                && matches!(error.code, ErrorCode::NotFound | ErrorCode::Withdrawn) =>
        {
            let granted = app.services.why(ctx, code).await?.into_policy()?;
            Ok(visible(&app.services.resource(ctx, code).await?, &granted.policy))
        }
        Err(error) => Err(error.into()),
    }
}
