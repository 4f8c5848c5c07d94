//! What the public contributes: feedback on datasets, and works made of them. Anyone contributes; it is shown when somebody has
//! looked at it.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::contribution::{Contributed, ContributionKind, ContributionState, Feedback, Work};
use catalog_core::services::{Draft, ReviewedContribution, ShownContribution};
use catalog_core::{OpContext, ResourceCode, Result};
use http::StatusCode;
use openapi_contract::{
    ContributionContact, ContributionDecision, ContributionReply, FeedbackPage, ReceivedContribution,
    WorkInput,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input, Params};
use crate::problem::Refusal;
use crate::wire::Wire;

/// Where feedback stands.
const FEEDBACK: &str = "/api/v1/feedback";
/// Where works stand.
const GALLERY: &str = "/api/v1/gallery";
/// Contributions on one page.
const LISTED: u32 = 50;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_feedback, create_feedback))
        .routes(routes!(list_feedback_to_review))
        .routes(routes!(decide_feedback))
        .routes(routes!(answer_feedback))
        .routes(routes!(list_works, create_work))
        .routes(routes!(list_works_to_review))
        .routes(routes!(decide_work))
        .routes(routes!(get_contact))
}

/// Whether bodies sent there are kept nowhere but where they belong.
pub(crate) fn keeps_nothing(path: &str) -> bool {
    path.starts_with(FEEDBACK) || path.starts_with(GALLERY)
}

/// What is listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct About {
    /// Code of a dataset.
    resource: ResourceCode,
    /// Only what came in before the one of this id.
    before: Option<String>,
}

/// What is listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfWorks {
    /// Only those made of the dataset of this code.
    resource: Option<ResourceCode>,
    /// Only what came in before the one of this id.
    before: Option<String>,
}

/// What is listed for those who decide.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ToReview {
    /// `waiting`, `shown` or `refused`.
    state: Option<ContributionState>,
    /// Only what came in before the one of this id.
    before: Option<String>,
}

/// Takes in a contribution of whoever asks, within what strangers may send in an hour.
pub(crate) async fn give(app: &Arc<App>, ctx: &OpContext, wire: Wire, draft: Draft) -> Result<String> {
    app.public_gate.contribute(wire.address, ctx.now)?;
    let (services, ctx) = (app.services.clone(), ctx.clone());
    App::to_the_end(async move { services.contribute(&ctx, draft).await }).await
}

/// A decision, to its end.
pub(crate) async fn decide(
    app: &Arc<App>,
    ctx: &OpContext,
    id: String,
    decision: ContributionDecision,
) -> Result<ReviewedContribution> {
    let (services, ctx) = (app.services.clone(), ctx.clone());
    let ContributionDecision { show, reason } = decision;
    App::to_the_end(async move { services.decide_contribution(&ctx, &id, show, reason).await }).await
}

/// An answer, to its end.
pub(crate) async fn answer(
    app: &Arc<App>,
    ctx: &OpContext,
    id: String,
    text: String,
) -> Result<ReviewedContribution> {
    let (services, ctx) = (app.services.clone(), ctx.clone());
    App::to_the_end(async move { services.answer_contribution(&ctx, &id, text).await }).await
}

/// A dataset's feedback that is shown, and its mean rating.
pub(crate) async fn feedback_on(
    app: &Arc<App>,
    ctx: &OpContext,
    code: &ResourceCode,
    before: Option<&str>,
) -> Result<FeedbackPage> {
    let _place = app.page(ctx).await?;
    let ratings = app.services.ratings(code).await?;
    let kind = ContributionKind::Feedback;
    let feedback = app.services.shown_contributions(kind, Some(code), before, LISTED).await?;
    Ok(FeedbackPage { ratings, feedback })
}

/// The works that are shown.
pub(crate) async fn works(
    app: &Arc<App>,
    ctx: &OpContext,
    resource: Option<&ResourceCode>,
    before: Option<&str>,
) -> Result<Vec<ShownContribution>> {
    let _place = app.page(ctx).await?;
    app.services.shown_contributions(ContributionKind::Work, resource, before, LISTED).await
}

/// The feedback on a dataset 评价
///
/// What somebody of the provider or of the data authority has looked at, the newest first, fifty at a time.
#[utoipa::path(get, path = "/api/v1/feedback", tag = "participation", params(About),
    responses((status = 200, description = "The newest first", body = FeedbackPage)))]
async fn list_feedback(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(About { resource, before }): Params<About>,
) -> Result<Json<FeedbackPage>, Refusal> {
    Ok(Json(feedback_on(&app, &ctx, &resource, before.as_deref()).await?))
}

/// Say what one thinks of a dataset
///
/// For anyone, without a key; a few in an hour. It is shown when somebody has looked at it.
#[utoipa::path(post, path = "/api/v1/feedback", tag = "participation", request_body = Feedback,
    responses((status = 201, description = "Received", body = ReceivedContribution)))]
async fn create_feedback(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(feedback): Input<Feedback>,
) -> Result<(StatusCode, Json<ReceivedContribution>), Refusal> {
    let draft = Draft { content: Contributed::Feedback(feedback), contact: None };
    let id = give(&app, &ctx, wire, draft).await?;
    Ok((StatusCode::CREATED, Json(ReceivedContribution { id })))
}

/// Feedback for those who decide about it: on a department's own datasets, or all of it for the data authority
#[utoipa::path(get, path = "/api/v1/feedback/review", tag = "participation", params(ToReview),
    responses((status = 200, description = "The newest first", body = Vec<ReviewedContribution>)))]
async fn list_feedback_to_review(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(ToReview { state, before }): Params<ToReview>,
) -> Result<Json<Vec<ReviewedContribution>>, Refusal> {
    let kind = ContributionKind::Feedback;
    Ok(Json(app.services.contributions_to_review(&ctx, kind, state, before.as_deref()).await?))
}

/// Decide whether feedback is shown
#[utoipa::path(post, path = "/api/v1/feedback/{id}/review", tag = "participation", request_body = ContributionDecision,
    params(("id" = String, Path, description = "The feedback's id")),
    responses((status = 200, description = "After the decision", body = ReviewedContribution)))]
async fn decide_feedback(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(decision): Input<ContributionDecision>,
) -> Result<Json<ReviewedContribution>, Refusal> {
    Ok(Json(decide(&app, &ctx, id, decision).await?))
}

/// Answer feedback in public, for its provider
#[utoipa::path(post, path = "/api/v1/feedback/{id}/reply", tag = "participation", request_body = ContributionReply,
    params(("id" = String, Path, description = "The feedback's id")),
    responses((status = 200, description = "With the answer", body = ReviewedContribution)))]
async fn answer_feedback(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(ContributionReply { text }): Input<ContributionReply>,
) -> Result<Json<ReviewedContribution>, Refusal> {
    Ok(Json(answer(&app, &ctx, id, text).await?))
}

/// Works made of data 应用成果
///
/// What the data authority has looked at, the newest first, fifty at a time.
#[utoipa::path(get, path = "/api/v1/gallery", tag = "participation", params(OfWorks),
    responses((status = 200, description = "The newest first", body = Vec<ShownContribution>)))]
async fn list_works(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(OfWorks { resource, before }): Params<OfWorks>,
) -> Result<Json<Vec<ShownContribution>>, Refusal> {
    Ok(Json(works(&app, &ctx, resource.as_ref(), before.as_deref()).await?))
}

/// Offer a work for the gallery
///
/// For anyone, without a key; a few in an hour. It is shown when the data authority has looked at it.
#[utoipa::path(post, path = "/api/v1/gallery", tag = "participation", request_body = WorkInput,
    responses((status = 201, description = "Received", body = ReceivedContribution)))]
async fn create_work(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(WorkInput { title, text, link, resources, contact }): Input<WorkInput>,
) -> Result<(StatusCode, Json<ReceivedContribution>), Refusal> {
    let draft = Draft { content: Contributed::Work(Work { title, text, link, resources }), contact };
    let id = give(&app, &ctx, wire, draft).await?;
    Ok((StatusCode::CREATED, Json(ReceivedContribution { id })))
}

/// Works for the data authority, which decides about them
#[utoipa::path(get, path = "/api/v1/gallery/review", tag = "participation", params(ToReview),
    responses((status = 200, description = "The newest first", body = Vec<ReviewedContribution>)))]
async fn list_works_to_review(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(ToReview { state, before }): Params<ToReview>,
) -> Result<Json<Vec<ReviewedContribution>>, Refusal> {
    let kind = ContributionKind::Work;
    Ok(Json(app.services.contributions_to_review(&ctx, kind, state, before.as_deref()).await?))
}

/// Decide whether a work is shown
#[utoipa::path(post, path = "/api/v1/gallery/{id}/review", tag = "participation", request_body = ContributionDecision,
    params(("id" = String, Path, description = "The work's id")),
    responses((status = 200, description = "After the decision", body = ReviewedContribution)))]
async fn decide_work(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(decision): Input<ContributionDecision>,
) -> Result<Json<ReviewedContribution>, Refusal> {
    Ok(Json(decide(&app, &ctx, id, decision).await?))
}

/// How to reach a work's maker, for the data authority; each reading is evidence
#[utoipa::path(get, path = "/api/v1/gallery/{id}/contact", tag = "participation",
    params(("id" = String, Path, description = "The work's id")),
    responses((status = 200, description = "As they wrote it", body = ContributionContact)))]
async fn get_contact(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<ContributionContact>, Refusal> {
    let contact = app.services.contribution_contact(&ctx, &id).await?;
    Ok(Json(ContributionContact { contact }))
}
